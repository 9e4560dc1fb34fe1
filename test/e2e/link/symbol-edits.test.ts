/** Every symbol edit on compiled objects: what bpftool reads, what libbpf loads, and how it behaves. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { formatProblem } from '../../../src/diag/problem.ts';
import { globalizeSymbols, localizeSymbols } from '../../../src/link/edit/binding.ts';
import { defineAliases } from '../../../src/link/edit/defsym.ts';
import { type Edited, redefineSymbols } from '../../../src/link/edit/rename.ts';
import { type LinkOptions, link } from '../../../src/link/link.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { CASES_DIRECTORY, readCases } from '../../support/case-files.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { runWithLibbpf } from '../../support/libbpf.ts';
import { missing, needs } from '../../support/needs.ts';
import { outputOf } from '../../support/run.ts';
import { checkWritten } from '../../support/written-object.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-edits-'));
afterAll(() => rmSync(directory, { recursive: true }));

const MAP = (name: string): string => `
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} ${name} SEC(".maps");`;

const SHARED = `#include "case.h"
struct limits { int low; int high; };
const struct limits shared_limits = { 3, 40 };
int shared_calls = 0;
${MAP('shared_table')}
static const int shared_steps[] = { 1, 20, 300, 4000 };
static __attribute__((noinline)) int shared_step(int n) { return shared_steps[n & 3]; }
__attribute__((noinline)) int shared_twist(int n);
__attribute__((noinline)) int shared_turn(int n)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&shared_table, &key);
	shared_calls++;
	return n > 100 ? shared_twist(n) : shared_step(n) + shared_limits.high + (value ? *value : 0);
}
__attribute__((noinline)) int shared_twist(int n) { return shared_step(n & 3) + 40; }
`;

const SOURCES = {
  library: `#include "case.h"
${MAP('table')}
int total = 10;
static __attribute__((noinline)) int twice(int n) { HIDE(n); return n * 2; }
__attribute__((noinline)) int add(int a, int b) { return twice(a) + b + total; }
`,
  main: `#include "case.h"
extern int total;
int add(int a, int b);
PROGRAM prog(CONTEXT) { total = 7; return add(ctx->len & 1, 5) + total; }
LICENSE("GPL");
`,
  second: `#include "case.h"
extern int grand_total;
extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} chart SEC(".maps");
int plus(int a, int b);
PROGRAM prog(CONTEXT)
{
	__u32 key = 2;
	__u64 *value = bpf_map_lookup_elem(&chart, &key);
	if (value)
		*value = 30;
	grand_total = 100;
	value = bpf_map_lookup_elem(&chart, &key);
	return plus(ctx->len & 1, 5) + grand_total + (value ? *value : 0);
}
LICENSE("GPL");
`,
  wrapper: `#include "case.h"
int __real_add(int a, int b);
__attribute__((noinline)) int __wrap_add(int a, int b) { return __real_add(a, b) + 1000; }
`,
  other: `__attribute__((noinline)) int add(int a, int b) { return a + b + 555; }
`,
  left: `${SHARED}
PROGRAM prog(CONTEXT) { return shared_turn(ctx->len & 1) + shared_step(2) + shared_calls; }
LICENSE("GPL");
`,
  right: `${SHARED}
PROGRAM other_prog(CONTEXT) { return shared_turn(ctx->len | 1024) + shared_step(3); }
LICENSE("GPL");
`,
  unlike: `${SHARED.replace('300', '301')}
PROGRAM other_prog(CONTEXT) { return shared_turn(ctx->len | 1024) + shared_step(3); }
LICENSE("GPL");
`,
} as const;

if (missing('clang') === undefined) compileInto(directory, SOURCES);

type Name = keyof typeof SOURCES;

interface Case {
  readonly what: string;
  readonly files: readonly Name[];
  readonly options: LinkOptions;
  /** Program and what it returns. */
  readonly returns: Readonly<Record<string, number>>;
  /** Lines of `bpftool btf dump` that must be there. */
  readonly types: readonly RegExp[];
  /** Names that no line may have. */
  readonly gone?: readonly string[];
  /** Lines of `llvm-readelf -s`. */
  readonly symbols?: readonly RegExp[];
}

/** What `main` and `library` give when nothing is done to them. */
const PLAIN = 5 + 7 + 7;

const CASES: readonly Case[] = [
  {
    what: 'nothing',
    files: ['main', 'library'],
    options: {},
    returns: { prog: PLAIN },
    types: [/FUNC 'add' .*global/, /FUNC 'twice' .*static/, /VAR 'total'/, /\(VAR 'table'\)/],
  },
  {
    what: '--redefine-sym',
    files: ['main', 'library'],
    options: {
      edits: {
        redefine: [
          { from: 'add', to: 'sum' },
          { from: 'total', to: 'store' },
          { from: 'table', to: 'rows' },
          { from: 'twice', to: 'double_it' },
          { from: 'prog', to: 'entry' },
        ],
      },
    },
    returns: { entry: PLAIN },
    types: [
      /FUNC 'sum' .*global/,
      /FUNC 'double_it' .*static/,
      /FUNC 'entry' .*global/,
      /DATASEC '\.data' .*vlen=1\n\ttype_id=\d+ offset=0 size=4 \(VAR 'store'\)/,
      /DATASEC '\.maps' .*vlen=1\n\ttype_id=\d+ offset=0 size=32 \(VAR 'rows'\)/,
    ],
    gone: ['add', 'total', 'table', 'twice', 'prog'],
  },
  {
    what: '--prefix-symbols',
    files: ['second', 'library'],
    options: {
      edits: {
        prefix: [{ file: 'library.o', prefix: 'lib_' }],
        redefine: [
          { from: 'plus', to: 'lib_add', file: 'second.o' },
          { from: 'grand_total', to: 'lib_total', file: 'second.o' },
          { from: 'chart', to: 'lib_table', file: 'second.o' },
        ],
      },
    },
    returns: { prog: 5 + 100 + 100 + 30 },
    types: [/FUNC 'lib_add'/, /FUNC 'twice'/, /\(VAR 'lib_total'\)/, /\(VAR 'lib_table'\)/],
    gone: ['add', 'plus', 'total', 'grand_total', 'table', 'chart'],
  },
  {
    what: '--localize-symbol',
    files: ['main', 'library'],
    options: { edits: { localize: [{ name: 'add' }, { name: 'total' }] } },
    returns: { prog: PLAIN },
    types: [/FUNC 'add' .*static/, /VAR 'total' .*static/],
    symbols: [/FUNC +LOCAL +DEFAULT +\d+ add$/m, /OBJECT +LOCAL +DEFAULT +\d+ total$/m],
  },
  {
    what: '--globalize-symbol',
    files: ['main', 'library'],
    options: { edits: { globalize: [{ name: 'twice' }] } },
    returns: { prog: PLAIN },
    types: [/FUNC 'twice' .*global/],
    symbols: [/FUNC +GLOBAL +DEFAULT +\d+ twice$/m],
  },
  {
    what: '--keep-global-symbol',
    files: ['main', 'library'],
    options: { edits: { keepGlobal: [{ name: 'total' }] } },
    returns: { prog: PLAIN },
    types: [/FUNC 'add' .*static/, /FUNC 'prog' .*global/, /VAR 'total' .*global/, /VAR 'table' .*global/],
  },
  {
    what: '--hide',
    files: ['main', 'library'],
    options: { edits: { hide: [{ name: 'add' }] } },
    returns: { prog: PLAIN },
    types: [/FUNC 'add' .*global/],
    symbols: [/FUNC +GLOBAL +HIDDEN +\d+ add$/m],
  },
  {
    what: '--weaken-symbol',
    files: ['main', 'library', 'other'],
    options: { edits: { weaken: [{ name: 'add', file: 'library.o' }] } },
    returns: { prog: 5 + 555 + 7 },
    types: [/FUNC 'add' .*global/],
  },
  {
    what: '--wrap',
    files: ['main', 'library', 'wrapper'],
    options: { edits: { wrap: [{ name: 'add' }] } },
    returns: { prog: PLAIN + 1000 },
    types: [/FUNC 'add' .*global/, /FUNC '__wrap_add' .*global/],
    gone: ['__real_add'],
  },
  {
    what: '--defsym',
    files: ['second', 'library'],
    options: {
      edits: {
        defsym: [
          { name: 'plus', target: 'sum' },
          { name: 'sum', target: 'add' },
          { name: 'grand_total', target: 'total' },
          { name: 'chart', target: 'table' },
        ],
      },
    },
    returns: { prog: 5 + 100 + 100 + 30 },
    types: [/FUNC 'add' .*global/, /FUNC 'plus' .*global/, /FUNC 'sum' .*global/, /\(VAR 'total'\)/],
    gone: ['grand_total', 'chart'],
    symbols: [/FUNC +GLOBAL +DEFAULT +\d+ plus$/m, /FUNC +GLOBAL +DEFAULT +\d+ sum$/m],
  },
  {
    what: '--rename-section',
    files: ['main', 'library'],
    options: {
      edits: {
        renameSections: [
          { from: 'tc', to: 'classifier' },
          { from: '.data', to: '.data.totals' },
        ],
      },
    },
    returns: { prog: PLAIN },
    types: [/DATASEC '\.data\.totals' .*\n\ttype_id=\d+ offset=0 size=4 \(VAR 'total'\)/],
    gone: ['.data'],
    symbols: [/FUNC +GLOBAL +DEFAULT +\d+ prog$/m],
  },
  {
    what: '--fold-identical',
    files: ['left', 'right'],
    options: { foldIdentical: true },
    returns: { prog: 1 + 40 + 300 + 1, other_prog: 1 + 40 + 4000 },
    types: [
      /DATASEC '\.maps' .*vlen=1\n/,
      /DATASEC '\.bss' .*vlen=1\n\ttype_id=\d+ offset=0 size=4 \(VAR 'shared_calls'\)/,
      /DATASEC '\.rodata' .*vlen=1\n/,
      /DATASEC '\.rodata\.cst16' .*vlen=1\n/,
    ],
    gone: ['shared_step__2'],
  },
];

/** What Clang made of the sources in `test/cases`. */
function objectsOfCases(): BpfObject[] {
  return readCases().flatMap(({ name }) => {
    const objects = path.join(CASES_DIRECTORY, name, 'obj/el');
    return readdirSync(objects)
      .sort()
      .map(file => readObject({ name: `${name}/${file}`, bytes: readFileSync(path.join(objects, file)) }));
  });
}

function linkFiles(files: readonly Name[], options: LinkOptions) {
  return link(
    files.map(name => ({ ...inputFrom(path.join(directory, `${name}.o`)), name: `${name}.o` })),
    options,
  );
}

function bytesOf({ files, options }: Case): Uint8Array {
  const result = linkFiles(files, options);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return writeObject(result.object);
}

needs('clang').describe('behaviour in the machine', () => {
  for (const one of CASES)
    test(one.what, () => {
      const object = checkWritten(bytesOf(one));
      for (const [program, value] of Object.entries(one.returns)) {
        const machine = createMachine(object, { program });
        expect(machine.run(new Uint8Array(64)).verdict, program).toBe(value);
        machine.close();
      }
    });
});

needs('clang', 'bpftool', 'llvm-readelf').describe('read by others', () => {
  for (const one of CASES)
    test(one.what, () => {
      const file = path.join(directory, 'linked.o');
      writeFileSync(file, bytesOf(one));
      const types = outputOf('bpftool', ['btf', 'dump', 'file', file]);
      for (const line of one.types) expect(types).toMatch(line);
      for (const name of one.gone ?? []) expect(types).not.toContain(`'${name}'`);
      const symbols = outputOf('llvm-readelf-19', ['-sW', file]);
      for (const line of one.symbols ?? []) expect(symbols).toMatch(line);
      const names = symbols.split('\n').map(line => line.trim().split(/\s+/)[7]);
      for (const name of one.gone ?? []) expect(names).not.toContain(name);
    });
});

needs('clang', 'root', 'bpf', 'bpftool').describe('loaded by libbpf', () => {
  for (const one of CASES)
    test(one.what, () => {
      const programs = Object.keys(one.returns);
      expect(runWithLibbpf(bytesOf(one), programs, new Uint8Array(64))).toEqual(Object.values(one.returns));
    });
});

needs('clang').describe('what is refused', () => {
  test('a map or a program made static, with the reason', () => {
    const result = linkFiles(['main', 'library'], {
      edits: { localize: [{ name: 'table' }, { name: 'prog' }] },
    });
    expect(result.ok ? [] : result.problems.map(problem => problem.message)).toEqual([
      '"table" cannot become static: it is a map, and loaders refuse static ones',
      '"prog" cannot become static: it is a program (section "tc"), which loaders must find',
    ]);
  });

  test('definitions that are not identical, down to the constant', () => {
    const result = linkFiles(['left', 'unlike'], { foldIdentical: true });
    expect(result.ok ? [] : result.problems.map(problem => problem.message)).toEqual([
      '"shared_turn" is defined more than once',
      '"shared_twist" is defined more than once',
    ]);
    const [problem] = result.ok ? [] : result.problems;
    expect(problem?.details?.slice(2)).toEqual([
      expect.stringMatching(/^not identical: what instruction \d+ refers to differs$/),
      'left.o: static "shared_step"',
      'unlike.o: static "shared_step"',
      expect.stringMatching(/^static "shared_step": what instruction \d+ refers to differs$/),
      'left.o: static "shared_steps"',
      'unlike.o: static "shared_steps"',
      'static "shared_steps": byte 8 (shared_steps[2]) is 0x2c in left.o and 0x2d in unlike.o',
    ]);
  });

  test('a map that gets a name which kernels cut is noted', () => {
    const result = linkFiles(['main', 'library'], {
      edits: {
        prefix: [
          { file: 'library.o', prefix: 'a_very_long_prefix_' },
          { file: 'main.o', prefix: 'm_' },
        ],
        redefine: [
          { from: 'add', to: 'a_very_long_prefix_add', file: 'main.o' },
          { from: 'total', to: 'a_very_long_prefix_total', file: 'main.o' },
        ],
      },
    });
    expect(result.ok && result.notes).toEqual([
      'library.o: kernels show map "a_very_long_prefix_table" as "a_very_long_pre": they keep 15 characters',
    ]);
  });
});

describe('every symbol of the cases', () => {
  const done = ({ object, problems }: Edited): BpfObject => {
    expect(problems).toEqual([]);
    return object;
  };
  const symbols = objectsOfCases().flatMap(object =>
    object.symbols
      .filter(({ name }) => /^\w+$/.test(name))
      .map(({ name }) => ({ object, name, bytes: Buffer.from(writeObject(object)) })),
  );

  test('can be renamed and gets its name back', () => {
    for (const { object, name, bytes } of symbols) {
      const renamed = done(redefineSymbols(object, [{ from: name, to: 'quite_new' }]));
      expect(readObject({ name: 'renamed.o', bytes: writeObject(renamed) }).symbols).toHaveLength(
        object.symbols.length,
      );
      const back = done(redefineSymbols(renamed, [{ from: 'quite_new', to: name }]));
      expect(bytes.equals(writeObject(back)), `${name} of ${object.name}`).toBe(true);
    }
    expect(symbols.length).toBeGreaterThan(300);
  });

  test('can be made static and global again, unless there is a reason against it', () => {
    let count = 0;
    for (const { object, name, bytes } of symbols) {
      const { binding, visibility, ...symbol } = object.symbols.find(one => one.name === name) ?? {};
      const { object: local, problems } = localizeSymbols(object, [name]);
      const again = readObject({ name: 'local.o', bytes: writeObject(local) }).symbols.find(
        one => one.name === name,
      );
      if (problems.length > 0 || binding !== 'global' || visibility !== 'default') continue;
      expect(again?.binding, `${name} of ${object.name}`).toBe('local');
      if ('common' in symbol && symbol.common === true) continue; // a tentative definition becomes a real one
      const back = done(globalizeSymbols(local, [name]));
      expect(bytes.equals(writeObject(back)), `${name} of ${object.name}`).toBe(true);
      count++;
    }
    expect(count).toBeGreaterThan(150);
  });

  test('that is a function can get an alias', () => {
    for (const { object, name } of symbols) {
      if (
        !object.symbols.some(one => one.kind === 'function' && one.name === name && one.binding !== 'local')
      )
        continue;
      const twice = readObject({
        name: 'twice.o',
        bytes: writeObject(done(defineAliases(object, [{ name: 'again', target: name }]))),
      });
      const [old, fresh] = [name, 'again'].map(wanted => twice.symbols.find(one => one.name === wanted));
      if (old?.kind !== 'function' || fresh?.kind !== 'function') throw new Error('not there');
      expect([fresh.lines.length, fresh.references.length]).toEqual([
        old.lines.length,
        old.references.length,
      ]);
      expect(twice.btf?.type(fresh.btfId)).toMatchObject({ kind: 'func', name: 'again', linkage: 'global' });
    }
  });
});

describe('the cases', () => {
  test('are one for each operation', () => {
    expect(new Set(CASES.map(one => one.what)).size).toBe(12);
  });
});
