/**
 * Indirect jumps from C to the machine and to the kernel's interface. Compilers before Clang 22 make none, so that the
 * tables are written in assembly, as such a compiler writes them: entries are offsets in the section of the function.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { inspectCommand } from '../../../cli/commands/inspect.ts';
import { runCommand as run } from '../../../cli/commands/run.ts';
import { FakeSys } from '../../../src/kernel/sys/fake.ts';
import { decodeU32s } from '../../../src/kernel/sys/sys.ts';
import { decodeAttr } from '../../../src/kernel/uapi/attr.ts';
import { MapCreateAttr, MapElemAttr, ProgLoadAttr } from '../../../src/kernel/uapi/uapi.ts';
import { link } from '../../../src/link/link.ts';
import { relinkChain } from '../../../src/link/relink-chain.ts';
import { executeLoad } from '../../../src/load/execute/execute.ts';
import { findLacks, limitPlan } from '../../../src/load/plan/limit.ts';
import { planLoad } from '../../../src/load/plan/object.ts';
import { preparedAlone } from '../../../src/load/plan/prepared.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import * as commands from '../../../src/uapi/commands.ts';
import { EINVAL } from '../../../src/uapi/errno.ts';
import { BPF_MAP_TYPE_INSN_ARRAY } from '../../../src/uapi/map-types.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { runCommand } from '../../support/command.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-jump-tables-'));
afterAll(() => rmSync(directory, { recursive: true }));

/**
 * Returns a number for the first byte of the packet: `first` to `first` + 3 by a table, of which the second and the
 * third entry are one place, and 99 for other bytes.
 */
function dispatcher(
  name: string,
  section: string,
  first: number,
  check = 'if r2 > 3 goto other_%=;',
  parameters = 'void',
): string {
  return `
__attribute__((section("${section}"), used, naked)) int ${name}(${parameters}) { asm volatile (
".pushsection .jumptables,\\"\\",@progbits; table_${name}: .quad a_%= - ${section}; .quad b_%= - ${section};"
".quad b_%= - ${section}; .quad c_%= - ${section}; .size table_${name}, 32; .type table_${name}, @object; .popsection;"
"r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4); r4 = r2; r4 += 1; if r4 > r3 goto other_%=;"
"r2 = *(u8 *)(r2 + 0); ${check}"
"r1 = table_${name} ll; r2 <<= 3; r1 += r2; r1 = *(u64 *)(r1 + 0); .8byte 0x10d;"
"a_%=: r0 = ${first}; exit; b_%=: r0 = ${first + 1}; exit; c_%=: r0 = ${first + 3}; exit; other_%=: r0 = 99; exit;"
::: "memory"); }
`;
}

const LOOP = `
__attribute__((section("xdp"), used, naked)) int loops(void) { asm volatile (
".pushsection .jumptables,\\"\\",@progbits; table_loops: .quad more_%= - xdp; .quad done_%= - xdp;"
".size table_loops, 16; .type table_loops, @object; .popsection;"
"r0 = 0; r6 = 0; next_%=: r1 = table_loops ll; r1 += r6; r1 = *(u64 *)(r1 + 0); .8byte 0x10d;"
"more_%=: r0 += 7; if r0 < 70 goto next_%=; r6 = 8; goto next_%=; done_%=: exit;"
::: "memory"); }
`;

const SUBPROGRAM = `
${dispatcher('inner', '.text', 40, undefined, 'void *ctx')}
__attribute__((section("xdp"), used)) int outer(void *ctx) { return inner(ctx); }
`;

const packet = (byte: number) => Uint8Array.from([byte, ...new Uint8Array(63)]);
const EXPECTED = (first: number) => [first, first + 1, first + 1, first + 3, 99, 99];

function verdicts(file: string | Uint8Array, program: string): number[] {
  const input = typeof file === 'string' ? inputFrom(file) : { name: 'written.o', bytes: file };
  using machine = createMachine(readObject(input), { program });
  return [0, 1, 2, 3, 4, 255].map(byte => machine.run(packet(byte)).verdict);
}

const { describe: withClang } = needs('clang');
const { test: inKernel } = needs('bpf');

withClang('indirect jumps', () => {
  const [one = '', two = '', loops = '', subprogram = '', unchecked = ''] = compileInto(directory, {
    one: dispatcher('one', 'xdp', 10),
    two: dispatcher('two', 'xdp', 20),
    loops: LOOP,
    subprogram: SUBPROGRAM,
    unchecked: dispatcher('unchecked', 'xdp', 30, ''),
  });

  test('run in the machine', () => {
    expect(verdicts(one, 'one')).toEqual(EXPECTED(10));
    expect(verdicts(subprogram, 'outer')).toEqual(EXPECTED(40));
    using machine = createMachine(readObject(inputFrom(loops)));
    expect(machine.run(packet(0)).verdict).toBe(70);
    using limited = createMachine(readObject(inputFrom(loops)), { budget: 3 });
    expect(() => limited.run(packet(0))).toThrow(/still running/);
  });

  test('outside of a table end a run', () => {
    using machine = createMachine(readObject(inputFrom(unchecked)));
    expect(machine.run(packet(3)).verdict).toBe(33);
    expect(() => machine.run(packet(4))).toThrow(
      expect.objectContaining({ code: 'vm-memory-access', message: expect.stringContaining('.jumptables') }),
    );
  });

  test('follow their functions through a link and a chain', () => {
    const linked = link([inputFrom(one), inputFrom(two)]);
    if (!linked.ok) throw new Error(linked.problems.map(({ message }) => message).join('\n'));
    const bytes = writeObject(linked.object);
    expect(verdicts(bytes, 'one')).toEqual(EXPECTED(10));
    expect(verdicts(bytes, 'two')).toEqual(EXPECTED(20));
    const again = link([{ name: 'linked.o', bytes }]);
    if (!again.ok) throw new Error('not linked again');
    expect(writeObject(again.object)).toEqual(bytes);
  });

  test('are text in a disassembly', async () => {
    const { out, code } = await runCommand(inspectCommand, [one, '--disasm'], directory);
    expect(code).toBe(0);
    expect(out).toContain('gotox r1');
    expect(out).toContain('r1 = table_one ll');
  });

  test('become maps of instructions that belong to the program', () => {
    const object = readObject(inputFrom(subprogram));
    const plan = planLoad(preparedAlone(object));
    const start = plan.programs[0]?.functions[1]?.insnIndex ?? 0;
    const own = object.symbols.find(symbol => symbol.name === 'inner');
    expect(own?.kind === 'function' && start > 0).toBe(true);
    const targets = plan.programs[0]?.jumpTables[0]?.targets ?? [];
    expect(targets.map(target => target - start)).toEqual([13, 15, 15, 17]);
    const updates: (readonly number[])[] = [];
    const created: number[] = [];
    const sys = new FakeSys((call, fake) => {
      if (call.command === commands.BPF_MAP_CREATE)
        created.push(decodeAttr(MapCreateAttr, call.attr).map_type);
      if (call.command === commands.BPF_MAP_UPDATE_ELEM) {
        const { key, value } = decodeAttr(MapElemAttr, call.attr);
        const [index = -1] = decodeU32s(fake.memory(key));
        updates.push([index, ...decodeU32s(fake.memory(value))]);
      }
      return undefined;
    });
    executeLoad(plan, sys, { pinRoot: null }).close();
    expect(created).toEqual([BPF_MAP_TYPE_INSN_ARRAY]);
    expect(updates).toEqual(targets.map((target, index) => [index, target, 0, 0, 0]));
    const order = sys.commands().filter(command => command !== commands.BPF_MAP_UPDATE_ELEM);
    expect(order.slice(-3)).toEqual([
      commands.BPF_MAP_CREATE,
      commands.BPF_MAP_FREEZE,
      commands.BPF_PROG_LOAD,
    ]);
    expect([...sys.openFds]).toEqual([]);
  });

  test('have a table of their own for each load, and a descriptor in the code', () => {
    let code: readonly number[] = [];
    const sys = new FakeSys((call, fake) => {
      if (call.command !== commands.BPF_PROG_LOAD) return undefined;
      code = decodeU32s(fake.memory(decodeAttr(ProgLoadAttr, call.attr).insns));
      return undefined;
    });
    executeLoad(planLoad(preparedAlone(readObject(inputFrom(one)))), sys, {
      pinRoot: null,
      keepLog: true,
    }).close();
    expect(sys.commands().filter(command => command === commands.BPF_MAP_CREATE)).toHaveLength(2);
    const at = code.findIndex((word, index) => index % 2 === 0 && (word & 0xff) === 0x18);
    expect((code[at] ?? 0) >> 8).toBe(0x21); // r1, the value of a map
    expect(code[at + 1]).toBeGreaterThan(9);
    expect([...sys.openFds]).toEqual([]);
  });

  test.each([
    [4, 'refers to byte 4 of a jump table of 32 bytes'],
    [32, 'refers to byte 32 of a jump table of 32 bytes'],
  ])('are not loaded from byte %d of a table', (addend, message) => {
    const object = readObject(inputFrom(one));
    const symbols = object.symbols.map(symbol =>
      symbol.kind === 'function'
        ? { ...symbol, references: symbol.references.map(reference => ({ ...reference, addend })) }
        : symbol,
    );
    expect(() => planLoad(preparedAlone({ ...object, symbols }))).toThrow(
      expect.objectContaining({ code: 'load-jump-table', message: expect.stringContaining(message) }),
    );
  });

  test('are refused by a kernel without such maps, with the version that has them', () => {
    const sys = new FakeSys(call =>
      call.command === commands.BPF_MAP_CREATE &&
      decodeAttr(MapCreateAttr, call.attr).map_type === BPF_MAP_TYPE_INSN_ARRAY
        ? -EINVAL
        : undefined,
    );
    const plan = planLoad(preparedAlone(readObject(inputFrom(one))));
    expect(() => executeLoad(plan, sys, { pinRoot: null })).toThrow(/maps of type insn_array/);
    expect([...sys.openFds]).toEqual([]);
    expect([...findLacks(sys, plan)]).toEqual(['jumpTables']);
    expect(() => limitPlan(plan, findLacks(sys, plan))).toThrow(
      expect.objectContaining({
        code: 'load-kernel-too-old',
        message: expect.stringContaining(
          'program "one": jumps through a table (gotox), which needs Linux 6.19',
        ),
      }),
    );
    expect([...findLacks(new FakeSys(), plan)]).toEqual([]);
  });

  inKernel('run in the kernel, or are refused with the reason', async () => {
    const words = [one, '--packet', `02${'00'.repeat(63)}`, '--kernel'];
    const { code, out, err } = await runCommand(run, words, directory);
    if (code === 0) expect(out).toContain('11');
    else expect(err).toContain('which needs Linux 6.19');
  });
});

describe('a chain of programs with tables', () => {
  test.skipIf(needs('clang').reason !== undefined)('runs both', () => {
    const [a = '', b = ''] = compileInto(directory, {
      a: dispatcher('a', 'xdp', 2, 'if r2 > 0 goto other_%=;'),
      b: dispatcher('b', 'xdp', 50),
    });
    const chain = relinkChain([{ component: inputFrom(a) }, { component: inputFrom(b) }]);
    if (!chain.ok) throw new Error(chain.problems.map(({ message }) => message).join('\n'));
    const [program = ''] = createMachine(chain.object).programs;
    const results = verdicts(writeObject(chain.object), program);
    expect(results[0]).toBe(50);
    expect(results[1]).toBe(99);
  });
});
