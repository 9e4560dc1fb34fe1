/** Archives as tools make them, from C to the kernel. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { LinkInput } from '../../../src/link/inputs/inputs.ts';
import { type LinkOptions, type LinkSuccess, link } from '../../../src/link/link.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { runWithLibbpf } from '../../support/libbpf.ts';
import { missing, needs } from '../../support/needs.ts';
import { runTool } from '../../support/run.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-archives-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PACKET = new Uint8Array(64);

function linked(inputs: readonly LinkInput[], options: LinkOptions = {}): LinkSuccess {
  const readMember = (archive: string, member: string): Uint8Array =>
    readFileSync(path.resolve(path.dirname(archive), member));
  const result = link(inputs, { readMember, ...options });
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result;
}

function machineVerdict({ object }: LinkSuccess, program: string): number {
  const machine = createMachine(readObject({ name: 'linked.o', bytes: writeObject(object) }), { program });
  const { verdict } = machine.run(PACKET);
  machine.close();
  return verdict;
}

/** What the machine says, and the kernel too where there is one. */
function verdicts(result: LinkSuccess, program: string): readonly number[] {
  const verdict = machineVerdict(result, program);
  if (missing('root', 'bpf', 'bpftool') !== undefined) return [verdict];
  return [verdict, ...runWithLibbpf(writeObject(result.object), [program], PACKET)];
}

function typesOf({ object: { btf } }: LinkSuccess, kind: string): string[] {
  return Array.from({ length: btf?.count ?? 0 }, (_, at) => btf?.type(at + 1))
    .filter(type => type?.kind === kind)
    .map(type => (type !== undefined && 'name' in type ? type.name : ''));
}

/** `ar` in all the formats that are in use. */
const FORMATS = [
  { what: 'ar', tool: 'ar', command: ['ar', 'rcs'] },
  { what: 'ar without an index', tool: 'ar', command: ['ar', 'rcS'] },
  { what: 'thin ar', tool: 'ar', command: ['ar', 'rcsT'] },
  { what: 'llvm-ar', tool: 'llvm-ar', command: ['llvm-ar-19', '--format=gnu', 'rcs'] },
  { what: 'llvm-ar, BSD format', tool: 'llvm-ar', command: ['llvm-ar-19', '--format=bsd', 'rcs'] },
  { what: 'llvm-ar, Darwin format', tool: 'llvm-ar', command: ['llvm-ar-19', '--format=darwin', 'rcs'] },
  { what: 'thin llvm-ar', tool: 'llvm-ar', command: ['llvm-ar-19', '--thin', 'rcs'] },
] as const;

let made = 0;

function archive(command: readonly string[], members: readonly string[]): LinkInput {
  const file = path.join(directory, `lib${made++}.a`);
  const [tool = '', ...options] = command;
  runTool(tool, [...options, file, ...members]);
  return inputFrom(file);
}

const FUNCTIONS = 200;

function librarySource(): string {
  const functions = Array.from(
    { length: FUNCTIONS },
    (_, at) => `
struct of_${at} { int value; int rest[${at + 1}]; };
static int state_${at} = ${at};
__attribute__((noinline)) int lib_${at}(struct of_${at} *p)
{
	if (p)
		return p->value;
	return state_${at} += ${at};
}`,
  );
  return `#include "case.h"\n${functions.join('\n')}\n`;
}

needs('clang').describe('a library of 200 functions', () => {
  const wanted = [3, 77, 199];
  const [library = '', main = ''] =
    missing('clang') === undefined
      ? compileInto(directory, {
          library: librarySource(),
          main: `#include "case.h"
${wanted.map(at => `struct of_${at}; int lib_${at}(struct of_${at} *p);`).join('\n')}
PROGRAM prog(CONTEXT) { return ${wanted.map(at => `lib_${at}(0)`).join(' + ')}; }
LICENSE("GPL");
`,
        })
      : [];

  for (const { what, tool, command } of FORMATS)
    needs(tool).test(`of which a program uses three leaves three and their types (${what})`, () => {
      const result = linked([inputFrom(main), archive(command, [library])], { gcSections: true });
      const functions = ['prog', ...wanted.map(at => `lib_${at}`)];
      const kept = (kind: string): string[] =>
        result.object.symbols
          .filter(symbol => symbol.kind === kind && symbol.name !== '')
          .map(symbol => symbol.name);
      expect(kept('function')).toEqual(functions);
      expect(kept('variable')).toEqual(['_license', ...wanted.map(at => `state_${at}`)]);
      expect(typesOf(result, 'func').sort()).toEqual([...functions].sort());
      expect(typesOf(result, 'struct').filter(name => name.startsWith('of_'))).toEqual(
        wanted.map(at => `of_${at}`),
      );
      expect(typesOf(result, 'var').sort()).toEqual(['_license', ...wanted.map(at => `state_${at}`)].sort());
      expect(result.report.discarded.filter(entry => entry.kind === 'function')).toHaveLength(FUNCTIONS - 3);
      const sum = wanted.reduce((total, at) => total + 2 * at, 0);
      for (const verdict of verdicts(result, 'prog')) expect(verdict).toBe(sum);
    });
});

needs('clang', 'ar').describe('members', () => {
  const [main = '', optional = '', even = '', odd = '', never = ''] =
    missing('clang') === undefined
      ? compileInto(directory, {
          cycle: `#include "case.h"
int even(int n);
PROGRAM prog(CONTEXT) { return even(ctx->len & 2); }
LICENSE("GPL");
`,
          optional: `#include "case.h"
int even(int n);
int absent(int n) __weak;
PROGRAM prog(CONTEXT) { return even(ctx->len & 2) + (absent ? absent(1) : 0); }
LICENSE("GPL");
`,
          even: `__attribute__((noinline)) int odd(int n);
__attribute__((noinline)) int even(int n) { return n & 1 ? 100 : odd(n / 2); }
`,
          odd: `__attribute__((noinline)) int odd(int n) { return n & 1 ? 200 : 300; }
`,
          never: 'int absent(int n) { return 1000; }\n',
        })
      : [];

  test('of two archives that need each other come, whatever the order; weak references take none', () => {
    const [one, two] = [archive(['ar', 'rcs'], [even, never]), archive(['ar', 'rcs'], [odd, never])];
    for (const inputs of [
      [inputFrom(main), one, two],
      [two, one, inputFrom(main)],
    ]) {
      const result = linked(inputs);
      expect(result.pulled.map(({ member, symbol }) => `${member} for ${symbol}`)).toEqual([
        'even.o for even',
        'odd.o for odd',
      ]);
      for (const verdict of verdicts(result, 'prog')) expect(verdict).toBe(300);
    }
  });

  test('all come on request, and only then weak references find them', () => {
    const lib = archive(['ar', 'rcs'], [even, odd, never]);
    const some = linked([inputFrom(optional), lib]);
    expect(some.pulled).toHaveLength(2);
    expect(some.report.unresolved).toEqual(['absent']);
    expect(machineVerdict(some, 'prog')).toBe(300); // kernels take no address of a function that is not there
    const all = linked([inputFrom(optional), { ...lib, wholeArchive: true }]);
    expect(all.pulled).toHaveLength(3);
    expect(machineVerdict(all, 'prog')).toBe(1300);
  });
});

describe('without tools', () => {
  test('an archive of nothing is fine', () => {
    const empty = { name: 'empty.a', bytes: new TextEncoder().encode('!<arch>\n') };
    const result = link([empty, inputFrom('examples/obj/el/rootlet.bpf.o')]);
    expect(result.ok).toBe(true);
  });
});
