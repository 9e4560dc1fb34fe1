/**
 * The watched form of a generated chain: the chain as it is, and a second copy of it that counts. Which of them a
 * packet takes is one load and one branch, so that a chain that is not watched costs no more.
 */

import { bugError, quote } from '../../diag/index.ts';
import { BPF_JNE, callSymbol, EXIT, jump, jumpIf32, label, type Step } from '../../isa/index.ts';
import { programTypeOf, type SymbolIndex } from '../../object/index.ts';
import {
  BEGIN_WATCHED,
  branchOnSwitch,
  canWatch,
  decidedBy,
  LOAD_VERDICT,
  NO_MEMBER,
  traceSteps,
  unlessTraced,
  verdictIs,
  type WatchedType,
  watchedCall,
  watchedType,
} from '../watch/index.ts';
import { goesTo, goOn, slotSymbol } from './chain-code.ts';
import type { ChainOptions, ChainWatch } from './chain-options.ts';
import { knownVerdicts } from './chain-types.ts';

/** How chains of a section are watched. */
export function watchedTypeOf(section: string): WatchedType {
  const type = programTypeOf(section);
  if (type === undefined || !canWatch(type.progType))
    throw bugError([], `chains of section ${quote(section)} cannot be watched`);
  return watchedType(type);
}

/** Symbols after the slots: the switch, counters of each slot, the array for traced packets. */
function watchSymbol(options: ChainOptions, at: number): SymbolIndex {
  return slotSymbol(options.slots.length) + at;
}

/** `plain`: the code of the chain that does not count. */
export function chainWatchSteps(
  options: ChainOptions,
  { trace }: ChainWatch,
  plain: readonly Step[],
): Step[] {
  if (options.conjunction !== undefined || options.slots.length === 0)
    throw bugError([], 'a chain without slots, or one that runs all of them, cannot be watched');
  const type = watchedTypeOf(options.section);
  const counts = (position: number): SymbolIndex => watchSymbol(options, 1 + position);
  const end = { type, counts: counts(0), trace: watchSymbol(options, 1 + options.slots.length) };
  return [
    ...branchOnSwitch(watchSymbol(options, 0), WATCHED),
    ...plain,
    label(WATCHED),
    ...BEGIN_WATCHED,
    ...watchedSlots(options, type, counts),
    label(DECIDED),
    ...(trace ? [...unlessTraced(DONE), ...traceSteps(end, DONE)] : []),
    label(DONE),
    LOAD_VERDICT,
    EXIT,
  ];
}

const [WATCHED, STOPPED, DECIDED, DONE] = ['watched', 'stopped', 'decided', 'done'];

/** Each slot, counted; then, for each of them, that it decided. */
function watchedSlots(
  { slots, section, final, stopAs }: ChainOptions,
  type: WatchedType,
  counts: (position: number) => SymbolIndex,
): Step[] {
  const known = knownVerdicts(section);
  const calls = slots.flatMap(({ continueOn }, position): Step[] => {
    const name = `watched ${position}`;
    const isLast = position === slots.length - 1;
    const then = isLast && typeof final !== 'number' ? [] : goOn(continueOn, known, decided(position), name);
    const call = callSymbol(slotSymbol(position));
    return [...watchedCall({ type, call, counts: counts(position), name }), ...then];
  });
  const fixed = typeof final === 'number' ? [verdictIs(final)] : [];
  const last = decidedBy(typeof final === 'number' ? NO_MEMBER : slots.length - 1);
  const leaves = slots.flatMap((_, position) => {
    const name = decided(position);
    return calls.some(step => goesTo(step, name)) ? [label(name), decidedBy(position), jump(STOPPED)] : [];
  });
  if (leaves.length === 0) return [...calls, ...fixed, last];
  return [...calls, ...fixed, last, jump(DECIDED), ...leaves, label(STOPPED), ...replaced(stopAs)];
}

/** The verdict is in r0. */
function replaced(stopAs: ChainOptions['stopAs']): Step[] {
  if (stopAs === undefined) return [];
  return [jumpIf32(BPF_JNE, 0, stopAs.verdict, DECIDED), verdictIs(stopAs.returned)];
}

function decided(position: number): string {
  return `decided ${position}`;
}
