/**
 * `rootlet link` as a command: options, what is printed where, and that nothing is written when something is
 * wrong.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildApplication, type Command, type CommandContext, run } from '@stricli/core';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeText } from '../../src/bytes/cursor.ts';
import { EXIT } from '../../src/diag/problem.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { archiveOf, memberOf } from '../../test/support/archives.ts';
import { objectOf, type SymbolSpec } from '../../test/support/objects.ts';
import { splitLinkWords } from '../flags/search.ts';
import type { Context } from '../io/context.ts';
import { linkCommand } from './link.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-link-'));
afterAll(() => rmSync(directory, { recursive: true }));

const at = (name: string): string => path.join(directory, name);
const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });
const extern = (name: string): SymbolSpec => ({ name, kind: 'extern function' });

const main = objectOf('main.o', [{ ...fn('main', 'used'), section: 'xdp' }, extern('used')]);
const used = objectOf('used.o', [fn('used', 'deep'), fn('spare'), extern('deep')]);
const deep = objectOf('deep.o', [fn('deep')]);

writeFileSync(at('main.o'), writeObject(main));
writeFileSync(at('used.o'), writeObject(used));
writeFileSync(at('libmine.a'), archiveOf([used, deep].map(memberOf)));
const OUT = at('out.o');
beforeEach(() => rmSync(OUT, { force: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function rootlet(...words: readonly string[]): Promise<Outcome> {
  const written = { out: [] as string[], err: [] as string[] };
  const process = {
    stdout: { write: (text: string) => void written.out.push(text) },
    stderr: { write: (text: string) => void written.err.push(text) },
    exitCode: 0,
  };
  // any command fits an application whose context has what the command wants
  const command = linkCommand as Command<CommandContext & Context>;
  const app = buildApplication(command, { name: 'link', scanner: { caseStyle: 'allow-kebab-for-camel' } });
  await run(app, splitLinkWords(words), { process });
  const short = (texts: readonly string[]): string =>
    texts.join('').replaceAll(`${directory}${path.sep}`, '');
  return { code: Number(process.exitCode), out: short(written.out), err: short(written.err) };
}

const namesIn = (file: string): string[] =>
  readObject({ name: file, bytes: readFileSync(file) })
    .symbols.map(symbol => symbol.name)
    .sort();

describe('libraries', () => {
  test.each([
    ['-l mine in two words', ['-L', directory, '-l', 'mine']],
    ['-lmine in one', [`-L${directory}`, '-lmine']],
    ['by its file name', ['-L', at('nowhere'), '-L', directory, '-l', ':libmine.a']],
    ['as a file', [at('libmine.a')]],
    ['in a group, as other linkers want', ['--start-group', at('libmine.a'), '--end-group']],
  ])('%s', async (_, words) => {
    expect(await rootlet('-o', OUT, at('main.o'), ...words)).toMatchObject({ code: 0, out: '' });
    expect(namesIn(OUT)).toEqual(['deep', 'main', 'spare', 'used']);
  });

  test('that are not there are reported, all of them', async () => {
    const { code, err } = await rootlet('-o', OUT, at('main.o'), '-L', directory, '-lmien', '-lyours');
    expect(code).toBe(EXIT.input);
    expect(err.split('\n').slice(0, 2)).toEqual([
      `rootlet: there is no library "mien": no "libmien.a" in "${directory}"`,
      `rootlet: there is no library "yours": no "libyours.a" in "${directory}"`,
    ]);
    expect(existsSync(OUT)).toBe(false);
  });

  test('--trace says which member came for whom', async () => {
    const { err } = await rootlet('-o', OUT, at('main.o'), at('libmine.a'), '--trace');
    expect(err.split('\n')).toEqual([
      'main.o',
      'libmine.a',
      'libmine.a(used.o): defines used, which main.o needs',
      'libmine.a(deep.o): defines deep, which libmine.a(used.o) needs',
      '',
    ]);
  });

  test.each([
    ['a file of its own', [at('main.o'), at('used.o'), '--whole-archive', at('libdeep.a')]],
    ['one of the files', [at('libdeep.a'), at('main.o'), at('used.o'), '--whole-archive', at('libdeep.a')]],
    ['a library', [at('main.o'), at('used.o'), '-L', directory, '-l', 'deep', '--whole-archive', 'deep']],
  ])('--whole-archive takes all of %s', async (_, words) => {
    const unused = objectOf('unused.o', [fn('unused')]);
    writeFileSync(at('libdeep.a'), archiveOf([deep, unused].map(memberOf)));
    const { err } = await rootlet('-o', OUT, '--trace', ...words);
    expect(err).toContain('libdeep.a(unused.o): the whole archive is linked\n');
    expect(namesIn(OUT)).toEqual(['deep', 'main', 'spare', 'unused', 'used']);
  });

  test('of which a thin archive names the members', async () => {
    const bytes = archiveOf([{ ...memberOf(deep), name: 'deep.o' }]);
    bytes.set(encodeText('!<thin>\n'));
    const size = writeObject(deep).length;
    writeFileSync(at('libthin.a'), bytes.slice(0, bytes.length - size - (size % 2)));
    writeFileSync(at('deep.o'), writeObject(deep));
    expect(await rootlet('-o', OUT, at('main.o'), at('used.o'), at('libthin.a'))).toMatchObject({ code: 0 });
    rmSync(at('deep.o'));
    rmSync(OUT);
    const { code, err } = await rootlet('-o', OUT, at('main.o'), at('used.o'), at('libthin.a'));
    expect([code, err]).toEqual([
      EXIT.input,
      expect.stringContaining('deep.o: cannot be read: no such file'),
    ]);
    expect(existsSync(OUT)).toBe(false);
  });
});

describe('garbage collection', () => {
  const words = ['-o', OUT, at('main.o'), at('libmine.a'), '--gc-sections'];

  test('lists what went and says why something is there', async () => {
    const { code, out } = await rootlet(
      ...words,
      '--print-gc-sections',
      '--why-live',
      'deep',
      '--why-live',
      'spare',
    );
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'function  spare  libmine.a(used.o)  16 bytes  unused',
        'deep is kept by main -> used -> deep',
        'spare was not needed',
        '',
      ].join('\n'),
    );
    expect(namesIn(OUT)).toEqual(['deep', 'main', 'used']);
  });

  test('keeps what is to be kept', async () => {
    await rootlet(...words, '--keep', 'spare');
    expect(namesIn(OUT)).toEqual(['deep', 'main', 'spare', 'used']);
  });

  test('goes into the link map and JSON', async () => {
    const { out } = await rootlet(...words, '--Map', at('map'), '--json', '--why-live', 'deep');
    const report = JSON.parse(out);
    expect(report.report.discarded).toEqual([
      { name: 'spare', kind: 'function', file: expect.any(String), size: 16, reason: 'unused', winner: null },
    ]);
    expect(report.livePaths).toEqual([{ name: 'deep', path: ['main', 'used', 'deep'] }]);
    expect(report.pulled).toHaveLength(2);
    expect(readFileSync(at('map'), 'utf8')).toMatch(/discarded:\n {2}spare {2}16 bytes .* unused/);
  });

  test('is requested by its own option', async () => {
    const { code, err } = await rootlet('-o', OUT, at('main.o'), at('libmine.a'), '--keep', 'spare');
    expect([code, err]).toEqual([EXIT.usage, 'rootlet: --keep needs --gc-sections\n']);
  });
});

test('names that change and pinned maps that are joined are listed', async () => {
  const pinned: SymbolSpec = { name: 'list', kind: 'map', pinning: 1, binding: 'local' };
  const files = ['a', 'b'].map(name => {
    const helper: SymbolSpec = { ...fn('helper'), binding: 'local' };
    writeFileSync(at(`${name}.o`), writeObject(objectOf(`${name}.o`, [fn(name, 'helper'), helper, pinned])));
    return at(`${name}.o`);
  });
  expect(await rootlet('-o', OUT, ...files)).toEqual({
    code: 0,
    out:
      'renamed: function "helper" of b.o to "helper__2": a.o has one of that name\n' +
      'merged: map "list" of a.o and b.o: one pin, equal definitions\n',
    err: '',
  });
  const { report } = JSON.parse((await rootlet('-o', OUT, ...files, '--json', '--Map', at('map'))).out);
  expect(report).toMatchObject({ renames: [{ from: 'helper' }], merged: [{ name: 'list' }] });
  expect(readFileSync(at('map'), 'utf8')).toMatch(/merged:\n {2}list .*a\.o, .*b\.o +pinned/);
});

describe('edits', () => {
  const files = [at('main.o'), at('libmine.a')];

  test.each([
    [
      ['--redefine-sym', 'used=busy'],
      ['busy', 'deep', 'main', 'spare'],
    ],
    [
      ['--redefine-sym', 'libmine.a:spare=extra'],
      ['deep', 'extra', 'main', 'used'],
    ],
    [
      ['--defsym', 'again=used'],
      ['again', 'deep', 'main', 'spare', 'used'],
    ],
    [
      ['--defsym', 'again=libmine.a(used.o):spare'],
      ['again', 'deep', 'main', 'spare', 'used'],
    ],
    [
      ['--prefix-symbols', 'libmine.a=m_', '--redefine-sym', 'main.o:used=m_used'],
      ['m_deep', 'm_spare', 'm_used', 'main'],
    ],
  ])('%j', async (words, names) => {
    expect(await rootlet('-o', OUT, ...files, ...words)).toEqual({ code: 0, out: '', err: '' });
    expect(namesIn(OUT)).toEqual(names);
  });

  test('changes binding, visibility and sections', async () => {
    const words = [
      '--keep-global-symbol',
      'deep,spare',
      '--hide',
      'deep',
      '--rename-section',
      'xdp=xdp.frags',
    ];
    expect(await rootlet('-o', OUT, ...files, ...words)).toEqual({ code: 0, out: '', err: '' });
    const object = readObject({ name: OUT, bytes: readFileSync(OUT) });
    const standing = object.symbols.map(
      ({ name, binding, visibility }) => `${name} ${binding} ${visibility}`,
    );
    expect(standing.sort()).toEqual([
      'deep global hidden',
      'main global default',
      'spare global default',
      'used local default',
    ]);
    expect(object.sections.map(section => section.name)).toContain('xdp.frags');
  });

  test('folds what is identical on request', async () => {
    const twice = [at('main.o'), at('used.o'), at('libmine.a'), '--whole-archive', at('libmine.a')];
    expect((await rootlet('-o', OUT, ...twice)).err).toContain('"used" is defined more than once');
    const { out, err } = await rootlet('-o', OUT, ...twice, '--fold-identical', '--print-gc-sections');
    expect(err).toBe('');
    expect(out.split('\n').slice(0, 2)).toEqual([
      'function  used   libmine.a(used.o)  24 bytes  identical to used.o',
      'function  spare  libmine.a(used.o)  16 bytes  identical to used.o',
    ]);
  });

  test.each([
    [['--defsym', 'a=b', '--defsym', 'b=a'], EXIT.usage, 'aliases that refer to each other: "a" = "b" = "a"'],
    [
      ['--redefine-sym', 'used=spare'],
      EXIT.input,
      '"used" would get the name "spare", which it defines already',
    ],
    [['--redefine-sym', 'used'], EXIT.usage, '--redefine-sym "used" is not OLD=NEW'],
    [['--defsym', 'used='], EXIT.usage, '--defsym "used=" is not NEW=OLD'],
    [['--localize-symbol', 'main'], EXIT.input, '"main" cannot become static: it is a program'],
    [['--hide', 'other.o:used'], EXIT.usage, 'there is no input "other.o"; there are: "main.o", "libmine.a"'],
    [
      ['--wrap', 'use'],
      EXIT.usage,
      'cannot wrap "use": no input declares it extern\n  hint: did you mean "used"?',
    ],
    [['--rename-section', '.txt=.text'], EXIT.usage, 'cannot rename section ".txt"'],
    [['--rename-section', '.text=.data'], EXIT.input, 'cannot be renamed to ".data": it holds code'],
  ])('%j is refused, and nothing is written', async (words, code, text) => {
    writeFileSync(OUT, 'as it was');
    const outcome = await rootlet('-o', OUT, ...files, ...words);
    expect(outcome.err).toContain(text);
    expect(outcome.code).toBe(code);
    expect(readFileSync(OUT, 'utf8')).toBe('as it was');
  });
});

test('a damaged index is reported, and nothing is written', async () => {
  const bytes = readFileSync(at('libmine.a'));
  bytes[8 + 60 + 7] = 1;
  writeFileSync(at('libbad.a'), bytes);
  const { code, err } = await rootlet('-o', OUT, at('main.o'), at('libbad.a'));
  expect(code).toBe(EXIT.input);
  expect(err).toMatch(
    /^rootlet: libbad\.a: according to the index, "used" is in the member at 1, where none begins/,
  );
  expect(existsSync(OUT)).toBe(false);
});

test('something has to be linked', async () => {
  expect(await rootlet('-o', OUT)).toMatchObject({ code: EXIT.usage, err: 'rootlet: no input file\n' });
});

test('words after -- are files', () => {
  expect(splitLinkWords(['-lfoo', '-L.', '-(', '-r', '--', '-lfoo'])).toEqual([
    '-l',
    'foo',
    '-L',
    '.',
    '-r',
    '--',
    '-lfoo',
  ]);
});

test('members that were taken are reported even when the link fails', async () => {
  const broken = objectOf('broken.o', [
    { ...fn('main', 'used', 'missing'), section: 'xdp' },
    extern('used'),
    extern('missing'),
  ]);
  writeFileSync(at('broken.o'), writeObject(broken));
  const { code, err } = await rootlet('-o', OUT, at('broken.o'), at('libmine.a'), '--trace');
  expect(code).toBe(EXIT.input);
  expect(err.split('\n').slice(0, 5)).toEqual([
    'broken.o',
    'libmine.a',
    'libmine.a(used.o): defines used, which broken.o needs',
    'libmine.a(deep.o): defines deep, which libmine.a(used.o) needs',
    'rootlet: broken.o: "missing" is not defined in any input',
  ]);
});
