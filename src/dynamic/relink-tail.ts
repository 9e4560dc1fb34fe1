/**
 * The back end `tail`: slots are stubs that call what stands in a program array, or else their own code. A slot changes
 * by one update of the array, while the rootlet's program stays where it is: for hooks whose program cannot be changed.
 */

import { inputError, quote } from '../diag/index.ts';
import type { BpfMap } from '../kernel/map.ts';
import { decodeU32s, encodeU32s } from '../kernel/sys.ts';
import { slotsOf } from '../link/index.ts';
import { Cleanup } from '../load/index.ts';
import { type BpfObject, readObject } from '../object/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../object/uapi.ts';
import { tailSlotObjection } from './fit/back-ends.ts';
import { requireFitting } from './fit/fit.ts';
import { mainType } from './fit/main-program.ts';
import { ObjectEdit } from './object-edit.ts';
import { assemble, type BuildContext, loadPart, requireGlobals } from './relink-build.ts';
import { loadComponents, programKey } from './relink-components.ts';
import type { Design } from './relink-design.ts';
import { duplicateProgram, type Generation } from './relink-generation.ts';
import { type PreparedComponent, prepareComponents, prepareRootlet, statesOf } from './relink-prepare.ts';
import { SLOT_ARRAY } from './relink-state.ts';
import { putTailStub } from './stubs.ts';
import { clearSlot, setSlot } from './tail-slots.ts';

/** The rootlet with every slot that can be one as a stub; entries of the array are the slots in their order. */
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

/** The running program is taken over when it has such slots already; else the rootlet is loaded anew with them. */
export function buildTail(context: BuildContext, design: Design): Generation {
  const rootlet = readObject(design.rootlet.bytes, design.rootlet.name);
  const components = prepareComponents(design, rootlet);
  requireFitting(rootlet, components, context.main, 'tail');
  requireGlobals(context, [rootlet, ...components.map(component => component.object)]);
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const { old, main } = context;
    const kind = { via: 'tail', type: mainType(rootlet, main) } as const;
    const keeps = old?.via === 'tail';
    const object = tailRootlet(rootlet);
    const states = statesOf({ ...prepareRootlet(rootlet), object });
    const host = keeps
      ? []
      : [cleanup.own(loadPart(context, design, { object, programs: [main], states, partial: true }))];
    const program = keeps ? cleanup.own(duplicateProgram(old.program)) : host[0]?.loaded.program(main);
    const { programs, parts } = loadComponents(context, design, components, kind, cleanup);
    const all = new Map([...(program === undefined ? [] : [[main, program] as const]), ...programs]);
    const parted = { via: 'tail', main, programs: all, host, parts } as const;
    const generation = cleanup.own(assemble(context, design, cleanup, parted));
    // nothing runs in a new rootlet yet, so it begins with its slots filled
    if (!keeps) planSlots(generation, components, rootlet)();
    return generation;
  });
}

/**
 * What brings the array to what a generation wants. Each slot changes in one step; a slot that stays is not touched.
 */
export function planTailSlots(generation: Generation): () => void {
  const { rootlet } = generation.design;
  const object = readObject(rootlet.bytes, rootlet.name);
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

/** Looked up by a process, an array of programs tells their ids. */
function programIn(array: BpfMap, entry: number): number | undefined {
  const value = array.lookup(encodeU32s([entry]));
  return value === undefined ? undefined : decodeU32s(value)[0];
}
