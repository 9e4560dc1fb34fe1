/**
 * The built-in rootlet: a program with exactly as many slots as there are components.
 *
 * The slots are called in order; if its verdict is in the slot's continue-mask, the next slot is called, else
 * it is the verdict of the chain. After the last slot the chain returns a fixed verdict or the last one.
 * There are no unused slots and no limit but the kernel's. The result is an object like that of a compiler,
 * to be re-linked.
 */

import { BtfBuilder, type BtfId, INT } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_PROGBITS } from '../../elf/index.ts';
import {
  assemble,
  BPF_JEQ,
  BPF_JNE,
  callSymbol,
  copy,
  EXIT,
  encodeInsns,
  jump,
  jumpIf32,
  label,
  move,
  type Step,
} from '../../isa/index.ts';
import type { BpfObject, BpfSymbol, CodeReference, SectionShell, Verdict } from '../../object/index.ts';
import { checksVerdicts, contextOf } from './chain-types.ts';

export interface ChainSlot {
  /** Verdicts that continue with the next slot. */
  readonly continueOn: readonly Verdict[];
}

export interface ChainOptions {
  readonly slots: readonly ChainSlot[];
  /** Section of the program, which specifies its type: `xdp`, `tc`, … */
  readonly section: string;
  readonly byteOrder: ByteOrder;
  /** Name of the program. Default `chain`. */
  readonly program?: string;
  /**
   * Verdict of the chain if its last slot continues: a verdict, or `last` for that of the slot. Default
   * `last`.
   */
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
  // a hidden function is verified where it is called, so its verdicts are known there
  const slotBase = checksVerdicts(options.section) ? ({ ...base, visibility: 'hidden' } as const) : base;
  const sections: SectionShell[] = [
    {
      name: options.section,
      type: SHT_PROGBITS,
      flags: SHF_ALLOC | SHF_EXECINSTR,
      align: 8,
      entsize: 0,
      role: 'code',
    },
    { name: 'license', type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_WRITE, align: 1, entsize: 0, role: 'data' },
    {
      name: '.text',
      type: SHT_PROGBITS,
      flags: SHF_ALLOC | SHF_EXECINSTR,
      align: 8,
      entsize: 0,
      role: 'code',
    },
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
  const code = encodeInsns([move(0, 0), EXIT], order);
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

/**
 * The context struct is only declared; linked with a component, it becomes that component's full definition.
 */
function chainTypes(options: ChainOptions, program: string): ChainTypes {
  const btf = new BtfBuilder();
  const int = btf.add(INT);
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

const CONTEXT_REGISTER = 6;

/**
 * `r6 = ctx; for each slot: r1 = r6; r0 = slot(r1); if w0 is in the mask continue, else return it`. The
 * context is kept in r6 only when a second slot needs it. The usual case, one verdict that continues, falls
 * through: one comparison a slot and one exit for all, as compilers write it.
 */
function chainCode(options: ChainOptions): {
  readonly code: Uint8Array;
  readonly references: readonly CodeReference[];
} {
  const { slots, final } = options;
  const steps: Step[] = slots.length > 1 ? [copy(CONTEXT_REGISTER, 1)] : [];
  slots.forEach((slot, position) => {
    if (position > 0) steps.push(copy(1, CONTEXT_REGISTER));
    // symbols are: the program, its license, then the slots
    steps.push(callSymbol(position + 2));
    const last = position === slots.length - 1;
    if (!last || typeof final === 'number') steps.push(...goOn(slot.continueOn, position));
  });
  if (typeof final === 'number') steps.push(move(0, final));
  const { insns, references } = assemble([...steps, label(LEAVE), EXIT]);
  return { code: encodeInsns(insns, options.byteOrder), references };
}

/** Where the chain ends with the verdict in r0. */
const LEAVE = 'leave';

/** Continues after it for the given verdicts, and leaves the chain for others, if there are any. */
function goOn(verdicts: readonly Verdict[], position: number): Step[] {
  if (verdicts.includes('not 0')) return verdicts.includes(0) ? [] : [jumpIf32(BPF_JEQ, 0, 0, LEAVE)];
  const distinct = [...new Set(verdicts)].filter(verdict => verdict !== 'not 0');
  const last = distinct.pop();
  if (last === undefined) return [jump(LEAVE)];
  const next = `after ${position}`;
  return [
    ...distinct.map(verdict => jumpIf32(BPF_JEQ, 0, verdict, next)),
    jumpIf32(BPF_JNE, 0, last, LEAVE),
    label(next),
  ];
}
