/**
 * Components as programs of their own, for the back ends that do not link: each is loaded once, whatever number of slots
 * it fills, and stays loaded as long as it is part of the rootlet.
 */

import { compareTypes, formatFunc } from '../btf/index.ts';
import { inputError, quote, RootletError } from '../diag/index.ts';
import type { BpfProgram } from '../kernel/program.ts';
import { plugComponents } from '../link/index.ts';
import type { AttachTarget } from '../load/execute-programs.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type FunctionSymbol,
  type ProgramTypeInfo,
  programsOf,
  programTypeOf,
} from '../object/index.ts';
import { variableNames } from '../state/index.ts';
import { type BuildContext, isUnchanged, type PlannedPart, planPart, unchangedFill } from './relink-build.ts';
import { componentOf, type Design, type SlotFill } from './relink-design.ts';
import type { RelinkVia } from './relink-generation.ts';
import type { PreparedComponent } from './relink-prepare.ts';
import { statesOf } from './relink-prepare.ts';
import { chooseMain } from './relink-program.ts';
import { mainType } from './relink-tail.ts';

export interface PlannedComponents {
  readonly parts: readonly PlannedPart[];
  /** Programs of the running generation that go over, by their name in the next one. */
  readonly taken: ReadonlyMap<string, BpfProgram>;
}

/** Name in a generation of the program that fills a slot. */
export function programKey(component: PreparedComponent, fill: SlotFill): string {
  return `${component.part}:${chooseMain(component.object, fill.program)}`;
}

export interface ComponentKind {
  readonly via: RelinkVia;
  /** Type of programs that fill slots. */
  readonly type: ProgramTypeInfo;
  /** The rootlet and its program, whose type programs get whose section does not say one. */
  readonly rootlet: BpfObject;
  /** What the program of a fill replaces when it is loaded; undefined for tail calls. */
  readonly target?: (fill: SlotFill) => AttachTarget;
}

/** Plans what is not loaded yet. */
export function planComponents(
  context: BuildContext,
  design: Design,
  components: readonly PreparedComponent[],
  kind: ComponentKind,
): PlannedComponents {
  const taken = new Map<string, BpfProgram>();
  const parts: PlannedPart[] = [];
  for (const component of components) {
    const known = takeOver(context, design, component, kind.via);
    if (known === undefined) parts.push(planComponent(context, design, component, kind));
    else for (const [key, program] of known) taken.set(key, program);
  }
  return { parts, taken };
}

/** Programs of an unchanged component in the running generation; its maps go over as well. */
function takeOver(
  context: BuildContext,
  design: Design,
  component: PreparedComponent,
  via: RelinkVia,
): ReadonlyMap<string, BpfProgram> | undefined {
  if (context.old?.via !== via || !isUnchanged(context, design, component)) return undefined;
  if (isFresh(context, component)) return undefined;
  const programs = programsOfPart(context, component);
  return component.fills.every(fill => programs.has(programKey(component, fill))) ? programs : undefined;
}

/** Whether the change asks for new contents of something that the component has. */
function isFresh({ fresh }: BuildContext, component: PreparedComponent): boolean {
  const variables = [...variableNames(component.object)];
  return (
    statesOf(component).some(fresh.covers) ||
    variables.some(name => fresh.coversVariable(component.owner, name))
  );
}

/** All programs of a component in the running generation, by their names in the next one. */
function programsOfPart({ old }: BuildContext, { part, fills }: PreparedComponent): Map<string, BpfProgram> {
  const [first] = fills;
  const before = first === undefined ? undefined : unchangedFill(old, first);
  if (old === undefined || before === undefined) return new Map();
  const prefix = `${componentOf(before)}:`;
  return new Map(
    [...old.programs].flatMap(([key, program]) =>
      key.startsWith(prefix) ? [[`${part}:${key.slice(prefix.length)}`, program] as const] : [],
    ),
  );
}

function planComponent(
  context: BuildContext,
  design: Design,
  component: PreparedComponent,
  { type, target, rootlet }: ComponentKind,
): PlannedPart {
  const { object, fills, part } = component;
  const names = fills.map(fill => chooseMain(object, fill.program));
  const targets = new Map(
    fills.flatMap((fill, at) =>
      target === undefined ? [] : [[names[at] ?? '', () => target(fill)] as const],
    ),
  );
  return planPart(context, design, {
    object,
    programs: names,
    states: statesOf(component),
    members: [component],
    typeOf: (name, section) => (names.includes(name) ? type : stageType(rootlet, context.main, section)),
    keyOf: name => `${part}:${name}`,
    ...(targets.size === 0 ? {} : { targets }),
  });
}

// --- programs in arrays -------------------------------------------------------------------------------------------

/** Type of a program that an array of a component holds: what its section says, else that of the rootlet's program. */
export function stageType(rootlet: BpfObject, main: string, section: string): ProgramTypeInfo {
  return programTypeOf(section) ?? mainType(rootlet, main);
}

/** Names of programs that arrays of an object hold. */
function stagesOf(object: BpfObject): Set<string> {
  const programs = new Set(programsOf(object).map(({ program }) => program.name));
  const held = object.symbols.flatMap(symbol =>
    symbol.kind === 'map'
      ? symbol.references.map(({ symbol: target }) => object.symbols[target]?.name ?? '')
      : [],
  );
  return new Set(held.filter(name => programs.has(name)));
}

/**
 * Unchanged components whose arrays keep the programs that they hold: these depend on nothing but the component, so
 * that a change of a neighbour neither loads them again nor gives the component other arrays.
 */
export function keptStages(
  context: BuildContext,
  components: readonly PreparedComponent[],
): { readonly parts: ReadonlySet<string>; readonly programs: ReadonlyMap<string, BpfProgram> } {
  const parts = new Set<string>();
  const programs = new Map<string, BpfProgram>();
  for (const component of components) {
    const stages = stagesOf(component.object);
    const [first] = component.fills;
    const before = first === undefined ? undefined : unchangedFill(context.old, first);
    if (stages.size === 0 || before === undefined || context.given.has(component.owner)) continue;
    if (isFresh(context, component)) continue;
    const known = programsOfPart(context, component);
    const own = [...stages].map(
      name => [`${component.part}:${name}`, known.get(`${component.part}:${name}`)] as const,
    );
    if (own.some(([, program]) => program === undefined)) continue;
    parts.add(component.part);
    for (const [key, program] of own) if (program !== undefined) programs.set(key, program);
  }
  return { parts, programs };
}

/** The object whose arrays of programs are not filled: they are those of the running generation. */
export function withoutStages(object: BpfObject): BpfObject {
  const symbols = object.symbols.map((symbol): BpfSymbol => {
    if (symbol.kind !== 'map') return symbol;
    const references = symbol.references.filter(
      ({ symbol: target }) => object.symbols[target]?.kind !== 'function',
    );
    return references.length === symbol.references.length ? symbol : { ...symbol, references };
  });
  return { ...object, symbols };
}

// --- does it fit --------------------------------------------------------------------------------------------------

/** Throws what relink would say of components that do not fit into slots, and what only matters when code meets in the kernel. */
export function requireFitting(
  rootlet: BpfObject,
  components: readonly PreparedComponent[],
  main: string,
): void {
  const assignments = components.map(({ object, fills, part }) =>
    fills
      .filter(({ slot }) => slot !== main)
      .map(({ slot, program }) => ({
        slot,
        component: object,
        instance: part,
        ...(program === undefined ? {} : { program }),
      })),
  );
  const objects = components.map(({ object }) => object);
  const distinct = components.flatMap(({ object, part, fills: [first] }) =>
    first === undefined ? [] : [{ slot: first.slot, component: object, instance: part }],
  );
  const { plugs, problems } = plugComponents([rootlet, ...objects], assignments.flat(), distinct);
  if (problems.length > 0) throw new RootletError(problems);
  for (const { slot, program } of plugs) {
    const [left, right] = [rootlet.symbols[slot.index], objects[program.file - 1]?.symbols[program.index]];
    const object = objects[program.file - 1];
    if (left?.kind === 'function' && right?.kind === 'function' && object !== undefined)
      requireStrictly(rootlet, left, object, right);
  }
}

/** The kernel compares neither layouts of structs nor signedness; here all of it is. */
export function requireStrictly(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  object: BpfObject,
  program: FunctionSymbol,
): void {
  if (rootlet.btf === null || object.btf === null || slot.btfId === 0 || program.btfId === 0) return;
  const [left, right] = [rootlet.btf.type(slot.btfId), object.btf.type(program.btfId)];
  if (left.kind !== 'func' || right.kind !== 'func') return;
  const mismatch = compareTypes(rootlet.btf, left.type, object.btf, right.type, { strict: true });
  if (mismatch === null) return;
  throw inputError(
    'relink-prototype',
    [object.name],
    `program ${quote(program.name)} does not fit slot ${quote(slot.name)}${mismatch.path === '' ? '' : `: ${mismatch.path}`}: ${mismatch.left} and ${mismatch.right}`,
    {
      details: [
        `slot:    ${formatFunc(rootlet.btf, slot.btfId)}  (${rootlet.name})`,
        `program: ${formatFunc(object.btf, program.btfId)}  (${object.name})`,
      ],
    },
  );
}
