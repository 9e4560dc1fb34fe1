/** The examples of docs/relinking.md, taken apart: sources, preparations, commands with their output, and programs. */

import { readFileSync } from 'node:fs';

export interface PageCommand {
  /** After `$`. */
  readonly line: string;
  readonly output: string;
}

interface Block {
  readonly language: string;
  readonly text: string;
}

const blocks: readonly Block[] = [
  ...readFileSync('docs/relinking.md', 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm),
].map(([, language = '', text = '']) => ({ language, text }));

const textsIn = (language: string): string[] =>
  blocks.filter(block => block.language === language).map(({ text }) => text);

/** File name → source. A block of C begins with its name: `/* north.bpf.c: … *\/`. */
export function sourcesOfPage(): ReadonlyMap<string, string> {
  return new Map(textsIn('c').map(text => [/^\/\* (\S+\.bpf\.c): /.exec(text)?.[1] ?? '', text]));
}

/** Lines of the shell script before the first command; its first line starts the shell. */
export function preparationsOfPage(): string[] {
  const [first = ''] = textsIn('sh');
  return first.trimEnd().split('\n').slice(1);
}

export function commandsOfPage(): PageCommand[] {
  return textsIn('console').flatMap(text =>
    text
      .split(/^\$ /m)
      .slice(1)
      .map(part => {
        const end = part.indexOf('\n');
        return { line: part.slice(0, end), output: part.slice(end + 1) };
      }),
  );
}

export interface PageProgram {
  readonly code: string;
  readonly output: string;
}

/** Programs, with what their comments `//> …` say that they print. */
export function programsOfPage(): PageProgram[] {
  return textsIn('js').map(code => ({
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
