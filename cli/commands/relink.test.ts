/**
 * `rootlet relink` as a command: options, what is printed where, and that nothing is written when something
 * is wrong.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/diag/problem.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { component, ROOTLET } from '../../test/e2e/relink/shapes.ts';
import { archiveOf, memberOf } from '../../test/support/archives.ts';
import { type Outcome, runCommand } from '../../test/support/command.ts';
import { objectOf } from '../../test/support/objects.ts';
import { relinkCommand } from './relink.ts';

const directory = `${mkdtempSync(path.join(tmpdir(), 'rootlet-relink-'))}${path.sep}`;
afterAll(() => rmSync(directory, { recursive: true }));

const at = (name: string): string => `${directory}${name}`;
const limit = { name: 'limit', kind: 'extern function' } as const;
const objects = [
  ROOTLET,
  component('first.o', ['limit'], [limit, { name: 'hits', kind: 'variable' }]),
  component('second.o', ['limit'], [limit]),
  component('lone.o', [], [{ name: 'spare', kind: 'function' }]),
];
for (const object of objects) writeFileSync(at(object.name), writeObject(object));
const member = memberOf(objectOf('limit.o', [{ name: 'limit', kind: 'function' }]));
writeFileSync(at('liblimit.a'), archiveOf([member]));
const OUT = at('out.o');
beforeEach(() => rmSync(OUT, { force: true }));

const rootlet = (...words: readonly string[]): Promise<Outcome> =>
  runCommand(relinkCommand, ['-o', OUT, ...words], directory);

const namesIn = (file: string): string[] =>
  readObject({ name: file, bytes: readFileSync(file) }).symbols.flatMap(symbol =>
    symbol.name === '' ? [] : [symbol.name],
  );

const SLOTS = [at('rootlet.o'), `one=${at('first.o')}`, `two=${at('second.o')}`];

describe('libraries', () => {
  test.each([
    ['by name', ['-L', directory, '-llimit']],
    ['as a file', [at('liblimit.a')]],
  ])('%s', async (_, words) => {
    expect(await rootlet(...SLOTS, ...words)).toEqual({
      code: 0,
      err: '',
      out: `out.o:
  one = first.o:prog (now first_prog)
  two = second.o:prog (now second_prog)
renamed: function "prog" of first.o to "first_prog": second.o has one of that name
renamed: function "prog" of second.o to "second_prog": first.o has one of that name
renamed: function "limit" of liblimit.a(limit.o)#first.o to "first_limit": liblimit.a(limit.o)#second.o has one of that name
renamed: function "limit" of liblimit.a(limit.o)#second.o to "second_limit": liblimit.a(limit.o)#first.o has one of that name
`,
    });
  });

  test('of chains, anywhere among the components', async () => {
    expect(
      await rootlet(
        '--chain',
        at('first.o'),
        at('liblimit.a'),
        at('second.o'),
        '--share',
        'liblimit.a',
        '-O0',
      ),
    ).toMatchObject({
      code: 0,
      err: '',
    });
    expect(namesIn(OUT)).toEqual(expect.arrayContaining(['chain', 'first_prog', 'second_prog', 'limit']));
  });

  test('and why members came, even when the chain does not come about', async () => {
    const { code, err } = await rootlet(...SLOTS, at('liblimit.a'), '--trace', '--keep', 'nothing');
    expect(code).toBe(EXIT.usage);
    expect(err.split('\n')).toEqual([
      'rootlet.o',
      'first.o',
      'second.o',
      'liblimit.a',
      'liblimit.a(limit.o): defines limit, which first.o needs',
      'liblimit.a(limit.o): defines limit, which second.o needs',
      'rootlet: --keep "nothing": no input has such a symbol',
      '',
    ]);
    expect(existsSync(OUT)).toBe(false);
  });
});

test('words in a response file', async () => {
  const list = at('slots.list');
  writeFileSync(list, [...SLOTS, at('liblimit.a')].map(word => `"${word}"`).join('\n'));
  const { code, err } = await rootlet(`@${list}`);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(namesIn(OUT)).toEqual(expect.arrayContaining(['first_prog', 'second_prog', 'first_limit']));
  rmSync(OUT);
  writeFileSync(list, '');
  expect(await rootlet(`@${list}`)).toMatchObject({
    code: EXIT.usage,
    err: expect.stringContaining('give a rootlet'),
  });
  expect(existsSync(OUT)).toBe(false);
});

test('what is shared is reported', async () => {
  const counter = at('counter.o');
  const hits = { name: 'hits', kind: 'map' } as const;
  writeFileSync(counter, writeObject(component('counter.o', [], [hits])));
  const words = [at('rootlet.o'), `one=${counter}`, `two=${counter}`, '--own-state', 'two', '--keep', 'hits'];
  expect((await rootlet(...words, '--share', 'hits')).out).toMatch(/\nshared:\n {2}hits\n/);
});

describe('names', () => {
  const pinned = { name: 'blocked', kind: 'map', pinning: 1 } as const;
  const files = {
    'pin_a.o': component('pin_a.o', [], [pinned]),
    'pin_b.o': component('pin_b.o', [], [pinned]),
    'other.o': component('other.o', [], [{ name: 'blocked', kind: 'map' }]),
    'wide.o': component('wide.o', [], [{ ...pinned, value: 8 }]),
  };
  for (const [name, object] of Object.entries(files)) writeFileSync(at(name), writeObject(object));
  const slots = (one: string, two: string) => [at('rootlet.o'), `one=${at(one)}`, `two=${at(two)}`];

  test('of pinned maps stay, what is joined is listed', async () => {
    const { code, out } = await rootlet(...slots('pin_a.o', 'pin_b.o'));
    expect(code).toBe(0);
    expect(out).toContain('merged: map "blocked" of pin_a.o and pin_b.o: one pin, equal definitions\n');
    expect(namesIn(OUT).filter(name => name.includes('blocked'))).toEqual(['blocked']);
  });

  test('that give way are listed, as text, as JSON and in the map', async () => {
    const words = [...slots('other.o', 'pin_b.o'), '--keep', 'blocked'];
    const line = 'renamed: map "blocked" of other.o to "other_blocked": pin_b.o pins a map of that name\n';
    expect((await rootlet(...words)).out).toContain(line);
    expect((await rootlet(...words, '--quiet')).out).toBe('');
    const { out } = await rootlet(...words, '--json', '--Map', at('names.map'));
    expect(JSON.parse(out).report).toMatchObject({
      renames: expect.arrayContaining([
        {
          file: 'other.o',
          kind: 'map',
          from: 'blocked',
          to: 'other_blocked',
          reason: 'pinned',
          namesake: { file: 'pin_b.o', kind: 'map' },
        },
      ]),
      merged: [],
    });
    expect(readFileSync(at('names.map'), 'utf8')).toMatch(
      /map +\S*other\.o +blocked +-> +other_blocked +\S*pin_b\.o pins a map of that name/,
    );
  });

  test('of different maps under one pin: the command that the hint names works', async () => {
    const words = slots('pin_a.o', 'wide.o');
    const { code, err } = await rootlet(...words);
    expect(code).toBe(EXIT.input);
    expect(err).toContain('max_entries is 8 here and 1 there');
    const [, option = '', request = ''] = /(--redefine-sym) (\S+)\n/.exec(err) ?? [];
    const again = await rootlet(...words, option, request);
    expect(again.err).toContain('map "blocked" is pinned; its pin is renamed to "wide_blocked" as well');
    expect(namesIn(OUT)).toEqual(expect.arrayContaining(['blocked', 'wide_blocked']));
  });

  test('of a map that cannot be private', async () => {
    const { code, err } = await rootlet(...slots('pin_a.o', 'pin_b.o'), '--private', 'blocked');
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('map "blocked" cannot be private: pin_a.o and pin_b.o pin it');
    const copies = await rootlet(...slots('pin_a.o', 'pin_a.o'), '--own-state', 'two');
    expect(copies.err).toContain('note: map "blocked" is pinned, so pin_a.o and pin_a.o#two share it');
  });
});

test('edits, what is kept and why, and all of it', async () => {
  const lone = `one=${at('lone.o')}`;
  const { out } = await rootlet(
    at('rootlet.o'),
    lone,
    ...[
      '--prefix-symbols',
      'lone.o=l_',
      '--keep',
      'l_spare',
      '--why-live',
      'l_spare',
      '--trace-symbol',
      'one',
      '-q',
    ],
    '--print-gc-sections',
  );
  expect(out).toBe(`one:
  defined by  lone.o: s32 l_prog(struct xdp_md *ctx) in section ".text", lone.o.c:7
  lost        rootlet.o: __weak s32 one(struct xdp_md *ctx) in section ".text", rootlet.o.c:7 (a slot, filled by a component)
  used by     rootlet.o: root, at 0, rootlet.o.c:7: return 2;
function  one  rootlet.o  16 bytes  slot, replaced by lone.o
l_spare is kept by l_spare
`);
  await rootlet(at('rootlet.o'), lone, '--no-gc-sections');
  expect(namesIn(OUT)).toContain('spare');
});

describe('refused, with nothing written', () => {
  test.each([
    ['an object without a slot', [at('rootlet.o'), at('lone.o')], 'usage-assignment'],
    ['a slot in the place of the rootlet', [`one=${at('lone.o')}`], 'usage-rootlet'],
    ['a slot twice', [at('rootlet.o'), `one=${at('lone.o')}`, `one=${at('lone.o')}`], 'relink-slot-twice'],
    ['a name that is not there', [at('rootlet.o'), '--hide', 'nothing'], 'link-unknown-symbol'],
    ['names in a circle', [at('rootlet.o'), '--defsym', 'a=b', '--defsym', 'b=a'], 'link-alias-cycle'],
    ['--keep without collection', [at('rootlet.o'), '--keep', 'x', '--no-gc-sections'], 'usage-gc'],
    ['an order for a chain', ['--chain', at('lone.o'), '--order', 'x'], 'usage-chain'],
    ['a chain of libraries', ['--chain', at('liblimit.a')], 'usage-chain'],
  ])('%s', async (_, words, code) => {
    const { out } = await rootlet(...words, '--json');
    const report: unknown = JSON.parse(out);
    expect(report).toMatchObject({ ok: false, problems: [{ code }] });
    expect(existsSync(OUT)).toBe(false);
  });
});
