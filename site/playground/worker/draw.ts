/** Pictures of what was linked, drawn by Graphviz, which is a script of its own that is read when the first one is drawn. */

import { RootletError } from '../../../src/diag/index.ts';
import { linkPicture } from '../../../src/link/index.ts';
import { callPicture } from '../../../src/object/index.ts';
import { dotOf, type Picture } from '../../../src/picture/index.ts';
import { drawingOf } from '../../../src/picture/svg.ts';
import type { PictureRequest, PictureView } from '../messages.ts';
import type { Files } from './files.ts';
import { type Linked, linkFiles } from './link.ts';

/** What the script defines, as far as it is used. */
interface Graphviz {
  renderString(dot: string, options: { readonly format: string; readonly engine: string }): string;
}

declare const self: {
  importScripts(name: string): void;
  Viz?: { instance(): Promise<Graphviz> };
};

export async function drawPicture(
  files: Files,
  { link, picture: kind }: PictureRequest,
): Promise<PictureView> {
  const linked = linkFiles(files, link);
  if (!linked.ok) throw new RootletError(linked.problems);
  const picture = kind === 'calls' ? callPicture(linked.object) : pictureOfLink(linked);
  const graphviz = await start();
  const drawn = graphviz.renderString(dotOf(picture), { format: 'svg', engine: 'dot' });
  return { svg: drawingOf(picture, drawn), notes: picture.notes };
}

function pictureOfLink({ object, report }: Linked & { readonly ok: true }): Picture {
  return linkPicture(object.name, report);
}

async function start(): Promise<Graphviz> {
  if (self.Viz === undefined) self.importScripts('viz.js');
  if (self.Viz === undefined) throw new Error('viz.js does not define Graphviz');
  return self.Viz.instance();
}
