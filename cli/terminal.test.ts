/** Names from files reach neither stream as they are: nothing that a terminal obeys or hides, and no line of their own. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { writeObject } from '../src/object/write/write.ts';
import { archiveOf } from '../test/support/archives.ts';
import { objectOf, type SymbolSpec } from '../test/support/objects.ts';
import { main } from './main.ts';

/** A colour, a line, a title by C1, a direction, what has no width, a tag, and a lone carriage return. */
const EVIL = '\u001b[31m\nforged\u009d0;t\u0007\u202e\u200b\u061c\ufeff\u{e0041}\r\t\u007f';
const named = (name: string): string => `${name}${EVIL}`;
/** A tab moves the cursor forward on its own line. */
const OBEYED = /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/u;

function hostile(spec: SymbolSpec): SymbolSpec {
  const many = (names?: readonly string[]) => (names === undefined ? {} : { uses: names.map(named) });
  const section = spec.section === undefined ? {} : { section: spec.section };
  return { ...spec, name: named(spec.name), ...many(spec.uses), ...section };
}

const OBJECTS = {
  main: [
    { name: 'pass', kind: 'function', section: 'xdp', uses: ['count', 'map', 'lost'] },
    { name: 'idle', kind: 'function', section: named('.text.') },
    { name: 'count', kind: 'variable', section: named('.data.') },
    { name: 'map', kind: 'map' },
    { name: 'lost', kind: 'extern function' },
  ],
  other: [{ name: 'lost', kind: 'function' }],
  again: [
    { name: 'lost', kind: 'function' },
    { name: 'map', kind: 'map', value: 9 },
  ],
  second: [{ name: 'second', kind: 'function', section: 'xdp' }],
} satisfies Readonly<Record<string, readonly SymbolSpec[]>>;

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rootlet-terminal-'));
  for (const [name, specs] of Object.entries(OBJECTS)) {
    const bytes = writeObject(objectOf(name, specs.map(hostile)));
    writeFileSync(join(directory, `${named(name)}.o`), bytes);
    if (name === 'other') {
      const archive = archiveOf([{ name: 'm\u001b[1m', bytes, defines: [] }], false);
      writeFileSync(join(directory, `${named('lib')}.a`), archive);
    }
  }
  writeFileSync(join(directory, `${named('none')}.o`), 'no object');
});
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => {
  process.exitCode = 0;
});

const file = (name: string): string => join(directory, `${named(name)}.o`);

async function outputOf(words: readonly string[]): Promise<string> {
  const texts: string[] = [];
  const stream = { write: (text: string) => void texts.push(text) };
  await main(words, { stdout: stream, stderr: stream });
  return texts.join('');
}

/** What a terminal would obey or hide, and lines that a name made. */
function harm(text: string): string[] {
  return text.split('\n').filter(one => OBEYED.test(one) || one.startsWith('forged'));
}

const out = ['-o', '/dev/null'];
const LINES: readonly (readonly [string, () => readonly string[]])[] = [
  ['inspect', () => [file('main')]],
  ['inspect', () => ['--btf', file('main')]],
  ['inspect', () => ['--disasm', file('main')]],
  ['inspect', () => [file('none')]],
  ['inspect', () => [join(directory, named('missing'))]],
  ['link', () => ['-t', file('main'), file('other'), ...out]],
  ['link', () => ['-t', file('main'), join(directory, `${named('lib')}.a`), ...out]],
  ['link', () => ['-y', named('lost'), '-y', named('count'), file('main'), file('other'), ...out]],
  [
    'link',
    () => [
      '--gc-sections',
      '--print-gc-sections',
      '--why-live',
      named('count'),
      file('main'),
      file('other'),
      ...out,
    ],
  ],
  ['link', () => [file('main'), file('other'), file('again'), ...out]],
  ['link', () => [file('main'), '--redefine-sym', `${named('nothing')}=${named('else')}`, ...out]],
  ['link', () => [file('main'), file('other'), '-O1', '--report-inlining', ...out]],
  ['link', () => [file('main'), '-l', named('x'), '-L', directory, ...out]],
  ['relink', () => ['--chain', file('second'), file('second'), ...out]],
  ['relink', () => [file('second'), `${named('slot')}=${file('main')}`, ...out]],
  ['relink', () => ['--bind', named('word'), file('second'), ...out]],
  ['run', () => ['--packet', '00'.repeat(20), '--maps', file('main')]],
  ['run', () => ['--packet', '00'.repeat(20), '--prog-name', named('p'), file('second')]],
  ['run', () => ['--packet', named('0'), file('second')]],
  ['run', () => ['--packet', '00', '--max-entries', `${named('m')}=3`, file('second')]],
  [named('command'), () => []],
  ['inspect', () => [`--${named('option')}`, file('main')]],
];

describe.each(LINES.map(([command, words], at) => [at, command, words] as const))(
  'line %i',
  (_, command, words) => {
    test('as text', async () => {
      const text = await outputOf([command, ...words()]);
      expect(text).not.toBe('');
      expect(harm(text)).toEqual([]);
    });

    test('as JSON', async () => {
      const text = await outputOf([command, '--json', ...words()]);
      expect(harm(text)).toEqual([]);
      if (text.startsWith('{')) expect(JSON.parse(text)).toHaveProperty('schemaVersion', 1);
    });
  },
);

test('the link map', async () => {
  const map = join(directory, 'map');
  await outputOf(['link', file('main'), file('other'), '--Map', map, ...out]);
  expect(harm(readFileSync(map, 'utf8'))).toEqual([]);
  expect(readdirSync(directory)).toContain('map');
});
