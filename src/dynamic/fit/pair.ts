/** Which program of a component replaces which function of a rootlet: the input of all rules of fitting. */

import { bugError, failed, ok, type Result } from '../../diag/index.ts';
import { namedProgram, slotMissing, slotProblem, slotsOf } from '../../link/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  programsOf,
  programTypeOf,
  type SectionInfo,
  type SymbolIndex,
  sectionNameOf,
  withEntryTypes,
} from '../../object/index.ts';
import type { SlotFill } from '../generation/index.ts';
import { type CalledSlot, withSlotPrototype } from './entry-prototype.ts';

/** A component, and what it fills. */
export interface Part {
  readonly object: BpfObject;
  readonly fills: readonly SlotFill[];
}

/** A rootlet and its program that is on the hook. */
export interface Host {
  readonly rootlet: BpfObject;
  readonly main: FunctionSymbol;
}

export interface Pair {
  readonly host: Host;
  readonly fill: SlotFill;
  readonly component: BpfObject;
  readonly program: FunctionSymbol;
  readonly programIndex: SymbolIndex;
  /** A slot, or the rootlet's program itself. */
  readonly slot: FunctionSymbol;
  readonly slotIndex: SymbolIndex;
}

/** The pair of one fill, or what is wrong with its names. */
export function pairOf(host: Host, component: BpfObject, fill: SlotFill): Result<Pair> {
  const { rootlet, main } = host;
  const slotIndex = placesOf(host).get(fill.slot);
  const slot = slotIndex === undefined ? undefined : rootlet.symbols[slotIndex];
  if (slotIndex === undefined || slot?.kind !== 'function')
    return failed(slotMissing(rootlet, fill.slot, main.name));
  const chosen = namedProgram(component, fill.program);
  if (!chosen.ok) return chosen;
  const { index } = chosen.value;
  const described = describedFor(host, slot, component, index);
  const program = described.symbols[index];
  if (program?.kind !== 'function') throw bugError([component.name], 'a program that is not a function');
  return ok({ host, fill, component: described, program, programIndex: index, slot, slotIndex });
}

/**
 * The component with the slot's prototype for its program, where that is another spelling; with a type for it, if it
 * has none and what programs have fits the slot.
 */
function describedFor(
  { rootlet, main }: Host,
  slot: FunctionSymbol,
  component: BpfObject,
  index: SymbolIndex,
): BpfObject {
  const described = withEntryTypes(component, program => program === index);
  const program = described.symbols[index];
  if (program?.kind !== 'function') return component;
  if (described !== component && slotProblem(rootlet, slot, described, program) !== null) return component;
  if (slot === main) return described; // the kernel calls it: every spelling is one of an entry point
  const progType = typeOfProgram(rootlet, main)?.progType;
  return withSlotPrototype({ rootlet, slot, progType }, described, index);
}

/** The component as its pairs have it: with types for programs that have none, and prototypes of slots. */
export function describedPart<T extends Part>(host: Host, part: T): T {
  const object = part.fills.reduce((described, fill) => {
    const pair = pairOf(host, described, fill);
    return pair.ok ? pair.value.component : described;
  }, part.object);
  return { ...part, object };
}

/** What can be filled, by name. */
function placesOf({ rootlet, main }: Host): Map<string, SymbolIndex> {
  const places = new Map(slotsOf(rootlet).map(({ name, index }) => [name, index]));
  return places.set(main.name, rootlet.symbols.indexOf(main));
}

/** Whether the program replaces the rootlet's own. */
export function isInstead({ host, slot }: Pair): boolean {
  return slot === host.main;
}

export function programNamed(object: BpfObject, name: string): FunctionSymbol | undefined {
  return programsOf(object).find(({ program }) => program.name === name)?.program;
}

/** The slot, as the rootlet's program calls it. */
export function calledSlot({ host: { rootlet, main }, slot }: Pair): CalledSlot {
  return { rootlet, slot, progType: typeOfProgram(rootlet, main)?.progType };
}

/** Undefined when the section does not specify it. */
export function typeOfProgram(object: BpfObject, program: FunctionSymbol): SectionInfo | undefined {
  return programTypeOf(sectionNameOf(object, program));
}
