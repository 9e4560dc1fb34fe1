/** Corrupted objects and random instructions in the embedded machine; what a pass must not change. */

import { EXIT, insn, loadConstant } from '../../src/isa/assemble.ts';
import type { Insn } from '../../src/isa/opcodes.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { testObject } from '../../src/vm/testing.ts';
import type { SeededRandom } from '../hostile/random.ts';
import { attempt, isRefusal, promise, thrownBy } from './check.ts';
import type { SeedFile } from './seeds.ts';

const OPTIONS = { budget: 20_000, maxMemory: 2 ** 27 };

export function runObject(input: SeedFile, random: SeededRandom): void {
  const object = attempt('reading', () => readObject(input, { keepFaults: true }));
  if (object !== undefined) runsOf(object, packets(random));
}

function packets(random: SeededRandom): Uint8Array[] {
  return [64, 14 + random.below(60)].map(size => Uint8Array.from({ length: size }, () => random.below(256)));
}

/** What the runs show, by program; undefined when the machine refuses the object. */
function runsOf(object: BpfObject, given: readonly Uint8Array[]): ReadonlyMap<string, string> | undefined {
  const machine = attempt('making a machine', () => createMachine(object, OPTIONS));
  if (machine === undefined) return undefined;
  const seen = new Map<string, string>();
  for (const program of machine.programs)
    seen.set(program, given.map(packet => outcomeOf(() => machine.run(packet, { program }))).join('; '));
  machine.close();
  return seen;
}

function outcomeOf(run: () => { readonly verdict: number; readonly packet: Uint8Array }): string {
  try {
    const { verdict, packet } = run();
    return `${verdict} ${Buffer.from(packet).toString('hex')}`;
  } catch (error) {
    if (isRefusal(error)) return 'refused';
    throw thrownBy('running', error);
  }
}

/** Programs of the first object that run to their end have the same verdicts and packets in the second. */
export function sameMeaning(before: BpfObject, after: BpfObject, random: SeededRandom): void {
  const given = packets(random);
  const expected = runsOf(before, given);
  if (expected === undefined) return;
  const found = runsOf(after, given);
  for (const [program, outcome] of expected) {
    if (outcome.includes('refused')) continue;
    const other = found?.get(program);
    promise(
      other === outcome,
      'a pass changes what a program does',
      `program ${program}: ${outcome} becomes ${other ?? 'nothing'}`,
    );
  }
}

/** Pointers to begin with: the context, the packet, the frame, and numbers. */
const START: readonly Insn[] = [
  insn(0xbf, 6, 1),
  insn(0x61, 7, 1, 0),
  insn(0x61, 8, 1, 4),
  insn(0xbf, 9, 10),
  ...loadConstant(2, 0x10000n),
  insn(0xb7, 3, 0, 0, 8),
  insn(0xb7, 4, 0, 0, 64),
  insn(0xb7, 5, 0, 0, 0),
  insn(0xb7, 0, 0, 0, 0),
];
const LOADS = [0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91];
const STORES = [0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b, 0xdb, 0xc3];
const JUMPS = [
  0x15, 0x25, 0x1d, 0x2d, 0x05, 0x16, 0xe5, 0x35, 0x45, 0x55, 0x65, 0x75, 0xa5, 0xb5, 0xc5, 0xd5,
];
const IMMEDIATES = [0, 1, -1, 8, -8, 14, 512, -512, 4096, 0x7fffffff, -0x80000000];
const SECTIONS = ['xdp', 'tc', 'socket', 'cgroup_skb/ingress'];

function randomInsn(random: SeededRandom, at: number, count: number): Insn {
  const immediate = random.pick(IMMEDIATES);
  switch (random.below(8)) {
    case 0:
      return insn(0x85, 0, 0, 0, 1 + random.below(211));
    case 1:
      return insn(random.pick(LOADS), random.below(10), random.below(11), random.below(32) - 16);
    case 2:
      return insn(
        random.pick(STORES),
        random.below(11),
        random.below(11),
        random.below(32) - 16,
        random.pick([0, 1, 0xf1, 0xe1]),
      );
    case 3: {
      const distance = random.below(count + 4 - at) - random.below(Math.min(at + 1, 6));
      return insn(random.pick(JUMPS), random.below(10), random.below(10), distance, immediate);
    }
    default: {
      // any operation of 32 or 64 bits on a register or a number
      const opcode = (random.below(14) << 4) | (random.below(2) << 3) | (random.below(2) === 0 ? 0x07 : 0x04);
      return insn(
        opcode,
        random.below(10),
        opcode & 8 ? random.below(11) : 0,
        random.pick([0, 0, 0, 1, 8]),
        opcode & 8 ? 0 : immediate,
      );
    }
  }
}

/** Random instructions: they run, fail with an error that names them, or are refused. */
export function randomProgram(random: SeededRandom): void {
  const count = 1 + random.below(40);
  const insns = Array.from({ length: count }, (_, at) => randomInsn(random, at, count));
  const section = random.pick(SECTIONS);
  const order = random.below(2) === 0 ? 'little' : 'big';
  const object = testObject(
    [{ name: 'main', insns: [...START, ...insns, insn(0xb7, 0, 0, 0, 0), EXIT], section }],
    order,
  );
  runsOf(object, packets(random));
}
