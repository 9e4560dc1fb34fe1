/**
 * Which program goes into which slot: names, slots and programs. Whether they fit is checked before anything
 * is moved.
 */

import { given } from '../../bytes/index.ts';
import {
  available,
  bugError,
  didYouMean,
  failed,
  nearestNames,
  ok,
  type Problem,
  type ProblemCode,
  type ProblemExtras,
  problem,
  quote,
  type Result,
  suggestion,
} from '../../diag/index.ts';
import {
  type BpfObject,
  isTextSection,
  programsOf,
  type SymbolIndex,
  sectionNameOf,
  staticChoice,
} from '../../object/index.ts';
import type { LinkInput } from '../inputs/index.ts';
import type { SymbolAt } from '../resolve/index.ts';
import { slotProblem } from './slot-fit.ts';

/** One slot and what fills it. */
export interface SlotAssignment {
  /** Name of a function of the rootlet. */
  readonly slot: string;
  readonly component: LinkInput;
  /** Program of the component; may be left out when it has only one. */
  readonly program?: string;
  /**
   * Components of one name are one and share their state in all slots that they fill; those with another
   * `instance` are separate copies, with their own functions, maps and globals.
   */
  readonly instance?: string;
}

/** Identity of a component in a re-link. */
export function componentKey(assignment: SlotAssignment): string {
  return `${assignment.component.name}\0${assignment.instance ?? ''}`;
}

/** How messages and reports name a component. */
export function componentId({ component, instance }: SlotAssignment): string {
  return instance === undefined ? component.name : `${component.name}#${instance}`;
}

/** A component that takes the next free slot. */
export type OrderedComponent = Omit<SlotAssignment, 'slot'>;

/** Fills the free slots of a rootlet, in order; a problem if there are too few. */
export function assignInOrder(
  rootlet: BpfObject,
  components: readonly OrderedComponent[],
  taken: ReadonlySet<string> = new Set(),
): Result<readonly SlotAssignment[]> {
  const all = slotsOf(rootlet).map(({ name }) => name);
  const free = freeSlots(all, taken);
  const assigned = inOrder(free, components);
  if (assigned === undefined)
    return failed(tooManyComponents(rootlet.name, free.length, all.length, components.length));
  return ok(
    assigned.map(({ slot, component, program, instance }) => ({
      slot,
      component,
      ...given({ program, instance }),
    })),
  );
}

/** The problem of an order with more components than free slots. */
export function tooManyComponents(rootlet: string, free: number, all: number, components: number): Problem {
  const slots = `${free} ${free === all ? '' : 'free '}slot${free === 1 ? '' : 's'}`;
  return problem('relink-too-many', [rootlet], `has ${slots} for ${components} components`, {
    hint: 'relink --chain generates a rootlet with as many slots as there are components',
  });
}

/**
 * The problem of a slot that one request names twice. `how`: `filled` or `changed`; `fills`: the components,
 * as text.
 */
export function slotTwice(
  rootlet: string,
  slot: string,
  how: 'filled' | 'changed',
  fills: readonly string[] = [],
): Problem {
  return problem('relink-slot-twice', [rootlet], `slot ${quote(slot)} is ${how} twice`, {
    subject: slot,
    ...(fills.length === 0
      ? {}
      : { details: fills, hint: 'relink --chain generates a rootlet with a slot for each component' }),
  });
}

/** Slots that nothing fills by name, in their order. */
export function freeSlots(slots: readonly string[], taken: ReadonlySet<string>): readonly string[] {
  return slots.filter(slot => !taken.has(slot));
}

/** One slot for each component, in order; undefined when there are too few. */
export function inOrder<T extends object>(
  slots: readonly string[],
  components: readonly T[],
): readonly (T & { readonly slot: string })[] | undefined {
  if (components.length > slots.length) return undefined;
  return slots.flatMap((slot, position) => {
    const component = components[position];
    return component === undefined ? [] : [{ ...component, slot }];
  });
}

/** Functions of a rootlet that can be replaced: global ones that are not programs, in symbol order. */
export function slotsOf(rootlet: BpfObject): { readonly name: string; readonly index: SymbolIndex }[] {
  return rootlet.symbols.flatMap((symbol, index) => {
    const callable = symbol.kind === 'function' && symbol.binding !== 'local';
    return callable && isTextSection(sectionNameOf(rootlet, symbol)) ? [{ name: symbol.name, index }] : [];
  });
}

/** A slot of the rootlet (file 0) and the program that takes its place. */
export interface Plug {
  readonly assignment: SlotAssignment;
  readonly slot: SymbolAt;
  readonly program: SymbolAt;
}

export interface Plugged {
  readonly plugs: readonly Plug[];
  readonly problems: readonly Problem[];
}

/**
 * `files[0]` is the rootlet, `files[i + 1]` the object of `components[i]`. `entries`: as in `slotProblem()`.
 */
export function plugComponents(
  files: readonly BpfObject[],
  assignments: readonly SlotAssignment[],
  components: readonly SlotAssignment[],
  entries = false,
): Plugged {
  const keys = components.map(componentKey);
  const plugs: Plug[] = [];
  const problems: Problem[] = [];
  const filled = new Map<string, readonly SlotAssignment[]>();
  for (const assignment of assignments) {
    const file = keys.indexOf(componentKey(assignment)) + 1;
    const outcome = plug(files, assignment, file, filled, entries);
    if (outcome.ok) plugs.push(outcome.value);
    else problems.push(outcome.problem);
    filled.set(assignment.slot, [...(filled.get(assignment.slot) ?? []), assignment]);
  }
  return { plugs, problems };
}

function plug(
  files: readonly BpfObject[],
  assignment: SlotAssignment,
  file: number,
  filled: ReadonlyMap<string, readonly SlotAssignment[]>,
  entries: boolean,
): Result<Plug> {
  const [rootlet, component] = [files[0], files[file]];
  if (rootlet === undefined || component === undefined)
    throw bugError([assignment.component.name], 'a component that was not read');
  if (filled.has(assignment.slot))
    return failed(
      slotTwice(
        rootlet.name,
        assignment.slot,
        'filled',
        [...(filled.get(assignment.slot) ?? []), assignment].map(spellAssignment),
      ),
    );
  const slot = slotsOf(rootlet).find(candidate => candidate.name === assignment.slot);
  if (slot === undefined) return failed(slotMissing(rootlet, assignment.slot));
  const program = namedProgram(component, assignment.program);
  if (!program.ok) return program;
  const found: Plug = {
    assignment,
    slot: { file: 0, index: slot.index },
    program: { file, index: program.value.index },
  };
  const own = rootlet.symbols[slot.index];
  if (own?.kind !== 'function') return ok(found);
  const misfit = slotProblem(rootlet, own, component, program.value.program, entries);
  return misfit === null ? ok(found) : failed(misfit);
}

/** As on the command line. */
function spellAssignment({ slot, component, program }: SlotAssignment): string {
  return `${slot}=${component.name}${program === undefined ? '' : `:${program}`}`;
}

/**
 * The problem of a name that is not a slot of the rootlet. `main`: its program, where that can be filled as
 * well.
 */
export function slotMissing(rootlet: BpfObject, name: string, main?: string): Problem {
  const program = programsOf(rootlet).find(entry => entry.program.name === name);
  const why = program === undefined ? 'has no such slot' : 'is a program of the rootlet, not a slot';
  const slots = slotsOf(rootlet).map(slot => slot.name);
  if (main !== undefined) slots.push(main);
  return unknownSlot(rootlet.name, name, slots, { why, hint: slotHint(rootlet, name, slots) });
}

/** The same where only the names of the slots are known. */
export function unknownSlot(
  rootlet: string,
  name: string,
  slots: readonly string[],
  { why = 'has no such slot', hint }: { readonly why?: string; readonly hint?: string } = {},
): Problem {
  return problem('relink-no-slot', [rootlet], `${why}: ${quote(name)}; ${available('there are', slots)}`, {
    subject: name,
    ...(hint === undefined ? didYouMean(name, slots) : { hint }),
  });
}

function slotHint(rootlet: BpfObject, name: string, slots: readonly string[]): string {
  const isStatic = rootlet.symbols.some(
    symbol => symbol.kind === 'function' && symbol.binding === 'local' && symbol.name === name,
  );
  if (isStatic)
    return `${quote(name)} is static; a slot is a global function: write __weak __attribute__((noinline)) instead of static`;
  return (
    suggestion(nearestNames(name, slots)) ??
    'a slot is a global (usually __weak, noinline) function that the rootlet calls'
  );
}

/** The program that is named, or the only one. The hint has the form that slots, chains and loads take. */
export function namedProgram(
  object: BpfObject,
  name: string | undefined,
): Result<ReturnType<typeof programsOf>[number]> {
  const isStatic = staticChoice(object, name);
  if (isStatic !== undefined) return failed(isStatic);
  const programs = programsOf(object);
  const there = available(
    'there are',
    programs.map(({ program }) => program.name),
  );
  const refusal = (...[code, message, extras]: RefusedProgram) =>
    failed(problem(code, [object.name], message, extras));
  if (name !== undefined) {
    const found = programs.find(({ program }) => program.name === name);
    return found === undefined
      ? refusal('relink-no-program', `has no program ${quote(name)}; ${there}`)
      : ok(found);
  }
  const [only, ...others] = programs;
  if (only === undefined)
    return refusal('relink-no-program', 'has no program', {
      hint: 'a program is a global function with SEC("xdp") or the like',
    });
  if (others.length === 0) return ok(only);
  return refusal('relink-which-program', `has several programs; ${there}`, {
    hint: `specify which one: ${object.name}:${likelyProgram(object) ?? ''}`,
  });
}

type RefusedProgram = [code: ProblemCode, message: string, extras?: ProblemExtras];

/** The first program that no array of the object holds as a stage of another one, for hints. */
function likelyProgram(object: BpfObject): string | undefined {
  const stages = new Set(
    object.symbols.flatMap(symbol => (symbol.kind === 'map' ? symbol.references.map(one => one.symbol) : [])),
  );
  const programs = programsOf(object);
  return (programs.find(({ index }) => !stages.has(index)) ?? programs[0])?.program.name;
}
