/** Sessions of pages about chains, taken apart. Separate because each page has a test of its own. */

import { readFileSync } from 'node:fs';

export interface PageCommand {
  /** After `$`. */
  readonly line: string;
  readonly output: string;
}

/** Commands of the `console` blocks of a page in `docs/`, in order, with what they print. */
export function commandsOf(page: string): PageCommand[] {
  const text = readFileSync(`docs/${page}`, 'utf8');
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.split(/^\$ /m).slice(1))
    .map(part => ({ line: part.slice(0, part.indexOf('\n')), output: part.slice(part.indexOf('\n') + 1) }));
}
