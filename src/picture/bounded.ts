/** Pictures of a size that can be drawn and looked at: what is too large is drawn with less in it, and says so. */

import { counted, inputError, type Limits, limitHint, limitOf, raiseHint } from '../diag/index.ts';
import type { Picture } from './model.ts';

/** A way to draw something; each one after the first leaves more out. */
export interface Drawing {
  /** What it leaves out; '' for the whole. */
  readonly without: string;
  readonly draw: () => Picture;
}

export interface BoundedOptions {
  readonly limits?: Limits | undefined;
  /** File, and what of it. */
  readonly where: readonly string[];
  /** What else helps, as a hint. */
  readonly instead: string;
}

function sizeOf({ nodes, edges }: Picture): number {
  return nodes.length + edges.length;
}

/** The first picture that keeps the limit. Throws `picture-limit` when none does. */
export function boundedPicture(drawings: readonly Drawing[], options: BoundedOptions): Picture {
  const most = limitOf(options.limits, 'picture');
  let whole = 0;
  let least = 0;
  for (const { without, draw } of drawings) {
    const picture = draw();
    least = sizeOf(picture);
    if (whole === 0) whole = least;
    if (least <= most) return without === '' ? picture : noted(picture, without, most, whole);
  }
  throw inputError(
    'picture-limit',
    options.where,
    `a picture of it has ${counted(least, 'node')} and edges; the limit is ${most}`,
    { hint: limitHint('picture', most, options.instead, least) },
  );
}

function noted(picture: Picture, without: string, most: number, whole: number): Picture {
  const raise = raiseHint('picture', most, whole);
  const note = `without ${without}: there would be ${whole} nodes and edges, the limit is ${most}`;
  return { ...picture, notes: [...picture.notes, raise === undefined ? note : `${note}; ${raise}`] };
}
