/** Templates and inline functions of C++: one copy of each in the result, in every order, as `ld` keeps them. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LinkOptions, type LinkSuccess, link } from '../../../src/link/link.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { inputFrom } from '../../support/compile.ts';
import { COMMANDS, needs } from '../../support/needs.ts';

const SHARED = `
template <typename T> __attribute__((noinline)) T sum(T a, T b) { return a + b; }
inline __attribute__((noinline)) int count(int x) { static int calls = 1; calls++; return x * 2 + calls; }
extern "C" int other(int x);
`;
const USER = `${SHARED}
extern "C" char LICENSE[] __attribute__((section("license"), used)) = "GPL";
extern "C" __attribute__((section("tc"), used)) int prog(void *ctx)
{
	return sum<int>(1, 2) + count(4) * 10 + other(3) * 1000;
}
`;
const HELPER = `${SHARED}
extern "C" int other(int x) { return sum<int>(x, 4) + count(x); }
`;
/** 3 + (8 + 2) * 10 + (7 + 6 + 3) * 1000: both files count in one variable. */
const VERDICT = 16103;

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-comdat-'));
afterAll(() => rmSync(directory, { recursive: true }));

function compile(name: string, text: string): string {
  const [source, object] = [path.join(directory, `${name}.cc`), path.join(directory, `${name}.o`)];
  writeFileSync(source, text);
  execFileSync(COMMANDS.clang, ['-x', 'c++', '-target', 'bpf', '-g', '-O2', '-c', source, '-o', object]);
  return object;
}

function linked(files: readonly string[], options: LinkOptions = {}): LinkSuccess {
  const result = link(files.map(inputFrom), options);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result;
}

const { describe } = needs('clang');

describe('COMDAT groups', () => {
  let user = '';
  let helper = '';
  beforeAll(() => {
    user = compile('user', USER);
    helper = compile('helper', HELPER);
  });

  test.each(['user first', 'helper first'])('%s: each function and variable once', order => {
    const files = order === 'user first' ? [user, helper] : [helper, user];
    const { object, report } = linked(files);
    for (const name of ['_Z3sumIiET_S0_S0_', '_Z5counti', '_ZZ5countiE5calls'])
      expect(object.symbols.filter(symbol => symbol.name === name)).toHaveLength(1);
    const dropped = report.discarded.map(({ reason, file, winner }) => ({ reason, file, winner }));
    expect(dropped).toEqual(Array(3).fill({ reason: 'comdat', file: files[1], winner: files[0] }));
    const run = createMachine(object, { program: 'prog' }).run(new Uint8Array(64));
    expect(run.verdict).toBe(VERDICT);
  });

  test('functions of groups are in .text', () => {
    const { object } = linked([user, helper]);
    expect(object.sections.filter(({ name }) => name.startsWith('.text.'))).toHaveLength(2);
    const used = object.symbols.flatMap(symbol => (symbol.kind === 'function' ? [symbol.section] : []));
    const names = new Set(used.map(index => object.sections[index]?.name));
    expect([...names].sort()).toEqual(['.text', 'tc']);
  });

  test('linked again, nothing changes; a partial link can be completed', () => {
    const bytes = writeObject(linked([user, helper]).object);
    const again = link([{ name: 'again.o', bytes }]);
    expect(again.ok && writeObject(again.object)).toEqual(bytes);
    const part = path.join(directory, 'part.o');
    writeFileSync(part, writeObject(linked([user], { partial: true }).object));
    const run = createMachine(linked([part, helper]).object, { program: 'prog' }).run(new Uint8Array(64));
    expect(run.verdict).toBe(VERDICT);
  });

  test('a group is reported when it is damaged', () => {
    const bytes = Uint8Array.from(readFileSync(user));
    const view = new DataView(bytes.buffer);
    const sections = Number(view.getBigUint64(40, true));
    const group = Array.from({ length: view.getUint16(60, true) }, (_, at) => sections + at * 64).find(
      header => view.getUint32(header + 4, true) === 17,
    );
    view.setUint32(Number(view.getBigUint64((group ?? 0) + 24, true)) + 4, 9999, true);
    expect(() => readObject({ name: 'a.o', bytes })).toThrow('contains section 9999, which does not exist');
  });
});
