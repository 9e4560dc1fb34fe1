/** Pictures to files: DOT, which rootlet writes itself, or SVG, which Graphviz draws, by the name of the file. */

import { encodeText } from '../../src/bytes/index.ts';
import { joinLines, quote, usageError } from '../../src/diag/index.ts';
import { dotOf, type Picture, svgOf } from '../../src/picture/index.ts';
import { type Context, print, tellNotes } from './context.ts';
import { writeOutput } from './files.ts';
import { startGraphviz } from './graphviz.ts';

type Form = 'svg' | 'dot';

/** Where a picture goes, opened before anything else is done: what is missing is known then. */
export type PictureOutput = (context: Context, picture: Picture) => void;

/** Throws `usage-picture` for a name of another kind, `picture-no-graphviz`; what it returns throws `file-write`. */
export async function openPicture(path: string): Promise<PictureOutput> {
  const draw = formOf(path) === 'svg' ? await startGraphviz() : undefined;
  return (context, picture) => {
    const dot = dotOf(picture);
    if (path === '-') print(context, joinLines(dot.trimEnd().split('\n')));
    else writeOutput(path, encodeText(draw === undefined ? dot : svgOf(picture, draw(dot))));
    tellNotes(
      context,
      picture.notes.map(note => `--graph: ${note}`),
    );
  };
}

function formOf(path: string): Form {
  if (path === '-' || /\.(dot|gv)$/i.test(path)) return 'dot';
  if (/\.svg$/i.test(path)) return 'svg';
  throw usageError('usage-picture', `--graph ${quote(path)}: the name of a picture ends in .svg or .dot`, {
    hint: '"--graph -" prints DOT, for other forms: rootlet … --graph - | dot -Tpng -o OUT.png',
  });
}
