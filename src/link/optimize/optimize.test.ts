/** What the driver does with whole objects: records, types, several programs, the ladder, the report. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileInto, inputFrom } from '../../../test/support/compile.ts';
import { runWithLibbpf } from '../../../test/support/libbpf.ts';
import { needs } from '../../../test/support/needs.ts';
import { objectOf } from '../../../test/support/objects.ts';
import * as isa from '../../isa/assemble.ts';
import { BPF_DW, encodeInsns, type Insn } from '../../isa/opcodes.ts';
import type { BpfObject, FunctionSymbol } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { optimize } from './optimize.ts';

function functionOf(object: BpfObject, name: string): FunctionSymbol {
  const found = object.symbols.find(symbol => symbol.name === name);
  if (found?.kind !== 'function') throw new Error(`no function ${name}`);
  return found;
}

function changed(object: BpfObject, name: string, change: Partial<FunctionSymbol>): BpfObject {
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' && symbol.name === name ? { ...symbol, ...change } : symbol,
  );
  return { ...object, symbols };
}

const codeOf = (insns: readonly Insn[]): Partial<FunctionSymbol> => ({ code: encodeInsns(insns, 'little') });

/** Two programs that call one static function, and one that calls another. */
const shared = objectOf('a.o', [
  { name: 'one', kind: 'function', section: 'xdp', calls: ['f'] },
  { name: 'two', kind: 'function', section: 'tc', calls: ['f', 'g'] },
  { name: 'f', kind: 'function', binding: 'local', value: 3 },
  { name: 'g', kind: 'function', binding: 'global', value: 4 },
]);

describe('objects', () => {
  test('programs that share functions; static ones are removed', () => {
    const { object, report } = optimize(shared);
    expect(report.programs.map(({ program, inlined }) => [program, inlined.length])).toEqual([
      ['one', 1],
      ['two', 2],
    ]);
    expect(report.removed).toEqual(['f']);
    expect(object.symbols.map(({ name }) => name)).toEqual(['one', 'two', 'g']);
    expect(readObject({ name: 'a.o', bytes: writeObject(object) }).symbols.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['one', 'two', 'g']),
    );
  });

  test('removeInlined: global ones too, with their types', () => {
    const { object, report } = optimize(shared, { removeInlined: true });
    expect(report.removed).toEqual(['f', 'g']);
    const names = Array.from({ length: object.btf?.count ?? 0 }, (_, at) => object.btf?.type(at + 1));
    expect(names.flatMap(type => (type?.kind === 'func' ? [type.name] : []))).toEqual(['one', 'two']);
  });

  test('a function that a program which is not optimized calls stays', () => {
    const { object, report } = optimize(shared, { programs: ['one'], removeInlined: true });
    expect(report.removed).toEqual([]);
    expect(functionOf(object, 'two')).toEqual(functionOf(shared, 'two'));
  });

  test('the given object does not change, and a second run changes nothing', () => {
    const before = structuredClone(shared.symbols);
    const once = optimize(shared, { removeInlined: true }).object;
    expect(shared.symbols).toEqual(before);
    expect(optimize(shared, { removeInlined: true }).object).toEqual(once);
    const twice = optimize(once, { removeInlined: true });
    expect(twice.object.symbols).toEqual(once.symbols);
  });

  test('aliases of a program get its code', () => {
    const main = functionOf(shared, 'one');
    const alias = { ...main, name: 'alias', aliasOf: 0 };
    const { object } = optimize({ ...shared, symbols: [...shared.symbols, alias] });
    expect(functionOf(object, 'alias').code).toEqual(functionOf(object, 'one').code);
    expect(functionOf(object, 'one').code).not.toEqual(main.code);
  });

  test('a CO-RE record goes with every copy of its instruction', () => {
    const load = [isa.load(BPF_DW, 0, 1, 8), isa.EXIT];
    const object = changed(changed(shared, 'f', codeOf(load)), 'two', {
      ...codeOf([isa.callFunction(-1), isa.callFunction(-1), isa.EXIT]),
      references: [0, 1].map(insnIndex => ({ insnIndex, kind: 'call', symbol: 2, addend: 0 })),
    });
    const record = { insnIndex: 0, type: 1, access: '0:1', kind: 0 };
    const passes = { clean: false, packet: false, tails: false };
    const done = optimize(changed(object, 'f', { coreRecords: [record] }), { passes, programs: ['two'] });
    const { coreRecords, code } = functionOf(done.object, 'two');
    expect(coreRecords.map(({ access }) => access)).toEqual(['0:1', '0:1']);
    for (const { insnIndex } of coreRecords) expect(code[insnIndex * 8]).toBe(0x79);
  });

  test('where inlining breaks a limit of the kernel, less is inlined, and the report says so', () => {
    const frame = (bytes: number, insns: readonly Insn[]): Insn[] => [
      isa.storeImmediate(BPF_DW, 10, -bytes, 1),
      ...insns,
      isa.move(0, 1),
      isa.EXIT,
    ];
    const base = objectOf('a.o', [
      { name: 'one', kind: 'function', section: 'xdp', calls: ['f', 'g'] },
      { name: 'f', kind: 'function', binding: 'local' },
      { name: 'g', kind: 'function', binding: 'local', calls: ['h'] },
      { name: 'h', kind: 'function', binding: 'local' },
    ]);
    const tail = [isa.move(2, 0), isa.move(3, 0), isa.callHelper(12)];
    const code = { f: frame(288, []), g: [isa.callFunction(-1), isa.EXIT], h: tail.concat(isa.EXIT) };
    let object: BpfObject = base;
    object = changed(object, 'f', codeOf(code.f));
    object = changed(object, 'h', codeOf(code.h));
    const [report] = optimize(object).report.programs;
    expect(report?.inline).toBe('none');
    expect(report?.refused ?? report?.stepped).toMatch(/288 bytes|more instructions/);
  });
});

const SOURCE = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
static __noinline int first(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	if (data + 14 > end)
		return XDP_DROP;
	return ((unsigned char *)data)[0] == 1 ? XDP_ABORTED : XDP_PASS;
}
__noinline int second(struct xdp_md *ctx)
{
	return ctx->rx_queue_index == 77 ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int program(struct xdp_md *ctx)
{
	int verdict = first(ctx);
	if (verdict != XDP_PASS)
		return verdict;
	return second(ctx);
}`;

needs('clang').describe('compiled', () => {
  test('each instruction keeps its line, through bytes and for libbpf', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-optimize-'));
    try {
      const [file = ''] = compileInto(directory, { a: SOURCE });
      const { object, report } = optimize(readObject(inputFrom(file)), { removeInlined: true });
      expect([...report.removed].sort()).toEqual(['first', 'second']);
      const again = readObject({ name: 'a.o', bytes: writeObject(object) });
      const lines = [...functionOf(again, 'program').lines];
      expect(lines[0]?.insnIndex).toBe(0);
      expect(lines.every((line, at) => at === 0 || line.insnIndex > (lines[at - 1]?.insnIndex ?? 0))).toBe(
        true,
      );
      expect(lines.map(({ text }) => text.trim())).toEqual(
        expect.arrayContaining([
          expect.stringContaining('data + 14 > end'),
          expect.stringContaining('== 77'),
        ]),
      );
      if (needs('root', 'bpftool').reason !== undefined) return;
      expect(runWithLibbpf(writeObject(object), ['program'], new Uint8Array(64))).toEqual([2]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
