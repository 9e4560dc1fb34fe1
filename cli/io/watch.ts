/** Output that is drawn again every few seconds, until it is stopped. */

import type { Lines } from '../../src/diag/index.ts';
import { Stop } from './stop.ts';

/** To the first column of the first line. */
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_REST = '\u001b[J';

export interface Redrawing {
  /** Seconds between two drawings. */
  readonly interval: number;
  /** On a terminal each drawing replaces the one before; elsewhere they follow one another, without escapes. */
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  /** A whole drawing, with the line break at its end. */
  readonly draw: () => Lines;
}

/** Draws until a signal, or `q` on a terminal, ends it without an error. Throws what `draw` and `write` throw. */
export async function redraw({ interval, isTerminal, write, draw }: Redrawing): Promise<void> {
  using stop = new Stop(isTerminal);
  while (!stop.isStopped) {
    const text = draw();
    write(isTerminal ? onScreen(text) : text);
    await stop.wait(interval * 1000);
  }
}

/** Lines are written over those of the last drawing, so that nothing flickers. */
function onScreen(text: string): string {
  return `${HOME}${text.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_REST}`;
}
