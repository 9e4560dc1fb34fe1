/** What only docs/relinking.md has: preparations and programs. */

import { blocksOf } from '../../support/page.ts';

const PAGE = 'relinking.md';

/** Lines of the shell script before the first command; its first line starts the shell. */
export function preparationsOfPage(): string[] {
  const [first = ''] = blocksOf(PAGE, 'sh');
  return first.trimEnd().split('\n').slice(1);
}

export interface PageProgram {
  readonly code: string;
  readonly output: string;
}

/** Programs, with what their comments `//> …` say that they print. */
export function programsOfPage(): PageProgram[] {
  return blocksOf(PAGE, 'js').map(code => ({
    code,
    output: code
      .split('\n')
      .flatMap(line => (line.startsWith('//> ') ? [`${line.slice('//> '.length)}\n`] : []))
      .join(''),
  }));
}

/** Ids, tags and the width of columns differ from run to run. */
export function withoutIds(output: string): string {
  return output
    .replace(/tag [0-9a-f]{16}/g, 'tag T')
    .replace(/(\bid +|program +|map +|attachment +)\d+/g, '$1N')
    .replace(/[ \t]+/g, ' ')
    .trim();
}
