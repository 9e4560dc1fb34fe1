/**
 * The built-in rootlet: a program with exactly as many slots as there are components.
 *
 * The slots are called in order; if its verdict is in the slot's continue-mask, the next slot is called, else
 * it is the verdict of the chain. After the last slot the chain returns a fixed verdict or the last one. On
 * hooks that run all programs whatever they return, so does the chain.
 * There are no unused slots and no limit but the kernel's. The result is an object like that of a compiler,
 * to be re-linked.
 */

import { BtfBuilder, type BtfId, INT } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { counted } from '../../diag/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS } from '../../elf/index.ts';
import {
  assemble,
  BPF_ALU64,
  BPF_AND,
  BPF_JEQ,
  BPF_JNE,
  BPF_JSGE,
  BPF_K,
  BPF_OR,
  BPF_X,
  callSymbol,
  copy,
  EXIT,
  encodeInsns,
  insn,
  jumpIf32,
  label,
  move,
  type Step,
} from '../../isa/index.ts';
import type { BpfObject, BpfSymbol, CodeReference, SectionShell, Verdict } from '../../object/index.ts';
import { withLicense } from '../passes/index.ts';
import { checksVerdicts, contextOf, knownVerdicts } from './chain-types.ts';

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
  /** What the chain returns in place of a verdict that ends it; for hooks where that verdict continues. */
  readonly stopAs?: { readonly verdict: number; readonly returned: number };
  /**
   * All slots run whatever they return, and bit 0 of the result is the conjunction of theirs, as on hooks of
   * cgroups; with `flag`, bit 1 is set if one of them sets it. `continueOn` and `final` have no effect then.
   */
  readonly conjunction?: { readonly flag: boolean };
  /** Text of the `license` section. Default: none, so that linked with its components it has theirs. */
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
    {
      name: '.text',
      type: SHT_PROGBITS,
      flags: SHF_ALLOC | SHF_EXECINSTR,
      align: 8,
      entsize: 0,
      role: 'code',
    },
  ];
  const text = `chain of ${counted(options.slots.length, 'program')}`;
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
    ...types.slots.map(
      (btfId, position): BpfSymbol => slotStub(options.byteOrder, position, btfId, slotBase),
    ),
  ];
  const chain = {
    name: '<chain>',
    byteOrder: options.byteOrder,
    flags: 0,
    sections,
    symbols,
    btf: types.btf,
  };
  return withLicense(chain, options.license ?? null);
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
    section: 1,
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
  return { btf: btf.build(), program: programId, slots };
}

// --- code ---------------------------------------------------------------------------------------------------------

/** What the code of a chain keeps: its context, and with `conjunction` the result so far. */
const [CONTEXT, RESULT, FLAG] = [6, 7, 8];

function chainCode(options: ChainOptions): {
  readonly code: Uint8Array;
  readonly references: readonly CodeReference[];
} {
  const steps = options.conjunction === undefined ? chosenSteps(options) : allSteps(options);
  const { insns, references } = assemble(steps);
  return { code: encodeInsns(insns, options.byteOrder), references };
}

/** Calls a slot. The context is kept only when a second slot needs it. */
function callSlot(position: number, count: number): Step[] {
  const context = position > 0 ? [copy(1, CONTEXT)] : count > 1 ? [copy(CONTEXT, 1)] : [];
  // symbols are: the program, then the slots
  return [...context, callSymbol(position + 1)];
}

/**
 * For each slot: `r0 = slot(ctx); if w0 is in the mask continue, else return it`. The usual case, one verdict
 * that continues, falls through: one comparison a slot and one exit for all, as compilers write it.
 */
function chosenSteps({ slots, section, final, stopAs }: ChainOptions): Step[] {
  const known = knownVerdicts(section);
  const steps = slots.flatMap(({ continueOn }, position): Step[] => {
    const isLast = position === slots.length - 1;
    const then = isLast && typeof final !== 'number' ? [] : goOn(continueOn, position, known);
    return [...callSlot(position, slots.length), ...then];
  });
  const ending = typeof final === 'number' ? [move(0, final)] : [];
  if (stopAs === undefined) return [...steps, ...ending, label(LEAVE), EXIT];
  return [...steps, ...ending, EXIT, label(LEAVE), ...replacing(stopAs), EXIT];
}

function replacing({ verdict, returned }: NonNullable<ChainOptions['stopAs']>): Step[] {
  return [jumpIf32(BPF_JNE, 0, verdict, OTHERS), move(0, returned), label(OTHERS)];
}

const OTHERS = 'others';

/** Where the chain ends with the verdict in r0. */
const LEAVE = 'leave';

/** Every verdict is at least this: the kernel refuses code that no path leads to, and removes what never runs. */
const LEAST = -0x80000000;

/** Continues after it for the given verdicts, and leaves the chain for others, if there are any. */
function goOn(verdicts: readonly Verdict[], position: number, known: readonly number[]): Step[] {
  const numbers = [...new Set(verdicts)].filter(verdict => typeof verdict === 'number');
  const final = verdicts.includes('not 0') ? [0] : verdicts.includes('other') ? known : undefined;
  if (final !== undefined)
    return final.filter(value => !numbers.includes(value)).map(value => jumpIf32(BPF_JEQ, 0, value, LEAVE));
  const last = numbers.pop();
  if (last === undefined) return [jumpIf32(BPF_JSGE, 0, LEAST, LEAVE)];
  const next = `after ${position}`;
  return [
    ...numbers.map(verdict => jumpIf32(BPF_JEQ, 0, verdict, next)),
    jumpIf32(BPF_JNE, 0, last, LEAVE),
    label(next),
  ];
}

/** Every slot runs: `r7 = slot(ctx); r7 &= slot(ctx); …; return r7`. */
function allSteps({ slots, conjunction }: ChainOptions): Step[] {
  const flag = conjunction?.flag === true;
  const steps = slots.flatMap((_, position): Step[] => {
    const join = position === 0 ? [copy(RESULT, 0)] : flag ? JOIN_WITH_FLAG : [combine(BPF_AND, RESULT, 0)];
    return [...callSlot(position, slots.length), ...(slots.length > 1 ? join : [])];
  });
  return [...steps, ...(slots.length > 1 ? [copy(0, RESULT)] : []), EXIT];
}

/** `dst OP= src`, 64 bits. */
function combine(operation: number, dst: number, src: number): Step {
  return insn(BPF_ALU64 | operation | BPF_X, dst, src);
}

/** Bit 0 of the result is the conjunction, bit 1 the disjunction. */
const JOIN_WITH_FLAG: readonly Step[] = [
  copy(FLAG, RESULT),
  combine(BPF_OR, FLAG, 0),
  insn(BPF_ALU64 | BPF_AND | BPF_K, FLAG, 0, 0, 2),
  combine(BPF_AND, RESULT, 0),
  insn(BPF_ALU64 | BPF_AND | BPF_K, RESULT, 0, 0, 1),
  combine(BPF_OR, RESULT, FLAG),
];
