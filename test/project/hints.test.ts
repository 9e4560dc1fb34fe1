/** Hints and messages name commands and options that exist: a remedy that cannot be typed is none. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pagesOf } from '../../cli/help/catalog.ts';
import { loadCatalog } from '../../cli/main.ts';

const catalog = await loadCatalog();
const pages = pagesOf(catalog);
const commands = new Set([...pages.map(({ command }) => command), ...catalog.map(({ name }) => name)]);
const GROUPS = new Set(catalog.filter(({ kind }) => kind === 'group').map(({ name }) => name));
/** Options of each command. */
const options = new Map(
  pages.map(({ command, sections }) => [
    command,
    new Set(
      sections.flatMap(section =>
        section.options.flatMap(({ long, isNegated }) =>
          isNegated ? [`--${long}`, `--no-${long}`] : [`--${long}`],
        ),
      ),
    ),
  ]),
);
const allOptions = new Set([...options.values()].flatMap(names => [...names]));
/** Options of other programs, and of the scripts of this one. */
const FOREIGN = [
  ...['--version', '--help-all', '--helpAll', '--no-'], // of the parser
  ...['--net', '--allow-addons', '--test', '--experimental-strip-types', '--import'], // of nsenter and Node
  ...['--actions', '--start-group', '--end-group'], // of xdp-loader and ld, which are accepted
];

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === 'testdata' ? [] : sources(path);
    return /\.ts$/.test(path) && !/\.test\.ts$|testing\.ts$/.test(path) ? [path] : [];
  });
}

interface Text {
  readonly place: string;
  readonly text: string;
}

/** String literals of a file, without comments; parts of a template are texts of their own. */
function textsIn(path: string): Text[] {
  const source = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, comment =>
    comment.replaceAll(/[^\n]/g, ''),
  );
  return source.split('\n').flatMap((line, at) => {
    const code = line.replace(/(^|\s)\/\/.*$/, '');
    return [...code.matchAll(/'((?:[^'\\]|\\.)*)'|`([^`]*)`?/g)].map(([, single, template]) => ({
      place: `${path}:${at + 1}`,
      text: single ?? template ?? '',
    }));
  });
}

const texts = ['src', 'cli'].flatMap(sources).flatMap(textsIn);

/** The command that a text begins to name after `rootlet `, and the rest of the text. */
function commandsIn(text: string): { readonly words: string; readonly rest: string }[] {
  return [...text.matchAll(/(?:^|["(]|; )rootlet ([a-z]+)(?: ([a-z]+))?([^"]*)/g)].map(
    ([, first = '', second = '', rest = '']) => ({
      words: GROUPS.has(first) && second !== '' ? `${first} ${second}` : first,
      rest,
    }),
  );
}

describe('what messages tell to type', () => {
  test('commands exist', () => {
    const named = texts.flatMap(({ place, text }) => commandsIn(text).map(({ words }) => ({ place, words })));
    // "rootlet xdp stat": the beginning of a command is enough in a group
    const isCommand = (words: string) =>
      [...commands].some(name => name === words || (words.includes(' ') && name.startsWith(words)));
    const unknown = named.filter(({ words }) => !isCommand(words) && !/^(does|and|are)$/.test(words)); // sentences about a rootlet
    expect(named.length).toBeGreaterThan(30);
    expect(unknown.map(({ place, words }) => `${place}: rootlet ${words}`)).toEqual([]);
  });

  test('options exist', () => {
    const named = texts.flatMap(({ place, text }) =>
      [...text.matchAll(/(?<![-\w$}])--[a-zA-Z][a-zA-Z-]+/g)].map(([option]) => ({ place, option })),
    );
    const unknown = named.filter(({ option }) => !allOptions.has(option) && !FOREIGN.includes(option));
    expect(named.length).toBeGreaterThan(100);
    expect(unknown.map(({ place, option }) => `${place}: ${option}`)).toEqual([]);
  });

  test('options that follow a command are options of it', () => {
    const wrong = texts.flatMap(({ place, text }) =>
      commandsIn(text).flatMap(({ words, rest }) => {
        const own = options.get(words);
        const [line = ''] = rest.split(/[;,:]/);
        const used = [...line.matchAll(/(?<![-\w])--[a-z][a-z-]+/g)].map(([option]) => option);
        return own === undefined
          ? []
          : used.filter(option => !own.has(option)).map(option => `${place}: ${words} ${option}`);
      }),
    );
    expect(wrong).toEqual([]);
  });
});
