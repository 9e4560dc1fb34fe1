/**
 * Components as programs of their own, for the back ends that do not link: each is loaded once, whatever
 * number of slots it fills, and stays loaded as long as it is part of the rootlet.
 */

import { elementAt } from '../../bytes/index.ts';
import type { BpfProgram } from '../../kernel/index.ts';
import type { AttachTarget } from '../../load/index.ts';
import { type BpfObject, type ProgramType, programsOf, programTypeOf, symbolOf } from '../../object/index.ts';
import { variableNames } from '../../state/index.ts';
import { mainType } from '../fit/index.ts';
import {
  type BuildContext,
  componentOf,
  type Design,
  isFresh,
  isUnchanged,
  programNameOf,
  type SlotBackEnd,
  type SlotFill,
  unchangedFill,
} from '../generation/index.ts';
import { type PlannedPart, planPart } from './part.ts';
import { type PreparedComponent, statesOf } from './prepare.ts';

export interface PlannedComponents {
  readonly parts: readonly PlannedPart[];
  /** Programs of the running generation that go over, by their name in the next one. */
  readonly taken: ReadonlyMap<string, BpfProgram>;
}

/** Name in a generation of the program that fills a slot. */
export function programKey(component: PreparedComponent, fill: SlotFill): string {
  return `${component.part}:${programNameOf(component.object, fill.program)}`;
}

export interface ComponentKind {
  readonly via: SlotBackEnd;
  /** Type of programs that fill slots. */
  readonly type: ProgramType;
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
  via: SlotBackEnd,
): ReadonlyMap<string, BpfProgram> | undefined {
  if (context.old?.via !== via || !isUnchanged(context, design, component)) return undefined;
  if (asksForFresh(context, component)) return undefined;
  const programs = programsOfPart(context, component);
  return component.fills.every(fill => programs.has(programKey(component, fill))) ? programs : undefined;
}

/** Whether the change asks for new contents of something that the component has. */
function asksForFresh(context: BuildContext, component: PreparedComponent): boolean {
  const variables = [...variableNames(component.object)];
  return (
    statesOf(component).some(one => isFresh(context, one)) ||
    variables.some(name => context.fresh.coversVariable(component.owner, name))
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
  { via, type, target, rootlet }: ComponentKind,
): PlannedPart {
  const { object, fills, part } = component;
  const names = fills.map(fill => programNameOf(object, fill.program));
  const targets = new Map(
    fills.flatMap((fill, at) =>
      target === undefined ? [] : [[elementAt(names, at), () => target(fill)] as const],
    ),
  );
  return planPart(context, design, {
    object,
    programs: names,
    states: statesOf(component),
    members: [component],
    typeOf: (name, section) => {
      if (names.includes(name)) return type;
      const stage = stageType(rootlet, context.main, section);
      return via === 'ext' ? calledByReplacement(stage) : stage;
    },
    keyOf: name => `${part}:${name}`,
    ...(targets.size === 0 ? {} : { targets }),
  });
}

// --- programs in arrays -------------------------------------------------------------------------------------------

/**
 * Type of a program that an array of a component holds: that of its section, else that of the rootlet's
 * program.
 */
export function stageType(rootlet: BpfObject, main: string, section: string): ProgramType {
  return programTypeOf(section) ?? mainType(rootlet, main);
}

/**
 * The same for the array of a replacement: programs that use or fill one array have equal attach types on
 * kernels that compare them, and a replacement has none.
 */
function calledByReplacement(type: ProgramType): ProgramType {
  return type.attachTypeOptional ? { ...type, expectedAttachType: 0 } : type;
}

/** Names of programs that arrays of an object hold. */
function stagesOf(object: BpfObject): Set<string> {
  const programs = new Set(programsOf(object).map(({ program }) => program.name));
  const held = object.symbols.flatMap(symbol =>
    symbol.kind === 'map' ? symbol.references.map(({ symbol: target }) => symbolOf(object, target).name) : [],
  );
  return new Set(held.filter(name => programs.has(name)));
}

/**
 * Unchanged components whose arrays keep the programs that they hold: these depend on nothing but the
 * component, so that a change of a neighbour neither loads them again nor gives the component other arrays.
 */
export function keptStages(
  context: BuildContext,
  components: readonly PreparedComponent[],
): { readonly parts: ReadonlySet<string>; readonly programs: ReadonlyMap<string, BpfProgram> } {
  const parts = new Set<string>();
  const programs = new Map<string, BpfProgram>();
  if (context.old?.via === 'ext') return { parts, programs }; // loaded for replacements
  for (const component of components) {
    const stages = stagesOf(component.object);
    const [first] = component.fills;
    const before = first === undefined ? undefined : unchangedFill(context.old, first);
    if (stages.size === 0 || before === undefined || context.given.has(component.part)) continue;
    if (asksForFresh(context, component)) continue;
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
