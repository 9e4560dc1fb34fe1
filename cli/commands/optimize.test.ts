/** `-O0`, `-O1` and their options, in the commands that link: spelling, defaults, refusals, and where the report goes. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/diag/problem.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { component, ROOTLET } from '../../test/e2e/relink/shapes.ts';
import { type Outcome, runCommand } from '../../test/support/command.ts';
import { objectOf } from '../../test/support/objects.ts';
import { linkCommand } from './link.ts';
import { relinkCommand } from './relink.ts';

const directory = `${mkdtempSync(path.join(tmpdir(), 'rootlet-optimize-'))}${path.sep}`;
afterAll(() => rmSync(directory, { recursive: true }));

const at = (name: string): string => `${directory}${name}`;
const objects = [
  ROOTLET,
  component('first.o', ['judge'], [{ name: 'judge', kind: 'function' }]),
  component('second.o', [], [{ name: 'rules', kind: 'map' }]),
  objectOf('main.o', [
    { name: 'main', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['used'], value: 2 },
    { name: 'used', kind: 'extern function' },
  ]),
  objectOf('used.o', [{ name: 'used', kind: 'function' }]),
];
for (const object of objects) writeFileSync(at(object.name), writeObject(object));
const [OUT, MAP] = [at('out.o'), at('out.map')];
beforeEach(() => {
  rmSync(OUT, { force: true });
  rmSync(MAP, { force: true });
});

const relink = (...words: readonly string[]): Promise<Outcome> =>
  runCommand(relinkCommand, ['-o', OUT, ...words], directory);
const chain = (...words: readonly string[]): Promise<Outcome> =>
  relink('--chain', at('first.o'), at('second.o'), ...words);
const link = (...words: readonly string[]): Promise<Outcome> =>
  runCommand(linkCommand, ['-o', OUT, at('main.o'), at('used.o'), ...words], directory);

const functions = (): string[] =>
  readObject({ name: OUT, bytes: readFileSync(OUT) })
    .symbols.flatMap(symbol => (symbol.kind === 'function' ? [symbol.name] : []))
    .sort();

const ALL = ['chain', 'first_prog', 'judge', 'second_prog'];

describe('levels', () => {
  test.each([[], ['-O1'], ['-O', '1'], ['--optimize', '1'], ['--optimize=1']])(
    'chains are optimized: %j',
    async (...words) => {
      expect(await chain(...words)).toMatchObject({ code: 0 });
      expect(functions()).toEqual(['chain']);
    },
  );

  test.each([['-O0'], ['-O', '0']])('unless there is %j', async (...words) => {
    const { code, out } = await chain(...words);
    expect(code).toBe(0);
    expect(out).not.toContain('optimized');
    expect(functions()).toEqual(ALL);
  });

  test('a rootlet and a link are optimized on request', async () => {
    const slots = [at('rootlet.o'), `one=${at('first.o')}`];
    await relink(...slots);
    expect(functions()).toEqual(['judge', 'prog', 'root', 'two']);
    await relink(...slots, '-O1');
    expect(functions()).toEqual(['root', 'two']);
    await link();
    expect(functions()).toEqual(['main', 'used']);
    await link('-O1', '--gc-sections');
    expect(functions()).toEqual(['main']);
    await link('-O1');
    expect(functions()).toEqual(['main', 'used']);
  });

  test.each(['-O2', '-O3', '-Os', '-Oz', '-O10', '-Ofast'])('there is no %s', async level => {
    expect(await chain(level)).toEqual({
      code: EXIT.usage,
      out: '',
      err: `rootlet: ${level} is not a level of optimization\n  hint: -O1 optimizes, -O0 does not; there are no others\n`,
    });
    expect(existsSync(OUT)).toBe(false);
  });
});

describe('options', () => {
  test.each([
    ['slot1', ['chain', 'first_prog', 'judge']],
    ['judge', ['chain', 'judge']],
    ['first.o:prog', ['chain', 'first_prog', 'judge']],
    ['prog', ALL],
  ])('--no-inline %s keeps it', async (name, left) => {
    expect(await chain('--no-inline', name)).toMatchObject({ code: 0 });
    expect(functions()).toEqual(left);
  });

  test.each([
    ['nothing', '--no-inline "nothing": no input has such a symbol'],
    ['rules', '--no-inline "rules": it is a map, not a function of an input'],
  ])('--no-inline %s is refused', async (name, message) => {
    expect(await chain('--no-inline', name)).toEqual({
      code: EXIT.usage,
      out: '',
      err: `rootlet: ${message}\n`,
    });
    expect(existsSync(OUT)).toBe(false);
  });

  test.each([
    ['all', ['chain']],
    ['single', ['chain']],
    ['none', ALL],
  ])('--inline %s', async (scope, left) => {
    expect(await chain('--inline', scope)).toMatchObject({ code: 0 });
    expect(functions()).toEqual(left);
  });

  test('--inline has no other words', async () => {
    expect(await chain('--inline', 'most')).toMatchObject({
      code: EXIT.usage,
      err: 'rootlet: --inline "most" is not one of all, single, members, none\n',
    });
  });

  test.each([['--inline', 'all'], ['--no-inline', 'judge'], ['--report-inlining']])(
    '%s needs -O1',
    async (option, ...rest) => {
      const message = `rootlet: ${option} needs -O1\n`;
      expect(await chain('-O0', option, ...rest)).toMatchObject({ code: EXIT.usage, err: message });
      expect(await link(option, ...rest)).toMatchObject({ code: EXIT.usage, err: message });
    },
  );

  test('a partial link is not optimized', async () => {
    expect(await link('-r', '-O1')).toMatchObject({
      code: EXIT.usage,
      err: expect.stringContaining('a partial link cannot be optimized'),
    });
    expect(await link('-r', '-O0')).toMatchObject({ code: 0 });
  });
});

describe('the report', () => {
  const INLINED = '(--no-inline NAME keeps one)';

  test('is one line, which names what is gone', async () => {
    const { out, err } = await chain();
    expect(out).toContain('  slot1 = first.o:prog (inlined)\n  slot2 = second.o:prog (inlined)\n');
    expect(out).toMatch(/^optimized: \d+ -> \d+ insns; inlined and removed, .*: \w+, \w+, \w+ \(/m);
    expect(out).toContain(INLINED);
    expect(err).toBe('');
    expect((await chain('-q')).out).not.toContain('optimized');
  });

  test('is complete on request', async () => {
    const { out } = await chain('--report-inlining', '--no-inline', 'slot2');
    expect(out).toMatch(
      /^optimization: --inline single\n {2}chain: \d+ -> \d+ insns, \d+ -> \d+ bytes of stack, .*\n/m,
    );
    expect(out).toMatch(/^ {4}inlined {2}first_prog {3}into chain$/m);
    expect(out).toMatch(/^ {4}inlined {2}judge {8}into \w+$/m);
    expect(out).toMatch(/^ {4}kept {5}second_prog {2}in chain: .+$/m);
    expect((await chain('--report-inlining', '-q')).out).toContain('inlined  first_prog');
  });

  test('is in the link map, with the reason in what was discarded', async () => {
    await chain('--Map', MAP);
    const map = readFileSync(MAP, 'utf8');
    expect(map).toContain('optimization: --inline single');
    expect(map).toMatch(/^ {2}judge +\d+ bytes +\S*first\.o +inlined$/m);
    await chain('--Map', MAP, '-O0');
    expect(readFileSync(MAP, 'utf8')).not.toContain('optimization');
  });

  test('is part of the JSON', async () => {
    const { report } = JSON.parse((await chain('--json')).out);
    expect(report.optimization).toMatchObject({
      inline: 'single',
      programs: [{ program: 'chain', refused: null, kept: [] }],
    });
    expect(report.optimization.removed).toHaveLength(3);
    expect(JSON.parse((await chain('--json', '-O0')).out).report.optimization).toBeNull();
    expect(JSON.parse((await link('--json', '-O1')).out).report.optimization.programs).toHaveLength(1);
  });

  test('of a link goes to stdout, or beside an object there to stderr', async () => {
    expect((await link('-O1', '--report-inlining')).out).toContain('inlined  used  into main');
  });
});
