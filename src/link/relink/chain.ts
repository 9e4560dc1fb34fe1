/**
 * The built-in rootlet: a program with exactly as many slots as there are components.
 *
 * Each slot is called in turn; its verdict goes on to the next slot when it is in the slot's continue-mask, else it is
 * the verdict of the chain. After the last slot the chain returns a fixed verdict or the last one. There are no dead
 * slots and no limit but the kernel's. The result is an object like one that a compiler made, to be re-linked.
 */

import { BtfBuilder, type BtfId } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import * as isa from '../../isa/index.ts';
import type { BpfObject, BpfSymbol, CodeReference, SectionShell } from '../../object/index.ts';
import { checksVerdicts, contextOf, type Verdict } from './chain-types.ts';

export interface ChainSlot {
  /** Verdicts that go on to the next slot. */
  readonly continueOn: readonly Verdict[];
}

export interface ChainOptions {
  readonly slots: readonly ChainSlot[];
  /** Section of the program, which says its type: `xdp`, `tc`, … */
  readonly section: string;
  readonly byteOrder: ByteOrder;
  /** Name of the program. Default `chain`. */
  readonly program?: string;
  /** What the chain returns when its last slot goes on: a verdict, or `last` for that slot's. Default `last`. */
  readonly final?: number | 'last';
  /** Text of the `license` section. Default `Dual MIT/GPL`. */
  readonly license?: string;
}

/** Name of the slot at `position` (from 0) of a generated chain. */
export function chainSlotName(position: number): string {
  return `slot${position + 1}`;
}

/** A rootlet with the slots `slot1`, `slot2`, …; the slots have no defaults and must all be filled. */
export function makeChain(options: ChainOptions): BpfObject {
  const program = options.program ?? 'chain';
  const types = chainTypes(options, program);
  const { code, references } = chainCode(options);
  const license = new TextEncoder().encode(`${options.license ?? 'Dual MIT/GPL'}\0`);
  const origin = { file: 'chain', offset: 0 };
  const base = { binding: 'global', visibility: 'default', origin } as const;
  // a hidden function is verified where it is called, so that its verdicts are known there
  const slotBase = checksVerdicts(options.section) ? ({ ...base, visibility: 'hidden' } as const) : base;
  const sections: SectionShell[] = [
    { name: options.section, type: 1, flags: 6, align: 8, entsize: 0, role: 'code' },
    { name: 'license', type: 1, flags: 3, align: 1, entsize: 0, role: 'data' },
    { name: '.text', type: 1, flags: 6, align: 8, entsize: 0, role: 'code' },
  ];
  const text = `chain of ${options.slots.length} programs`;
  const symbols: BpfSymbol[] = [
    {
      ...base,
      kind: 'function',
      name: program,
      section: 0,
      code,
      references,
      btfId: types.program,
      lines: [{ insnIndex: 0, file: 'chain', text, line: 1, column: 1 }],
      coreRecords: [],
    },
    {
      ...base,
      kind: 'variable',
      name: '_license',
      section: 1,
      size: license.length,
      align: 1,
      bytes: license,
      references: [],
      btfId: types.license,
    },
    ...types.slots.map(
      (btfId, position): BpfSymbol => slotStub(options.byteOrder, position, btfId, slotBase),
    ),
  ];
  return { name: '<chain>', byteOrder: options.byteOrder, flags: 0, sections, symbols, btf: types.btf };
}

function slotStub(
  order: ByteOrder,
  position: number,
  btfId: BtfId,
  base: Pick<BpfSymbol & { readonly kind: 'function' }, 'binding' | 'visibility' | 'origin'>,
): BpfSymbol {
  const code = isa.encodeInsns([insn(isa.BPF_ALU64 | isa.BPF_MOV, 0), insn(isa.OP_EXIT)], order);
  const name = chainSlotName(position);
  const lines = [{ insnIndex: 0, file: 'chain', text: name, line: position + 2, column: 1 }];
  return {
    ...base,
    binding: 'weak',
    kind: 'function',
    name,
    section: 2,
    code,
    references: [],
    btfId,
    lines,
    coreRecords: [],
  };
}

// --- types --------------------------------------------------------------------------------------------------------

interface ChainTypes {
  readonly btf: BpfObject['btf'];
  readonly program: BtfId;
  readonly slots: readonly BtfId[];
  readonly license: BtfId;
}

/** The context struct is only declared; linked with a component, it becomes that component's full definition. */
function chainTypes(options: ChainOptions, program: string): ChainTypes {
  const btf = new BtfBuilder();
  const int = btf.add({
    kind: 'int',
    name: 'int',
    size: 4,
    bits: 32,
    bitOffset: 0,
    signed: true,
    char: false,
    bool: false,
  });
  const context = btf.add({ kind: 'fwd', name: contextOf(options.section) ?? '', union: false });
  const pointer = btf.add({ kind: 'ptr', type: context });
  const prototype = btf.add({ kind: 'func_proto', returns: int, params: [{ name: 'ctx', type: pointer }] });
  const programId = btf.add({ kind: 'func', name: program, type: prototype, linkage: 'global' });
  const slots = options.slots.map((_, position) =>
    btf.add({ kind: 'func', name: chainSlotName(position), type: prototype, linkage: 'global' }),
  );
  const char = btf.add({
    kind: 'int',
    name: 'char',
    size: 1,
    bits: 8,
    bitOffset: 0,
    signed: true,
    char: false,
    bool: false,
  });
  const index = btf.add({
    kind: 'int',
    name: '__ARRAY_SIZE_TYPE__',
    size: 4,
    bits: 32,
    bitOffset: 0,
    signed: false,
    char: false,
    bool: false,
  });
  const length = (options.license ?? 'Dual MIT/GPL').length + 1;
  const text = btf.add({ kind: 'array', element: char, index, length });
  const license = btf.add({ kind: 'var', name: '_license', type: text, linkage: 'global' });
  return { btf: btf.build(), program: programId, slots, license };
}

// --- code ---------------------------------------------------------------------------------------------------------

function insn(opcode: number, dst = 0, src = 0, offset = 0, imm = 0): isa.Insn {
  return { opcode, dst, src, offset, imm };
}

const MOV_REG = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X;
const MOV_IMM = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K;
const CONTEXT_REGISTER = 6;

/**
 * `r6 = ctx; for each slot: r1 = r6; r0 = slot(r1); if w0 is in the mask go on, else return it`. The context is kept in
 * r6 only when a second slot needs it. The usual case, one verdict that goes on, falls through: one comparison a slot
 * and one exit for all, as compilers write it.
 */
function chainCode(options: ChainOptions): {
  readonly code: Uint8Array;
  readonly references: readonly CodeReference[];
} {
  const insns: isa.Insn[] = [];
  const references: CodeReference[] = [];
  /** Jumps that leave the chain; their offsets are set when its end is known. */
  const leaving: number[] = [];
  if (options.slots.length > 1) insns.push(insn(MOV_REG, CONTEXT_REGISTER, 1));
  options.slots.forEach((slot, position) => {
    if (position > 0) insns.push(insn(MOV_REG, 1, CONTEXT_REGISTER));
    // symbols are: the program, its licence, then the slots
    references.push({ insnIndex: insns.length, kind: 'call', symbol: position + 2, addend: 0 });
    insns.push(insn(isa.OP_CALL, 0, isa.BPF_PSEUDO_CALL, 0, -1));
    const last = position === options.slots.length - 1;
    if (last && typeof options.final !== 'number') return;
    const jumps = goOn(slot.continueOn);
    insns.push(...jumps);
    if (jumps.length > 0) leaving.push(insns.length - 1);
  });
  if (typeof options.final === 'number') insns.push(insn(MOV_IMM, 0, 0, 0, options.final));
  const end = insns.length;
  insns.push(insn(isa.OP_EXIT));
  for (const at of leaving) insns[at] = { ...(insns[at] ?? insn(isa.OP_JA)), offset: end - at - 1 };
  return { code: isa.encodeInsns(insns, options.byteOrder), references };
}

/** Goes on behind it for the given verdicts; its last instruction is the jump that leaves for others, if there are any. */
function goOn(verdicts: readonly Verdict[]): isa.Insn[] {
  if (verdicts.includes('not 0'))
    return verdicts.includes(0) ? [] : [insn(isa.BPF_JMP32 | isa.BPF_JEQ | isa.BPF_K)];
  const distinct = [...new Set(verdicts)].filter(verdict => verdict !== 'not 0');
  const last = distinct.pop();
  if (last === undefined) return [insn(isa.OP_JA)];
  const skip = (verdict: number, position: number): isa.Insn =>
    insn(isa.BPF_JMP32 | isa.BPF_JEQ | isa.BPF_K, 0, 0, distinct.length - position, verdict);
  return [...distinct.map(skip), insn(isa.BPF_JMP32 | isa.BPF_JNE | isa.BPF_K, 0, 0, 0, last)];
}
