/**
 * Files of a design as objects that can be plugged together without disturbing each other's state.
 *
 * A component keeps what its programs need, its data sections always whole and under names of their own:
 * their layout then depends on nothing but the file. The rootlet is kept as it is, with what only its
 * defaults need.
 */

import { elementAt, given, valueAt } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { defaultRoots, droppedTailCalls, labelsFor, pruneObject, type Remedy } from '../../link/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type InputObject,
  isNeededAnyway,
  programsOf,
  type SymbolIndex,
} from '../../object/index.ts';
import type { PlannedState } from '../../state/index.ts';
import { componentOf, type Design, type SlotFill } from '../generation/index.ts';
import { becomesMap, liveWithSections, withOwnNames } from '../providers/index.ts';

/** A component of a design, or the rootlet, ready to be linked. */
export interface Prepared {
  /** Name of the component; null for the rootlet. */
  readonly owner: string | null;
  readonly version?: number;
  readonly file: InputObject;
  readonly object: BpfObject;
  /** Name of a data section in `object` → its name in the file. */
  readonly sections: ReadonlyMap<string, string>;
}

export interface PreparedComponent extends Prepared {
  readonly owner: string;
  /** `componentOf` of its fills. */
  readonly part: string;
  readonly fills: readonly SlotFill[];
}

/** Made by the loader for values of the kernel's configuration. */
export const KCONFIG = '.kconfig';

/** Data sections as state, under the names that they have in `object`. */
export function sectionStates(prepared: Prepared): PlannedState[] {
  return [...prepared.sections].map(([map, name]) => stateOf(prepared, map, name));
}

/** Maps and data sections of what is loaded by itself, where maps keep their names. */
export function statesOf(prepared: Prepared): PlannedState[] {
  const maps = prepared.object.symbols.flatMap(({ kind, name }): PlannedState[] =>
    kind === 'map' ? [stateOf(prepared, name, name)] : [],
  );
  return [...maps, ...sectionStates(prepared), stateOf(prepared, KCONFIG, KCONFIG)];
}

/** `map`: name in the plan of the load; `name`: in the owner's file. */
export function stateOf({ owner, version }: Prepared, map: string, name: string): PlannedState {
  return { map, owner, name, ...given({ version }) };
}

export function prepareRootlet(object: BpfObject, file: InputObject): Prepared {
  return { owner: null, file, object, sections: new Map(dataSections(object).map(name => [name, name])) };
}

/** Each component of a design once, in the order of the slots. Throws what is wrong with the files. */
export function prepareComponents(design: Design, rootlet: BpfObject): PreparedComponent[] {
  const groups = new Map<string, SlotFill[]>();
  for (const fill of design.fills) {
    const owner = componentOf(fill);
    const known = groups.get(owner);
    if (known === undefined) groups.set(owner, [fill]);
    else known.push(fill);
  }
  const parts = [...groups.keys()];
  const labels = labelsFor(parts);
  const taken = new Set(dataSections(rootlet));
  return parts.map((part, at) =>
    prepareComponent(part, valueAt(groups, part), freeLabel(elementAt(labels, at), taken)),
  );
}

/** Rootlets with sections such as `.bss.first` are rare, but not forbidden. */
function freeLabel(label: string, taken: ReadonlySet<string>): string {
  let free = label;
  while ([...taken].some(name => name.endsWith(`.${free}`))) free = `${free}_`;
  return free;
}

function prepareComponent(part: string, fills: readonly SlotFill[], label: string): PreparedComponent {
  const [first] = fills;
  if (first === undefined) throw bugError([part], 'a component without slots');
  const { component, version, file } = first;
  const whole = file.object;
  const object = withOwnSections(
    pruneObject(whole, liveOf(whole, fills), { pruneTypes: true }).object,
    label,
  );
  return { owner: component, ...given({ version }), part, file, fills, ...object };
}

/**
 * Programs of the components of these slots that are not loaded, although code in the slots may tail-call them.
 */
export function droppedInSlots(fills: readonly SlotFill[]): string[] {
  const files = new Set(fills.map(({ file }) => file));
  return [...files].flatMap(({ object }) => {
    const live = liveOf(
      object,
      fills.filter(({ file }) => file.object === object),
    );
    return droppedTailCalls(object, at => live[at] === true, STATIC_VALUES);
  });
}

/** Slots keep programs that contents of a program array name. */
const STATIC_VALUES: Remedy = names =>
  `keep with static values in the array (.values = { ${names.map((name, at) => `[${at}] = &${name}`).join(', ')} })`;

/** Sections of variables that become maps. */
export function dataSections(object: BpfObject): string[] {
  return object.sections.filter(becomesMap).map(({ name }) => name);
}

function withOwnSections(object: BpfObject, label: string): Pick<Prepared, 'object' | 'sections'> {
  const { sections, names } = withOwnNames(object.sections, label);
  return { object: { ...object, sections, symbols: object.symbols.map(asStatic) }, sections: names };
}

/**
 * Static variables are not renamed when a neighbour has one of the same name, so they are found again by
 * name.
 */
function asStatic(symbol: BpfSymbol): BpfSymbol {
  return symbol.kind === 'variable' && symbol.common !== true ? { ...symbol, binding: 'local' } : symbol;
}

/**
 * What the programs need, and all of every data section that they touch. A program that is not there keeps
 * them all.
 */
function liveOf(object: BpfObject, fills: readonly SlotFill[]): readonly boolean[] {
  const programs = programsOf(object);
  const named = fills.map(({ program }) => programs.find(entry => entry.program.name === program));
  const roots: SymbolIndex[] = named.some(entry => entry === undefined)
    ? [...defaultRoots(object)]
    : named.flatMap(entry => (entry === undefined ? [] : [entry.index]));
  object.symbols.forEach((_, index) => {
    if (isNeededAnyway(object, index)) roots.push(index);
  });
  return liveWithSections(object, roots);
}
