/**
 * The back end `tail`: slots are stubs that tail-call a program in a program array, or else run their own
 * code. A slot changes by one update of the array, while the rootlet's program stays where it is: for hooks
 * whose program cannot be changed.
 */

import { inputError, quote } from '../../diag/index.ts';
import { type BpfMap, decodeU32s, encodeU32s } from '../../kernel/index.ts';
import { slotsOf } from '../../link/index.ts';
import { Cleanup } from '../../load/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { mapNames, variableNames } from '../../state/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/index.ts';
import { mainType, requireFitting, tailSlotObjection } from '../fit/index.ts';
import { type BuildContext, type Design, type Generation, isUnchanged } from '../generation/index.ts';
import { clearSlot, SLOT_ARRAY, setSlot } from '../providers/index.ts';
import { ObjectEdit, putTailStub } from '../stubs/index.ts';
import { assemble, type PlannedGeneration } from './build.ts';
import { planComponents, programKey } from './components.ts';
import { loadPart, type PlannedPart, planPart } from './part.ts';
import {
  dataSections,
  type PreparedComponent,
  prepareComponents,
  prepareRootlet,
  statesOf,
} from './prepare.ts';

/**
 * The rootlet with every slot that can be one as a stub; entries of the array are the slots in their order.
 */
export function tailRootlet(rootlet: BpfObject): BpfObject {
  const slots = slotsOf(rootlet);
  const edit = new ObjectEdit(rootlet);
  const array = edit.addMap({
    name: SLOT_ARRAY,
    type: BPF_MAP_TYPE_PROG_ARRAY,
    keySize: 4,
    valueSize: 4,
    maxEntries: Math.max(slots.length, 1),
  });
  slots.forEach(({ name, index }, entry) => {
    const symbol = rootlet.symbols[index];
    if (symbol?.kind !== 'function' || tailSlotObjection(rootlet, name) !== undefined) return;
    const own = `${name}__own`;
    const proto = edit.namedPrototype(symbol.btfId);
    const fallback = edit.append({
      ...symbol,
      name: own,
      binding: 'local',
      btfId: edit.functionType(own, proto, 'static', symbol.btfId),
    });
    putTailStub(edit, index, {
      name,
      func: symbol.btfId,
      slots: array,
      entry,
      fallback: { kind: 'function', symbol: fallback },
    });
  });
  return edit.finish();
}

/** Parts of a generation; the running program is taken over when it has such slots already. */
function planTail(
  context: BuildContext,
  design: Design,
  rootlet: BpfObject,
  components: readonly PreparedComponent[],
) {
  const { old, main } = context;
  const keeps = old !== undefined && keepsRootlet(old, context, design);
  const object = tailRootlet(rootlet);
  const own = { ...prepareRootlet(rootlet, design.rootlet), object };
  const request = {
    object,
    programs: [main],
    states: statesOf(own),
    members: [own],
    keyOf: (name: string) => name,
  };
  const host = keeps ? undefined : planPart(context, design, request);
  const kind = { via: 'tail', type: mainType(rootlet, main), rootlet } as const;
  const { parts, taken } = planComponents(context, design, components, kind);
  const running = keeps ? [...old.programs].filter(([key]) => !key.includes(':')) : [];
  return { host, parts, taken: new Map([...running, ...taken]) };
}

/** Whether the running program stays where it is, and only its array changes. */
export function keepsRootlet(old: Generation, context: BuildContext, design: Design): boolean {
  const { rootlet } = design;
  return (
    old.via === 'tail' &&
    isUnchanged(context, design, { owner: null }) &&
    !isFreshRootlet(context, rootlet.object)
  );
}

function isFreshRootlet({ fresh }: BuildContext, rootlet: BpfObject): boolean {
  const names = [...variableNames(rootlet), ...dataSections(rootlet), ...mapNames(rootlet)];
  return names.some(name => fresh.covers({ owner: null, name }) || fresh.coversVariable(null, name));
}

export function plannedTail(context: BuildContext, design: Design): PlannedGeneration {
  const { rootlet, components } = readDesign(context, design);
  const { host, parts, taken } = planTail(context, design, rootlet, components);
  return { parts: host === undefined ? parts : [host, ...parts], taken };
}

function readDesign({ main }: BuildContext, design: Design) {
  const { object: rootlet } = design.rootlet;
  const components = prepareComponents(design, rootlet);
  requireFitting(rootlet, components, main, 'tail');
  return { rootlet, components };
}

export function buildTail(context: BuildContext, design: Design): Generation {
  const { rootlet, components } = readDesign(context, design);
  const planned = planTail(context, design, rootlet, components);
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const { main } = context;
    const load = (part: PlannedPart) => cleanup.own(loadPart(context, part));
    const host = planned.host === undefined ? undefined : load(planned.host);
    const parts = planned.parts.map(load);
    const assembly = { via: 'tail', main, host, parts, taken: planned.taken } as const;
    const generation = cleanup.own(assemble(context, design, cleanup, assembly));
    // nothing runs in a new rootlet yet, so it begins with its slots filled
    if (host !== undefined) planSlots(generation, components, rootlet)();
    return generation;
  });
}

/**
 * Updates of the array for a generation. Each slot changes in one step; a slot that stays is not touched.
 */
export function planTailSlots(generation: Generation): () => void {
  const { object } = generation.design.rootlet;
  return planSlots(generation, prepareComponents(generation.design, object), object);
}

function planSlots(
  generation: Generation,
  components: readonly PreparedComponent[],
  rootlet: BpfObject,
): () => void {
  const array = generation.maps.get(SLOT_ARRAY);
  if (array === undefined)
    throw inputError('relink-record', [rootlet.name], `has no program array ${quote(SLOT_ARRAY)}`);
  const keys = new Map<string, string>();
  for (const component of components)
    for (const fill of component.fills) keys.set(fill.slot, programKey(component, fill));
  const wanted = slotsOf(rootlet).map(({ name }) => generation.programs.get(keys.get(name) ?? ''));
  return () => {
    wanted.forEach((program, entry) => {
      const there = programIn(array, entry);
      if (program === undefined) {
        if (there !== undefined) clearSlot(array, entry);
      } else if (program.info().id !== there) setSlot(array, entry, program);
    });
  };
}

/** Looked up by a process, an array of programs returns their ids. */
function programIn(array: BpfMap, entry: number): number | undefined {
  const value = array.lookup(encodeU32s([entry]));
  return value === undefined ? undefined : decodeU32s(value)[0];
}
