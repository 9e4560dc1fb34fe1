/**
 * What the cases in `test/cases` ask for, read from comments at the top of their C files.
 *
 * A case is a directory of sources, compiled for both byte orders. Lines `// WORD: text` are directives; they are grouped
 * in blocks, each with ways to link and what must come of every one of them. The README of the directory lists all words.
 */

/** One way to make an object of a case's files. */
export type Recipe =
  | {
      readonly kind: 'link';
      readonly inputs: readonly Input[];
      readonly partial: boolean;
      readonly text: string;
    }
  | {
      readonly kind: 'relink';
      readonly rootlet: string;
      readonly slots: readonly Slot[];
      readonly text: string;
    };

/** A file of the case, or the partial link of some of them. */
export type Input = string | readonly Input[];

export interface Slot {
  readonly slot: string;
  readonly file: string;
  readonly program: string | undefined;
}

export interface Expectation {
  /** Without `EXPECT-`. */
  readonly word: string;
  readonly text: string;
}

export interface Block {
  readonly recipes: readonly Recipe[];
  readonly expectations: readonly Expectation[];
}

export interface Case {
  readonly title: string;
  readonly blocks: readonly Block[];
}

interface Directive {
  readonly word: string;
  readonly text: string;
}

/** Reads the directives of all sources of a case, in the given order. Throws for what it does not know. */
export function readCase(sources: readonly string[]): Case {
  const directives = sources.flatMap(directivesOf);
  const blocks: { recipes: Recipe[]; expectations: Expectation[] }[] = [];
  let title = '';
  for (const { word, text } of directives) {
    if (word === 'CFLAGS') continue;
    if (word === 'CASE') {
      title = text;
      continue;
    }
    let block = blocks.at(-1);
    if (word.startsWith('EXPECT-')) {
      if (block === undefined) throw new Error(`${word} is before any LINK`);
      block.expectations.push({ word: word.slice('EXPECT-'.length), text });
      continue;
    }
    if (block === undefined || block.expectations.length > 0) {
      block = { recipes: [], expectations: [] };
      blocks.push(block);
    }
    block.recipes.push(...recipesOf(word, text));
  }
  if (title === '' || blocks.length === 0) throw new Error('a case needs CASE and LINK or RELINK');
  return { title, blocks };
}

function directivesOf(source: string): Directive[] {
  return source.split('\n').flatMap(line => {
    const match = /^\/\/ ([A-Z][A-Z-]+):(.*)$/.exec(line);
    return match === null ? [] : [{ word: match[1] ?? '', text: (match[2] ?? '').trim() }];
  });
}

function recipesOf(word: string, text: string): Recipe[] {
  switch (word) {
    case 'LINK':
      return [{ kind: 'link', inputs: inputsOf(text), partial: false, text }];
    case 'LINK-PARTIAL':
      return [{ kind: 'link', inputs: inputsOf(text), partial: true, text }];
    case 'LINK-ANY-ORDER':
      return permutations(inputsOf(text)).map(inputs => ({
        kind: 'link',
        inputs,
        partial: false,
        text: inputs.map(textOf).join(' '),
      }));
    case 'RELINK':
      return [relinkOf(text)];
    default:
      throw new Error(`unknown directive ${word}`);
  }
}

function textOf(input: Input): string {
  return typeof input === 'string' ? input : `(${input.map(textOf).join(' ')})`;
}

/** `a (b c) d`. */
function inputsOf(text: string): Input[] {
  const stack: Input[][] = [[]];
  for (const token of text.match(/[()]|[^\s()]+/g) ?? []) {
    if (token === '(') {
      stack.push([]);
    } else if (token === ')') {
      const group = stack.pop();
      if (group === undefined || stack.length === 0) throw new Error(`parentheses do not match: ${text}`);
      stack.at(-1)?.push(group);
    } else {
      stack.at(-1)?.push(token);
    }
  }
  if (stack.length !== 1) throw new Error(`parentheses do not match: ${text}`);
  return stack[0] ?? [];
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((first, position) =>
    permutations(items.filter((_, index) => index !== position)).map(rest => [first, ...rest]),
  );
}

/** `rootlet slot=file:program slot=file`. */
function relinkOf(text: string): Recipe {
  const [rootlet = '', ...words] = text.split(/\s+/);
  const slots = words.map(word => {
    const match = /^(\w+)=([^:]+)(?::(\w+))?$/.exec(word);
    if (match === null) throw new Error(`not SLOT=FILE[:PROGRAM]: ${word}`);
    return { slot: match[1] ?? '', file: match[2] ?? '', program: match[3] };
  });
  return { kind: 'relink', rootlet, slots, text };
}
