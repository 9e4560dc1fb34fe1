/**
 * Every form of every opcode: what the functions report is what the text of the instruction shows. Destination
 * r3 and source r4 are different, so that no register can be taken for the other one.
 */

import { describe, expect, test } from 'vitest';
import { insn } from './assemble.ts';
import { blockStarts, jumpTargets } from './blocks.ts';
import * as of from './def-use.ts';
import { disassemble } from './disasm.ts';
import { encodings, type FieldRule } from './encodings.ts';
import * as isa from './opcodes.ts';

interface Shown {
  readonly insn: isa.Insn;
  readonly text: string;
}

/** Each opcode with each form that its fields allow. */
function instructions(): Shown[] {
  const values = (rule: FieldRule, used: number) => (rule === 'used' ? [used] : rule);
  return [...encodings()].flatMap(([opcode, forms]) =>
    forms.flatMap(({ dst, src, offset, imm }) =>
      values(imm, 5).flatMap(number =>
        values(offset, opcode === isa.OP_EXIT ? 0 : 6).flatMap(distance =>
          values(src, 4).map(source => shown(insn(opcode, values(dst, 3)[0], source, distance, number))),
        ),
      ),
    ),
  );
}

function shown(one: isa.Insn): Shown {
  const code = new isa.CodeView(isa.encodeInsns([one, insn(0)], 'little'), 'little');
  return { insn: one, text: disassemble(code)[0]?.text ?? '' };
}

const ALL = instructions();

function registersIn(text: string): number[] {
  return [...text.matchAll(/\b[rw](\d+)\b/g)].map(match => Number(match[1])).sort();
}

/** `r3 = …`, `r3 += …`; what is before the `=` of a store is memory. */
function assigned(text: string): RegExpMatchArray | null {
  return /^[rw](?<to>\d+) (?<operator>[^=\s]*)= (?<value>.*)$/.exec(text);
}

function readInText({ insn: { opcode }, text }: Shown): number[] {
  if (opcode === isa.OP_EXIT) return [0];
  if (opcode === isa.OP_CALL) return [];
  const match = assigned(text);
  if (match?.groups === undefined) return registersIn(text);
  const { to = '', operator = '', value = '' } = match.groups;
  const implicit = value.includes('skb[') ? [6] : [];
  return [...registersIn(value), ...(operator === '' ? [] : [Number(to)]), ...implicit].sort();
}

function writtenInText({ insn: { opcode }, text }: Shown): number {
  if (opcode === isa.OP_CALL || opcode === isa.OP_CALLX) return 0;
  const to = assigned(text)?.groups?.['to'];
  return to === undefined ? -1 : Number(to);
}

function readRegisters(one: isa.Insn): number[] {
  return [
    ...(of.readsR0(one) ? [0] : []),
    ...(of.readsDst(one) ? [one.dst] : []),
    ...(of.readsSrc(one) ? [one.src] : []),
    ...(of.readsR6(one) ? [6] : []),
  ].sort();
}

const unique = (registers: readonly number[]) => [...new Set(registers)];

describe('what every instruction reads and writes', () => {
  test('all forms are there', () => {
    expect(ALL.length).toBeGreaterThan(180);
    expect(ALL.filter(({ text }) => text === '' || text.includes('unknown'))).toEqual([]);
  });

  test('reads the registers that its text shows', () => {
    const differing = ALL.filter(
      one => unique(readInText(one)).join() !== unique(readRegisters(one.insn)).join(),
    );
    expect(differing.map(one => [one.text, readInText(one), readRegisters(one.insn)])).toEqual([]);
  });

  test('writes the register that its text shows', () => {
    const differing = ALL.filter(one => writtenInText(one) !== of.writtenRegister(one.insn));
    expect(differing.map(one => [one.text, of.writtenRegister(one.insn)])).toEqual([]);
  });

  test('loads and stores as its text shows', () => {
    const loads = (text: string) => / = \*\([us]\d+ \*\)\(|load_acquire/.test(text);
    const stores = (text: string) => /^(lock )?\*\(|atomic_|xchg|store_release/.test(text);
    expect(ALL.filter(one => of.isLoad(one.insn) !== loads(one.text)).map(one => one.text)).toEqual([]);
    expect(ALL.filter(one => of.isStore(one.insn) !== stores(one.text)).map(one => one.text)).toEqual([]);
  });

  test('accesses as many bytes as its text shows', () => {
    const sizes = ALL.flatMap(({ insn: one, text }) => {
      const bits = /[us](\d+) \*\)/.exec(text)?.[1];
      return bits === undefined ? [] : [{ text, bytes: Number(bits) / 8, size: of.accessSize(one.opcode) }];
    });
    expect(sizes.filter(({ bytes, size }) => bytes !== size)).toEqual([]);
    expect(new Set(sizes.map(({ size }) => size))).toEqual(new Set([1, 2, 4, 8]));
  });

  test('compares, goes and ends as its text shows', () => {
    const kinds: readonly (readonly [(opcode: number) => boolean, RegExp])[] = [
      [of.isBranch, /^if /],
      [of.isGoto, /^gotol? /],
      [of.hasJumpTarget, /goto [+-]|^gotol /],
      [of.isJump, /goto [+-]|^goto[lx] |^exit/],
      [of.endsPath, /^goto[lx]? |^exit/],
      [of.isMove, /^[rw]3 = (\(s\d+\))?([rw]4|-?\d+)$|addr_space_cast/],
      [of.isAtomic, /^lock|atomic_|xchg|load_acquire|store_release/],
    ];
    for (const [decide, pattern] of kinds) {
      const differing = ALL.filter(({ insn: { opcode }, text }) => decide(opcode) !== pattern.test(text));
      expect(differing.map(({ text }) => text)).toEqual([]);
    }
  });

  test('has a source register where its text shows one', () => {
    const operands = ALL.filter(({ insn: one }) => of.isAlu(one.opcode) || of.isBranch(one.opcode));
    const differing = operands.filter(
      ({ insn: one, text }) => of.hasSourceRegister(one.opcode) !== registersIn(text).includes(4),
    );
    expect(differing.map(({ text }) => text)).toEqual([]);
  });

  test('has no effect but its register, where it writes one and neither stores nor calls', () => {
    const effect = /^(lock )?\*\(|atomic_|xchg|load_acquire|store_release|call|goto|exit|skb\[/;
    const differing = ALL.filter(({ insn: one, text }) => of.hasNoEffect(one) === effect.test(text));
    expect(differing.map(({ text }) => text)).toEqual([]);
  });
});

describe('targets of jumps', () => {
  const viewOf = (insns: readonly isa.Insn[], order: 'little' | 'big' = 'little') =>
    new isa.CodeView(isa.encodeInsns(insns, order), order);
  const CODE = [
    insn(isa.BPF_JMP | isa.BPF_JEQ, 1, 0, 3, 7), // to 4
    insn(isa.OP_LD_IMM64, 1, 0, 0, 5),
    insn(0, 0, 0, 0, isa.OP_JA),
    insn(isa.OP_JA32, 0, 0, 9, 1), // to 5
    insn(isa.OP_JCOND, 0, 0, -5), // to 0
    insn(isa.OP_CALL, 0, 0, 0, 1),
    insn(isa.OP_JA, 0, 0, 40), // outside
    insn(isa.OP_EXIT, 0, 0, -3),
  ];

  test.each(['little', 'big'] as const)('are relative to the next instruction, %s endian', order => {
    const code = viewOf(CODE, order);
    expect([0, 3, 4, 6].map(at => of.jumpTarget(code, at))).toEqual([4, 5, 0, 47]);
    expect([...jumpTargets(code)]).toEqual([1, 0, 0, 0, 1, 1, 0, 0]);
  });

  test('and what follows a jump start blocks', () => {
    expect([...blockStarts(viewOf(CODE))]).toEqual([1, 1, 0, 0, 1, 1, 0, 1]);
    expect([...blockStarts(viewOf([]))]).toEqual([]);
  });
});
