/**
 * The back end `libxdp`: the dispatcher that is generated for the members, whose slots they replace. Members of which
 * there is no file are programs that another tool loaded; they are moved to the new dispatcher as they are.
 */

import { elementAt } from '../../bytes/index.ts';
import { quote, usageError } from '../../diag/index.ts';
import type { SlotChange } from '../../dynamic/index.ts';
import { HOST_ORDER } from '../../kernel/index.ts';
import { InputObject, programsOf, programTypeOf, sectionNameOf, writeObject } from '../../object/index.ts';
import { BPF_F_XDP_HAS_FRAGS } from '../../uapi/index.ts';
import {
  DISPATCHER_PROGRAM,
  type DispatcherConfig,
  type DispatcherVersion,
  EMPTY_SLOT,
  MAX_SLOTS,
  makeDispatcher,
  slotName,
  takesFrags,
} from '../libxdp/index.ts';
import {
  type ChainDesign,
  type ChainHook,
  countedMember,
  type DesignMember,
  hasCounters,
} from '../model/index.ts';
import { encodeFacts } from './facts.ts';
import { spellHook } from './hooks.ts';
import type { GeneratedChain } from './static.ts';

/** What is written where no dispatcher is found: every release of libxdp since 1.3 can read it. */
export const DEFAULT_VERSION: DispatcherVersion = 2;

/** Throws `chain-slots` for more members than a dispatcher has slots, `chain-verdict`. */
export function libxdpChain(
  hook: ChainHook,
  design: ChainDesign,
  version: DispatcherVersion,
): GeneratedChain {
  const { members, failClosed } = design;
  if (members.length > MAX_SLOTS) throw tooMany(hook, members.length);
  const config = configOf(design, version);
  const object = makeDispatcher({ config, byteOrder: HOST_ORDER, failClosed });
  const rootlet = new InputObject({ name: object.name, bytes: writeObject(object) }, object);
  const { notes, ...filled } = occupants(design);
  const generated = { ...filled, mustReturn: [], facts: encodeFacts(design) };
  return { change: { rootlet, program: DISPATCHER_PROGRAM, generated }, notes };
}

type Generated = NonNullable<SlotChange['generated']>;

interface Occupants extends Pick<Generated, 'components' | 'guests'> {
  readonly notes: readonly string[];
}

/** Variant of a component: its program is wrapped, and counts. */
export const COUNTED = 'counted';

/** A single member takes the place of the dispatcher's own function, as with libxdp. */
function occupants(design: ChainDesign): Occupants {
  const { members } = design;
  const slots = members.map((_, at) => (members.length === 1 ? DISPATCHER_PROGRAM : slotName(at)));
  const loaded = members.flatMap(({ file, ...member }, at) =>
    file === null ? [] : [loadedComponent(member, file, elementAt(slots, at), hasCounters(design))],
  );
  const guests = members.flatMap(({ name: component, file, program, loaded }, at) =>
    file !== null || loaded === null
      ? []
      : [{ slot: elementAt(slots, at), component, program, programId: loaded }],
  );
  const components = loaded.map(({ component }) => component);
  const notes = loaded.flatMap(one => one.notes);
  return guests.length === 0 ? { components, notes } : { components, guests, notes };
}

/** The file is that which was given, so that the record has its bytes; only what is loaded of it counts. */
function loadedComponent(
  member: Pick<DesignMember, 'name' | 'program'>,
  file: InputObject,
  slot: string,
  counters: boolean,
): { readonly component: Generated['components'][number]; readonly notes: readonly string[] } {
  const { object, notes } = countedMember(file.object, member, counters);
  const base = { slot, component: member.name, program: member.program };
  if (object === file.object) return { component: { ...base, file }, notes };
  return { component: { ...base, file: new InputObject(file, object), variant: COUNTED }, notes };
}

function configOf({ members }: ChainDesign, version: DispatcherVersion): DispatcherConfig {
  const slots = members.map(member => ({
    continueOn: verdictsOf(member),
    priority: member.priority,
    flags: version === 1 ? 0 : flagsOf(member),
  }));
  const frags = members.length > 0 && members.every(member => takesFrags({ flags: flagsOf(member) }));
  return { version, slots, frags: version === 1 ? false : frags, deviceBound: false };
}

/** Only numbers that a mask has a bit for. */
function verdictsOf({ name, continueOn }: DesignMember): number[] {
  return continueOn.map(verdict => {
    if (typeof verdict === 'number' && verdict >= 0 && verdict < EMPTY_SLOT) return verdict;
    throw usageError(
      'chain-verdict',
      `member ${quote(name)}: ${quote(String(verdict))} has no bit in a mask of libxdp`,
      {
        hint: `use verdicts from 0 to ${EMPTY_SLOT - 1}, or --via static`,
      },
    );
  });
}

function flagsOf({ file, program, rank }: DesignMember): number {
  if (file === null) return rank === undefined ? 0 : rank.flags;
  const found = programsOf(file.object).find(entry => entry.program.name === program);
  const type = found === undefined ? undefined : programTypeOf(sectionNameOf(file.object, found.program));
  return type === undefined ? 0 : type.flags & BPF_F_XDP_HAS_FRAGS;
}

function tooMany(hook: ChainHook, count: number) {
  const what = `${spellHook(hook)}: ${count} members, and a dispatcher of libxdp has ${MAX_SLOTS} slots`;
  return usageError('chain-slots', what, { hint: '--via static has no limit of its own' });
}
