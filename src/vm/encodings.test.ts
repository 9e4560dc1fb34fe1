/**
 * Every instruction with every field that it does not use set to something: the machine takes what the kernel
 * takes, in code that runs and in code that no run reaches.
 */

import { describe, expect, test } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { RootletError } from '../diag/problem.ts';
import { EXIT, insn } from '../isa/assemble.ts';
import { type Encoding, encodings, type Field } from '../isa/encodings.ts';
import {
  BPF_JCOND,
  BPF_JMP,
  BPF_PSEUDO_KFUNC_CALL,
  type Insn,
  OP_CALL,
  OP_CALLX,
  OP_EXIT,
  OP_GOTOX,
  OP_LD_IMM64,
} from '../isa/opcodes.ts';
import { kernelForTests } from '../kernel/testing.ts';
import { executeLoad } from '../load/execute/execute.ts';
import { planLoad } from '../load/plan/object.ts';
import { preparedAlone } from '../load/plan/prepared.ts';
import { createMachine } from './run/machine.ts';
import { randomSource, testObject } from './testing.ts';

const PACKET = new Uint8Array(64);
const FIELDS: readonly Field[] = ['dst', 'src', 'offset', 'imm'];
const KTIME = 5;

interface Case {
  readonly title: string;
  readonly insns: readonly Insn[];
}

/** r6 is the context, r7 and r8 numbers, r9 the frame pointer, and 8 bytes of the stack are written. */
const BEFORE = [
  insn(0xbf, 6, 1),
  insn(0xb7, 7, 0, 0, 16),
  insn(0xb7, 8, 0, 0, 1),
  insn(0xbf, 9, 10),
  insn(0x7b, 10, 8, -8),
  insn(0xb7, 0, 0, 0, 0),
];
const AFTER = [insn(0xb7, 0, 0, 0, 0), EXIT];
/** Never taken, but what comes after it and after an exit can be reached. */
const PERHAPS = insn(0x15, 7, 0, 1, 5);
/** Jumps over the instructions between, always; a verifier follows only that way. */
const dead = (between: number) => insn(0x15, 0, 0, between, 0);

/** The instruction with sensible values in the fields that it uses. */
function sensible(opcode: number, form: Encoding): Insn {
  const insnClass = opcode & 7;
  const loads = insnClass === 1 || (insnClass === 3 && form.imm !== 'used' && form.imm.length === 2);
  const stores = insnClass === 2 || insnClass === 3;
  const memory = insnClass >= 1 && insnClass <= 3;
  const pick = (field: Field, used: number) => {
    const rule = form[field];
    return rule === 'used' ? used : (rule[0] ?? 0);
  };
  const dst = stores && !loads ? 10 : 7;
  const src = loads ? 10 : 8;
  const imm = opcode === OP_CALL ? KTIME : (opcode & 0xf7) === 0x06 || insnClass === 5 ? 0 : 1;
  return insn(opcode, pick('dst', dst), pick('src', src), pick('offset', memory ? -8 : 0), pick('imm', imm));
}

const SKIPPED = new Set([OP_GOTOX, OP_CALLX]);

function* casesOf(seed: number): Generator<Case> {
  const random = randomSource(seed);
  for (const [opcode, [form]] of encodings()) {
    if (form === undefined || SKIPPED.has(opcode)) continue;
    const good = sensible(opcode, form);
    const wide = opcode === OP_LD_IMM64;
    const rest = wide ? [insn(0, 0, 0, 0, 1)] : [];
    const name = `0x${opcode.toString(16).padStart(2, '0')}`;
    yield { title: `${name} as it should be`, insns: [good, ...rest] };
    for (const field of FIELDS) {
      if (form[field] === 'used') continue;
      const value = valueFor(opcode, field, random);
      yield { title: `${name} with ${field} ${value}`, insns: [{ ...good, [field]: value }, ...rest] };
    }
    if (!wide) continue;
    for (const field of ['dst', 'src', 'offset'] as const) {
      yield {
        title: `${name}, second ${field}`,
        insns: [good, insn(0), { ...insn(0), [field]: 1 + random(9) }].toSpliced(1, 1),
      };
    }
  }
}

/** For registers those that hold something; a call's kinds need more than the instruction. */
function valueFor(opcode: number, field: Field, random: (below: number) => number): number {
  if (field === 'src' && opcode === OP_CALL) return BPF_PSEUDO_KFUNC_CALL + 1 + random(7);
  if (field === 'src' && opcode === OP_LD_IMM64) return 7 + random(2);
  if (field === 'dst' || field === 'src') return 6 + random(3);
  return 1 + random(40);
}

function objectOf(insns: readonly Insn[]) {
  return testObject([{ name: 'main', insns, section: 'socket' }]);
}

function machineTakes(insns: readonly Insn[]): boolean {
  try {
    createMachine(objectOf(insns)).run(PACKET);
    return true;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}

function kernelTakes(insns: readonly Insn[]): boolean {
  const { sys } = kernelForTests();
  if (sys === undefined) throw new Error('no kernel');
  try {
    executeLoad(planLoad(preparedAlone(objectOf(insns))), sys).close();
    return true;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}

describe.each([1, 20261129])('seed %d', seed => {
  const cases = [...casesOf(seed)];
  const live = cases.map(({ title, insns }) => {
    const before = insns[0]?.opcode === OP_EXIT ? [...BEFORE, PERHAPS] : BEFORE;
    return [title, [...before, ...insns, ...AFTER]] as const;
  });

  test('fields that are not used are 0', () => {
    const taken = live.filter(([, insns]) => machineTakes(insns)).map(([title]) => title);
    const good = cases.map(({ title }) => title).filter(title => title.endsWith('as it should be'));
    expect(good.filter(title => !taken.includes(title))).toEqual([]);
    expect(taken.length).toBeLessThan(cases.length / 2);
  });

  needs('bpf').test('the kernel takes the same where it runs', () => {
    const different = live.filter(([, insns]) => machineTakes(insns) !== kernelTakes(insns));
    expect(different.map(([title]) => title)).toEqual([]);
  });

  needs('bpf').test('the kernel takes the same where no run comes', () => {
    const different = cases.flatMap(({ title, insns }) => {
      const code = [...BEFORE, dead(insns.length), ...insns, ...AFTER];
      return machineTakes(code) === kernelTakes(code) ? [] : [title];
    });
    expect(different).toEqual([]);
  });
});

test('the table has the loops and ends that the others do not', () => {
  const opcodes = [...encodings()].map(([opcode]) => opcode);
  expect(opcodes).toContain(OP_EXIT);
  expect(opcodes).toContain(BPF_JMP | BPF_JCOND);
  expect(new Set(opcodes).size).toBe(opcodes.length);
});
