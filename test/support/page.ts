/** Pages of the documentation, taken apart: sources, scripts, and commands with their output. Each page has its own test. */

import { readFileSync } from 'node:fs';

export interface PageCommand {
  /** After `$`. */
  readonly line: string;
  readonly output: string;
}

/** Blocks of a language on a page, in order. A name without a directory is one of `docs/`. */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(page.includes('/') ? page : `docs/${page}`, 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, found, block = '']) =>
    found === language ? [block] : [],
  );
}

/** File name → source. A block of C begins with its name: `/* north.bpf.c: … *\/`. */
export function sourcesOf(page: string): ReadonlyMap<string, string> {
  return new Map(blocksOf(page, 'c').map(text => [/^\/\* (\S+\.bpf\.c): /.exec(text)?.[1] ?? '', text]));
}

/** Commands of the `console` blocks, in order, with what they print. */
export function commandsOf(page: string): PageCommand[] {
  return blocksOf(page, 'console')
    .flatMap(block => block.split(/^\$ /m).slice(1))
    .map(part => ({ line: part.slice(0, part.indexOf('\n')), output: part.slice(part.indexOf('\n') + 1) }));
}
