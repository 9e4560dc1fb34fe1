/**
 * Pictures to files. DOT is text that rootlet writes; SVG is drawn by Graphviz, which is a package of its own
 * (`optionalDependencies`) and is loaded only for that. Separate, because nothing else of the command needs it.
 */

import { createRequire } from 'node:module';
import { encodeText } from '../../src/bytes/index.ts';
import { asLines, platformError, quote, usageError } from '../../src/diag/index.ts';
import { dotOf, type Picture, svgOf } from '../../src/picture/index.ts';
import { type Context, print, tellNotes } from './context.ts';
import { writeOutput } from './files.ts';

export const GRAPHVIZ = '@viz-js/viz';

/** What is used of that package. */
interface Graphviz {
  instance(): Promise<{
    renderString(dot: string, options: { readonly format: string; readonly engine: string }): string;
  }>;
}

type Form = 'svg' | 'dot';

/** Throws `usage-picture` for a name that says neither. Before anything else is done. */
export function pictureForm(path: string): Form {
  if (path === '-' || /\.(dot|gv)$/i.test(path)) return 'dot';
  if (/\.svg$/i.test(path)) return 'svg';
  throw usageError('usage-picture', `--graph ${quote(path)}: the name of a picture ends in .svg or .dot`, {
    hint: '"--graph -" prints DOT, for other forms: rootlet … --graph - | dot -Tpng -o OUT.png',
  });
}

/** Writes a picture as its name says. Throws `usage-picture`, `picture-no-graphviz`, `file-write`. */
export async function writePicture(context: Context, path: string, picture: Picture): Promise<void> {
  const form = pictureForm(path);
  const dot = dotOf(picture);
  if (path === '-') print(context, asLines(dot));
  else writeOutput(path, encodeText(form === 'dot' ? dot : svgOf(picture, await draw(dot))));
  tellNotes(
    context,
    picture.notes.map(note => `--graph: ${note}`),
  );
}

async function draw(dot: string): Promise<string> {
  const graphviz = await loadGraphviz();
  return graphviz.renderString(dot, { format: 'svg', engine: 'dot' });
}

async function loadGraphviz() {
  let found: Graphviz;
  try {
    found = createRequire(import.meta.url)(GRAPHVIZ);
  } catch (error) {
    throw noGraphviz(error);
  }
  try {
    return await found.instance();
  } catch (error) {
    throw platformError(
      'picture-no-graphviz',
      [],
      `Graphviz (${GRAPHVIZ}) cannot start: ${reasonOf(error)}`,
      {
        hint: WITHOUT,
      },
    );
  }
}

const WITHOUT = '--graph with a name that ends in .dot needs no package: "dot -Tsvg" draws it';

function noGraphviz(error: unknown) {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
  const why = isMissing ? 'is not installed' : `cannot be loaded: ${reasonOf(error)}`;
  return platformError('picture-no-graphviz', [], `SVG is drawn by the package ${GRAPHVIZ}, which ${why}`, {
    hint: `install it beside rootlet (npm install ${GRAPHVIZ}); ${WITHOUT}`,
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
