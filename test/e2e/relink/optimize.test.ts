/**
 * `-O1` from C to the kernel: the result behaves as without, keeps what has to stay, loads by libbpf, and shows for each
 * instruction the file and line that it came from.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { disassembleObject } from '../../../cli/format/disassembly.ts';
import type { OptimizeOptions, OptimizeReport } from '../../../src/link/optimize/model/options.ts';
import type { RelinkOptions } from '../../../src/link/relink/options.ts';
import { type RelinkSuccess, relink } from '../../../src/link/relink.ts';
import { relinkChain } from '../../../src/link/relink-chain.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { runWithLibbpf } from '../../support/libbpf.ts';
import { missing, needs } from '../../support/needs.ts';
import { ipPacket, PACKETS, portFilter, TWO_SLOTS } from './filters.ts';

vi.setConfig({ testTimeout: 60_000 }); // compiles, and loads with another tool

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-optimize-'));
afterAll(() => rmSync(directory, { recursive: true }));

const sources = { telnet: portFilter('telnet', 23), smtp: portFilter('smtp', 25), rootlet: TWO_SLOTS };
const inputs = missing('clang') === undefined ? compileInto(directory, sources).map(inputFrom) : [];

function chained(optimize: boolean | OptimizeOptions, others: RelinkOptions = {}): RelinkSuccess {
  const components = inputs.slice(0, 2).map(component => ({ component }));
  return succeeded(relinkChain(components, { ...others, optimize }));
}

function succeeded(result: ReturnType<typeof relink>): RelinkSuccess {
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result;
}

function reportOf({ optimization }: RelinkSuccess): OptimizeReport {
  if (optimization === null) throw new Error('nothing was optimized');
  return optimization;
}

function functionsOf(object: BpfObject): string[] {
  return object.symbols.flatMap(symbol => (symbol.kind === 'function' ? [symbol.name] : []));
}

function verdictsOf(object: BpfObject): readonly number[] {
  const machine = createMachine(object);
  return PACKETS.map(packet => Number(machine.run(packet).verdict));
}

needs('clang').describe('a chain of two filters', () => {
  test('returns the same in the machine, in fewer instructions', () => {
    const [plain, fast] = [chained(false), chained(true)];
    const verdicts = verdictsOf(plain.object);
    expect(new Set(verdicts)).toEqual(new Set([1, 2]));
    expect(verdictsOf(fast.object)).toEqual(verdicts);
    const [program] = reportOf(fast).programs;
    expect(program).toMatchObject({ program: 'chain', refused: null });
    expect(program?.insns.after).toBeLessThan(program?.insns.before ?? 0);
  });

  test('is one function; the report states what became of the others', () => {
    const { object, report } = chained(true);
    expect(functionsOf(object)).toEqual(['chain']);
    expect(report.slots.map(({ slot, function: name, inlined }) => [slot, name, inlined])).toEqual([
      ['slot1', 'telnet', true],
      ['slot2', 'smtp', true],
    ]);
    expect(report.symbols.filter(({ kind }) => kind === 'function').map(({ name }) => name)).toEqual([
      'chain',
    ]);
    const gone = report.discarded.filter(({ reason }) => reason === 'inlined').map(({ name }) => name);
    expect(gone.sort()).toEqual(['count', 'count', 'smtp', 'telnet']);
    const names = ['smtp', 'smtp_count', 'telnet', 'telnet_count'];
    expect([...(report.optimization?.removed ?? [])].sort()).toEqual(names);
    expect(report.limits.map(({ functions }) => functions.used)).toEqual([1]);
    expect(report.types.after).toBe(object.btf?.count);
  });

  test('keeps who uses which map', () => {
    const [plain, fast] = [chained(false).report, chained(true).report];
    expect(fast.maps).toEqual(plain.maps);
    expect(fast.renames).toEqual(plain.renames);
  });

  test.each(['slot1', 'telnet', 'telnet.o:telnet'])('keeps the function that --no-inline %s names', word => {
    const { object, report } = chained({ noInline: [word] });
    expect(functionsOf(object).sort()).toEqual(['chain', 'telnet', 'telnet_count']);
    expect(report.slots.map(({ inlined }) => inlined)).toEqual([false, true]);
    expect(report.optimization?.programs[0]?.kept).toMatchObject([{ function: 'telnet', caller: 'chain' }]);
    expect(verdictsOf(object)).toEqual(verdictsOf(chained(false).object));
  });

  test('keeps a name of --keep', () => {
    expect(functionsOf(chained(true, { keep: ['smtp'] }).object)).toContain('smtp');
  });

  test('keeps functions where nothing is discarded', () => {
    const { object } = chained(true, { gcSections: false });
    expect(functionsOf(object)).toEqual(expect.arrayContaining(['telnet', 'smtp']));
  });

  test('is written, read and linked again without a change', () => {
    const bytes = writeObject(chained(true).object);
    const again = readObject({ name: 'chain.o', bytes });
    expect(writeObject(again)).toEqual(bytes);
    const linked = succeeded(relink(again, [], { name: 'chain.o' }));
    expect(writeObject(linked.object)).toEqual(bytes);
    expect(verdictsOf(succeeded(relink(again, [], { optimize: true })).object)).toEqual(verdictsOf(again));
  });

  test('shows the lines of each file', () => {
    const text = [...disassembleObject(chained(true).object)].join('\n');
    expect(text).toMatch(/; .*telnet\.bpf\.c:\d+:/);
    expect(text).toMatch(/; .*smtp\.bpf\.c:\d+:/);
  });
});

needs('clang').describe('a rootlet with an open slot', () => {
  const half = (): RelinkSuccess => {
    const [telnet, , rootlet] = inputs;
    if (telnet === undefined || rootlet === undefined) throw new Error('not compiled');
    return succeeded(
      relink(rootlet, [{ slot: 'one', component: telnet }], { optimize: true, name: 'half.o' }),
    );
  };

  test('keeps it, and it can be filled later', () => {
    const { object, report } = half();
    expect(functionsOf(object).sort()).toEqual(['rootlet', 'two']);
    expect(report.slots.map(({ slot, inlined }) => [slot, inlined])).toEqual([
      ['one', true],
      ['two', false],
    ]);
    const [, smtp] = inputs;
    if (smtp === undefined) throw new Error('not compiled');
    const filled = succeeded(relink(object, [{ slot: 'two', component: smtp }], { optimize: true }));
    expect(functionsOf(filled.object)).toEqual(['rootlet']);
    expect(verdictsOf(filled.object)).toEqual(verdictsOf(chained(false).object));
  });
});

needs('clang', 'root', 'bpf', 'bpftool').describe('in the kernel, loaded by libbpf', () => {
  test('returns the same', () => {
    const packets = [ipPacket(6, 23), ipPacket(6, 25), ipPacket(6, 80), ipPacket(17, 23)];
    const verdicts = (object: BpfObject): number[] =>
      packets.flatMap(packet => [...runWithLibbpf(writeObject(object), ['chain'], packet)]);
    expect(verdicts(chained(false).object)).toEqual([1, 1, 2, 2]);
    expect(verdicts(chained(true).object)).toEqual([1, 1, 2, 2]);
  });

  test('shows the lines of each file', () => {
    const file = path.join(directory, 'chain.o');
    writeFileSync(file, writeObject(chained(true).object));
    const script = [
      `mount -t bpf -o mode=0700 bpf /sys/fs/bpf`,
      `bpftool prog load ${file} /sys/fs/bpf/chain`,
      'bpftool prog dump xlated pinned /sys/fs/bpf/chain linum',
    ].join(' && ');
    const text = execFileSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8' });
    expect(text).toMatch(/file:\S*telnet\.bpf\.c line_num:\d+/);
    expect(text).toMatch(/file:\S*smtp\.bpf\.c line_num:\d+/);
  });
});
