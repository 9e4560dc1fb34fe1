/**
 * Graphviz, which draws SVG: a package of its own that need not be installed (`optionalDependencies`). It is loaded for
 * that alone, as the whole of it is WebAssembly of more than a megabyte.
 */

import { createRequire } from 'node:module';
import { platformError, type RootletError } from '../../src/diag/index.ts';

export const GRAPHVIZ = '@viz-js/viz';

/** What is used of the package. */
export interface Graphviz {
  instance(): Promise<{
    renderString(dot: string, options: { readonly format: string; readonly engine: string }): string;
  }>;
}

/** DOT to SVG. */
export type Draw = (dot: string) => string;

/** Starts Graphviz. Throws `picture-no-graphviz` where the package is missing or cannot start. */
export async function startGraphviz(load: () => Graphviz = loadPackage): Promise<Draw> {
  const graphviz = await start(load);
  return dot => graphviz.renderString(dot, { format: 'svg', engine: 'dot' });
}

function loadPackage(): Graphviz {
  return createRequire(import.meta.url)(GRAPHVIZ);
}

async function start(load: () => Graphviz) {
  try {
    return await load().instance();
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
    throw isMissing ? notInstalled() : notStarted(error instanceof Error ? error.message : String(error));
  }
}

const WITHOUT = '--graph with a name that ends in .dot needs no package: "dot -Tsvg" draws it';

function notInstalled(): RootletError {
  return platformError(
    'picture-no-graphviz',
    [],
    `SVG is drawn by the package ${GRAPHVIZ}, which is not installed`,
    { hint: `install it beside rootlet (npm install ${GRAPHVIZ}); ${WITHOUT}` },
  );
}

function notStarted(reason: string): RootletError {
  return platformError('picture-no-graphviz', [], `the package ${GRAPHVIZ} cannot start: ${reason}`, {
    hint: WITHOUT,
  });
}
