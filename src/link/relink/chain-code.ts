/** The instructions of a generated chain. */

import {
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
  insn,
  jumpIf32,
  label,
  move,
  type Step,
} from '../../isa/index.ts';
import type { SymbolIndex, Verdict } from '../../object/index.ts';
import type { ChainOptions } from './chain-options.ts';
import { knownVerdicts } from './chain-types.ts';

/** What the code of a chain keeps: its context, and with `conjunction` the result so far. */
const [CONTEXT, RESULT, FLAG] = [6, 7, 8];

/** The whole code of a chain that is not watched. */
export function chainSteps(options: ChainOptions): Step[] {
  return options.conjunction === undefined ? chosenSteps(options) : allSteps(options);
}

/** The function of the slot at `position` among the symbols: the program is first, then come the slots. */
export function slotSymbol(position: number): SymbolIndex {
  return position + 1;
}

/** Calls a slot. The context is kept only when a second slot needs it. */
function callSlot(position: number, count: number): Step[] {
  const context = position > 0 ? [copy(1, CONTEXT)] : count > 1 ? [copy(CONTEXT, 1)] : [];
  return [...context, callSymbol(slotSymbol(position))];
}

/**
 * For each slot: `r0 = slot(ctx); if w0 is in the mask continue, else return it`. The usual case, one verdict
 * that continues, falls through: one comparison a slot and one exit for all, as compilers write it.
 */
function chosenSteps({ slots, section, final, stopAs }: ChainOptions): Step[] {
  const known = knownVerdicts(section);
  const steps = slots.flatMap(({ continueOn }, position): Step[] => {
    const isLast = position === slots.length - 1;
    const then = isLast && typeof final !== 'number' ? [] : goOn(continueOn, known, LEAVE, `${position}`);
    return [...callSlot(position, slots.length), ...then];
  });
  const ending = typeof final === 'number' ? [move(0, final)] : [];
  if (stopAs === undefined || !steps.some(step => goesTo(step, LEAVE)))
    return [...steps, ...ending, label(LEAVE), EXIT];
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

/** Whether a step is a jump to the label. */
export function goesTo(step: Step, name: string): boolean {
  return 'kind' in step && step.kind === 'jump' && step.to === name;
}

/**
 * Continues after it for the given verdicts, and goes to `leave` for others, if there are any. `name` makes
 * labels unique.
 */
export function goOn(
  verdicts: readonly Verdict[],
  known: readonly number[],
  leave: string,
  name: string,
): Step[] {
  const numbers = [...new Set(verdicts)].filter(verdict => typeof verdict === 'number');
  const final = verdicts.includes('not 0') ? [0] : verdicts.includes('other') ? known : undefined;
  if (final !== undefined)
    return final.filter(value => !numbers.includes(value)).map(value => jumpIf32(BPF_JEQ, 0, value, leave));
  const last = numbers.pop();
  if (last === undefined) return [jumpIf32(BPF_JSGE, 0, LEAST, leave)];
  const next = `after ${name}`;
  return [
    ...numbers.map(verdict => jumpIf32(BPF_JEQ, 0, verdict, next)),
    jumpIf32(BPF_JNE, 0, last, leave),
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
