/**
 * The back end `static`: rootlet and components are relinked into one program, which then replaces the
 * running one on the hook. Works on every kernel that can update the hook, and supports every signature.
 */

import { given } from '../../bytes/index.ts';
import { RootletError } from '../../diag/index.ts';
import { COUNTS_MAP, countedSlot, type RelinkReport, relink } from '../../link/index.ts';
import { Cleanup } from '../../load/index.ts';
import { type BpfObject, isPinnedMap } from '../../object/index.ts';
import { mapKey, type PlannedState } from '../../state/index.ts';
import { requireFitting } from '../fit/index.ts';
import { type BuildContext, type Design, type Generation, programNameOf } from '../generation/index.ts';
import { withoutStages } from '../providers/index.ts';
import { assemble, type PlannedGeneration } from './build.ts';
import { keptStages, stageType } from './components.ts';
import { loadOptimizedPart, type PartRequest, planOptimized } from './part.ts';
import {
  KCONFIG,
  type Prepared,
  type PreparedComponent,
  prepareComponents,
  prepareRootlet,
  sectionStates,
  stateOf,
  statesOf,
} from './prepare.ts';

/** One program, and what of the running generation goes over. */
interface StaticDesign extends Pick<PlannedGeneration, 'taken'> {
  readonly request: PartRequest;
  readonly main: string;
}

/** What will be loaded; what is running is not touched. Throws what is wrong with the design. */
export function planStatic(context: BuildContext, design: Design): PlannedGeneration {
  const { request, taken } = linkDesign(context, design);
  return { parts: [planOptimized(context, design, request)], taken };
}

/**
 * The linked object, which is optimized when it is loaded: the files of the design stay what the next
 * generation is linked from.
 */
function linkDesign(context: BuildContext, design: Design): StaticDesign {
  const { object: rootlet } = design.rootlet;
  const components = prepareComponents(design, rootlet);
  requireFitting(rootlet, components, context.main, 'static');
  const instead = components.find(({ fills }) => fills.some(({ slot }) => slot === context.main));
  const used = instead === undefined ? components : [instead];
  const taken = keptStages(context, used);
  const ready = used.map(component =>
    taken.parts.has(component.part) ? { ...component, object: withoutStages(component.object) } : component,
  );
  const request =
    instead === undefined
      ? linkSlots(design, rootlet, context, ready)
      : insteadOf(rootlet, context.main, ready[0] ?? instead);
  return {
    request: { ...request, keepsStages: taken.parts },
    taken: taken.programs,
    main: request.main,
  };
}

/** Builds a generation. Throws what is wrong with the design, or the kernel's refusal. */
export function buildStatic(context: BuildContext, design: Design): Generation {
  const { request, taken, main } = linkDesign(context, design);
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const host = cleanup.own(loadOptimizedPart(context, design, request));
    return assemble(context, design, cleanup, { via: 'static', main, host, parts: [], taken });
  });
}

// --- one object ---------------------------------------------------------------------------------------------------

type Linked = PartRequest & {
  /** Program on the hook. */
  readonly main: string;
};

function linkSlots(
  design: Design,
  rootlet: BpfObject,
  { main, options: { limits } }: BuildContext,
  components: readonly PreparedComponent[],
): Linked {
  const own = prepareRootlet(rootlet, design.rootlet);
  if (components.length === 0)
    return {
      object: rootlet,
      main,
      programs: [main],
      states: statesOf(own),
      members: [own],
      keyOf: name => name,
    };
  const assignments = components.flatMap(({ part, object, fills }) =>
    fills.map(({ slot, program }) => ({
      slot,
      component: object,
      instance: part,
      ...given({ program }),
    })),
  );
  const { generated } = design;
  const entries = given({
    entrySlots: generated === undefined ? undefined : true,
    mustReturn: generated?.mustReturn,
  });
  const options = { gcSections: false, name: rootlet.name, ...entries, ...given({ limits }) };
  const result = relink(rootlet, assignments, options);
  if (!result.ok) throw new RootletError(result.problems);
  const { object, report } = result;
  const notes = report.notes.map(note => inFileNames(note, report.components));
  const members = [own, ...components];
  const ids = new Map(report.components.map(({ id, instance }) => [id, instance]));
  const maps = report.maps.flatMap(({ name, owner, originalName }): PlannedState[] => {
    if (owner === null) return [rootletState(own, components, name, originalName)];
    const member = components.find(({ part }) => part === ids.get(owner));
    return member === undefined ? [] : [stateOf(member, name, originalName)];
  });
  const states = [
    ...maps,
    ...members.flatMap(member => pinnedStates(member, maps)),
    ...members.flatMap(sectionStates),
    stateOf(own, KCONFIG, KCONFIG),
  ];
  const keys = stageKeys(object, components, states);
  return {
    object,
    main,
    programs: [main],
    states,
    members,
    typeOf: (name, section) => (keys.has(name) ? stageType(rootlet, main, section) : undefined),
    keyOf: name => keys.get(name) ?? name,
    notes,
    functionsNamed: name => namesInResult(name, report),
    // a generated chain that counts calls each of them a second time, on the path that counts
    ...given({ firstCalls: generated === undefined ? undefined : report.slots.map(slot => slot.function) }),
  };
}

/** What a generated chain counts is state of the component that it counts for, whatever slot that is in. */
function rootletState(
  own: Prepared,
  components: readonly PreparedComponent[],
  map: string,
  originalName: string,
): PlannedState {
  const slot = countedSlot(originalName);
  const counted = components.find(({ fills }) => slot !== undefined && fills[0]?.slot === slot);
  return counted === undefined ? stateOf(own, map, originalName) : stateOf(counted, map, COUNTS_MAP);
}

/** `FILE#COMPONENT` is how a re-link tells components apart; notes name the file, as those on their fit do. */
function inFileNames(note: string, components: RelinkReport['components']): string {
  return components.reduce((text, { id, file }) => text.replaceAll(id, file), note);
}

/** What functions of this name in their own files are called in the linked object. */
function namesInResult(name: string, { renames, slots }: RelinkReport): string[] {
  const renamed = renames.flatMap(({ from, to }) => (from === name ? [to] : []));
  const plugged = slots.flatMap(slot => (slot.program === name ? [slot.function] : []));
  return [name, ...renamed, ...plugged];
}

/** A map that several components pin is one map, and belongs to each of them. */
function pinnedStates(member: Prepared, known: readonly PlannedState[]): PlannedState[] {
  const { object } = member;
  return object.symbols.flatMap(symbol => {
    if (symbol.kind !== 'map' || !isPinnedMap(object, symbol)) return [];
    const state = stateOf(member, symbol.name, symbol.name);
    return known.some(one => mapKey(one) === mapKey(state)) ? [] : [state];
  });
}

/**
 * Programs of components in the result that their arrays hold → `PART:NAME`, found by their places in the
 * arrays.
 */
function stageKeys(
  object: BpfObject,
  components: readonly PreparedComponent[],
  states: readonly PlannedState[],
): Map<string, string> {
  const keys = new Map<string, string>();
  for (const { part, owner, version, object: own } of components) {
    for (const symbol of own.symbols) {
      if (symbol.kind !== 'map') continue;
      const name = states.find(
        state => state.owner === owner && state.version === version && state.name === symbol.name,
      )?.map;
      const linked = object.symbols.find(({ kind, name: other }) => kind === 'map' && other === name);
      if (linked?.kind !== 'map') continue;
      for (const { offset, symbol: target } of symbol.references) {
        const before = own.symbols[target];
        const after = object.symbols[linked.references.find(one => one.offset === offset)?.symbol ?? -1];
        if (before?.kind === 'function' && after?.kind === 'function')
          keys.set(after.name, `${part}:${before.name}`);
      }
    }
  }
  return keys;
}

/** The component's program replaces the rootlet's own: functions that it does not call are absent. */
function insteadOf(rootlet: BpfObject, main: string, component: PreparedComponent): Linked {
  const { object, fills, part } = component;
  const wanted = fills.find(({ slot }) => slot === main)?.program;
  const program = programNameOf(object, wanted);
  return {
    object,
    main: `${part}:${program}`,
    programs: [program],
    states: statesOf(component),
    members: [component],
    typeOf: (_, section) => stageType(rootlet, main, section),
    keyOf: name => `${part}:${name}`,
  };
}
