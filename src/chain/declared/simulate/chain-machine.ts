/** A chain in the embedded machine: its members linked as the back end `static` links them, with their state. */

import { elementAt, given } from '../../../bytes/index.ts';
import { bugError, inputError, type Limits, RootletError } from '../../../diag/index.ts';
import { type RelinkReport, relink } from '../../../link/index.ts';
import {
  type BpfObject,
  type CodeMarks,
  InputObject,
  namedComponents,
  neutralVerdict,
} from '../../../object/index.ts';
import {
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_XDP,
} from '../../../uapi/index.ts';
import { createMachine, type Machine, type MachineMap, type Timestamp } from '../../../vm/index.ts';
import { inputFor, staticChain } from '../../engine/index.ts';
import type { ChainDesign, ChainHook, DesignMember } from '../../model/index.ts';
import { withInitial } from './initial.ts';
import { type LiveMap, type LiveState, mapTitle } from './live.ts';

/** What a chain did to a packet. */
export interface SimulatedVerdict {
  readonly verdict: number;
  /** The member whose verdict it is; null where there are no members. */
  readonly member: string | null;
}

export interface ChainMachine {
  /** What differs from the kernel, one sentence each. */
  readonly notes: readonly string[];
  run(packet: Uint8Array, timestamp: Timestamp | undefined): SimulatedVerdict;
  close(): void;
}

/** Throws `chain-simulate`, and what prevents linking or running the members. */
export function openChainMachine(
  hook: ChainHook,
  design: ChainDesign,
  live: LiveState,
  limits?: Limits,
): ChainMachine {
  const { members } = design;
  if (members.length === 0) return emptyChain(hook);
  const prepared = members.map(member => preparedMember(hook, member, live));
  const { change } = staticChain(hook, { ...design, members: prepared });
  const { object, report } = linkChain(change, prepared);
  const sizes = prepared.flatMap(({ name, settings }) =>
    [...settings.maxEntries].flatMap(([map, count]) => {
      const linked = linkedName(report, name, map);
      return linked === undefined ? [] : [[linked, count] as const];
    }),
  );
  const machine = createMachine(object, {
    program: change.program,
    maxEntries: new Map(sizes),
    marks: memberMarks(object, report, prepared),
    ...given({ limits }),
  });
  const notes = prepared.flatMap(({ name }) => seed(machine, report, name, live));
  const place = hook.kind === 'xdp' ? { ingressIfindex: hook.ifindex } : { ifindex: hook.ifindex };
  return {
    notes,
    run(packet, timestamp) {
      const { verdict } = machine.run(packet, { ...place, timestamp });
      const number = machine.takeMark();
      return { verdict, member: number === 0 ? null : elementAt(members, number - 1).name };
    },
    close: () => machine.close(),
  };
}

/** The network stack goes on with every packet. */
function emptyChain({ kind }: ChainHook): ChainMachine {
  const verdict = neutralVerdict(kind === 'xdp' ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS);
  return { notes: [], run: () => ({ verdict, member: null }), close: () => {} };
}

function preparedMember(
  hook: ChainHook,
  member: DesignMember,
  live: LiveState,
): DesignMember & { readonly file: InputObject } {
  const { file, name, program, settings } = member;
  if (file === null)
    throw inputError(
      'chain-simulate',
      [name],
      'was loaded by another tool, so that there is no code to run',
      {
        subject: name,
        hint: 'plan without --simulate compares the chains',
      },
    );
  const { object } = inputFor(hook, { file, program });
  const variables = live.get(name)?.variables ?? new Map<string, Uint8Array>();
  const initial = withInitial(object, settings.globals, variables);
  const input = new InputObject({ name: file.name, bytes: file.bytes }, initial);
  return { ...member, file: input };
}

function linkChain(
  { rootlet, generated }: ReturnType<typeof staticChain>['change'],
  members: readonly (DesignMember & { readonly file: InputObject })[],
): { readonly object: BpfObject; readonly report: RelinkReport } {
  if (generated === undefined) throw bugError([], 'a chain without components');
  const { components, mustReturn } = generated;
  const assignments = members.map(({ name, file, program }, at) => {
    const { slot } = elementAt(components, at);
    return { slot, component: file.object, instance: name, program };
  });
  const result = relink(rootlet.object, assignments, {
    gcSections: false,
    entrySlots: true,
    mustReturn,
    checkLimits: false,
  });
  if (!result.ok) throw new RootletError(result.problems);
  return { object: result.object, report: result.report };
}

/** Where the members begin, by their numbers in the design. */
function memberMarks(
  object: BpfObject,
  { slots, components }: RelinkReport,
  members: readonly DesignMember[],
): CodeMarks {
  const functionOf = (member: string): string | undefined => {
    const id = components.find(({ instance }) => instance === member)?.id;
    return slots.find(slot => slot.id === id)?.function;
  };
  const named = members.map(({ name }) => {
    const found = functionOf(name);
    if (found === undefined) throw bugError([name], 'a member that was not linked');
    return { name, function: found };
  });
  return namedComponents(object, named).marks;
}

// --- state --------------------------------------------------------------------------------------------------------

/** Name of a member's map in the linked object. */
function linkedName({ maps, components }: RelinkReport, member: string, map: string): string | undefined {
  const id = components.find(({ instance }) => instance === member)?.id;
  if (id === undefined) throw bugError([member], 'a member that was not linked');
  const found = maps.find(({ owner, originalName, usedBy }) => {
    return originalName === map && (owner === id || usedBy.includes(id));
  });
  return found?.name;
}

/** Puts what the kernel's maps have into those of the machine; what it cannot, as notes. */
function seed(machine: Machine, report: RelinkReport, member: string, live: LiveState): string[] {
  return [...(live.get(member)?.maps ?? [])].flatMap(([name, contents]) => {
    const linked = linkedName(report, member, name);
    const map = linked === undefined ? undefined : machine.maps.get(linked);
    if (map === undefined) return []; // the code that runs does not use it
    const title = mapTitle(member, name);
    const difference = differenceOf(map, contents);
    const reason = difference ?? contents.unread;
    if (reason !== null) return [`${title} begins empty: ${reason}`];
    return fill(map, contents, title);
  });
}

function differenceOf({ definition }: MachineMap, live: LiveMap): string | null {
  const same =
    definition.type === live.type &&
    definition.keySize === live.keySize &&
    definition.valueSize === live.valueSize &&
    definition.maxEntries === live.maxEntries;
  return same ? null : 'its definition differs from that of the map that runs';
}

const PER_CPU: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
]);

function fill(map: MachineMap, { type, entries }: LiveMap, title: string): string[] {
  const { valueSize } = map.definition;
  try {
    for (const [key, value] of entries) map.update(key, value.subarray(0, valueSize));
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return [`${title} has not all entries: ${elementAt(error.problems, 0).message}`];
  }
  return PER_CPU.has(type) && entries.length > 0 ? [`${title} has the values of CPU 0`] : [];
}
