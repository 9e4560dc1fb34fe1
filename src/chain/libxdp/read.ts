/**
 * Reading the dispatcher on an interface as libxdp reads it, whoever built it: what it is by its program, its
 * configuration from its map, its members from the pins.
 *
 * Differs from libxdp where a pin is missing: libxdp then takes the dispatcher for a program of its own ("legacy"),
 * while here it stays a dispatcher, and what is missing is reported.
 */

import type { Btf, BtfId } from '../../btf/index.ts';
import { quote } from '../../diag/index.ts';
import {
  BpfMap,
  BpfProgram,
  HOST_ORDER,
  openById,
  type ProgramDescription,
  type Sys,
} from '../../kernel/index.ts';
import { type ProgramTypes, readProgramTypes } from '../../load/index.ts';
import {
  BPF_F_RDONLY_PROG,
  BPF_LINK_TYPE_TRACING,
  BPF_OBJ_NAME_LEN,
  BPF_PROG_TYPE_XDP,
} from '../../uapi/index.ts';
import type { ProgramFacts } from '../model/index.ts';
import { type DispatcherConfig, type DispatcherSlot, decodeConfig } from './config.ts';
import { DISPATCHER_PROGRAM, slotName } from './dispatcher.ts';
import { VERSION_SECTION, VERSION_VARIABLE } from './dispatcher-types.ts';
import type { LibxdpPins, PinnedDispatcher, PinnedSlot } from './pins.ts';

/** A program in a slot of a dispatcher. */
export interface DispatcherMember extends DispatcherSlot {
  readonly slot: number;
  /** Null where its pin is missing. */
  readonly program: (ProgramFacts & { readonly loadTime: bigint }) | null;
  /** Why packets do not reach it; null when they do. */
  readonly lost: string | null;
}

export interface ReadDispatcher {
  readonly programId: number;
  readonly tag: string;
  readonly config: DispatcherConfig;
  /** Id of the map with the configuration. */
  readonly mapId: number;
  /** In the order in which they run. */
  readonly members: readonly DispatcherMember[];
  /** Why other tools cannot read it, though it is a dispatcher; null when they can. */
  readonly broken: string | null;
}

/** What a program on an interface is. Reasons are parts of sentences: `it has 2 maps`. */
export type DispatcherReading =
  | { readonly kind: 'dispatcher'; readonly dispatcher: ReadDispatcher }
  | { readonly kind: 'other'; readonly reason: string }
  /** Of a version of the protocol that is not known here: left as it is. */
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'damaged'; readonly reason: string };

/**
 * Reads the program with this id on interface number `ifindex` of the current network namespace. `pins`: undefined
 * where there is no directory of libxdp. Needs CAP_SYS_ADMIN.
 */
export function readDispatcher(
  sys: Sys,
  ifindex: number,
  programId: number,
  pins: LibxdpPins | undefined,
): DispatcherReading {
  const fd = openById(sys, 'program', programId);
  if (fd === undefined) return other(`program ${programId} is gone`);
  using program = BpfProgram.adopt(sys, fd);
  const info = program.info();
  const objection = notADispatcher(program, info);
  if (objection !== undefined) return other(objection);
  const types = readProgramTypes(program);
  const read = readConfig(sys, info, types.btf);
  if (read.kind !== 'config') return read;
  const pinned = pins?.read({ ifindex, programId });
  const { config, mapId } = read;
  const members = config.slots.map((slot, at) => readMember(sys, slot, at, { pinned, programId, types }));
  const broken = brokenPins(members, pinned);
  return { kind: 'dispatcher', dispatcher: { programId, tag: info.tag, config, mapId, members, broken } };
}

function notADispatcher(
  program: BpfProgram,
  { name, btfId, mapIds }: ProgramDescription,
): string | undefined {
  if (program.type !== BPF_PROG_TYPE_XDP) return 'it is not an XDP program';
  if (name !== DISPATCHER_PROGRAM) return `its program is ${quote(name)}, not ${quote(DISPATCHER_PROGRAM)}`;
  if (btfId === 0) return 'it has no types';
  return mapIds.length === 1 ? undefined : `it has ${mapIds.length} maps, and a dispatcher has one`;
}

// --- configuration ------------------------------------------------------------------------------------------------

type ConfigReading =
  | { readonly kind: 'config'; readonly config: DispatcherConfig; readonly mapId: number }
  | Exclude<DispatcherReading, { readonly kind: 'dispatcher' }>;

function readConfig(sys: Sys, { mapIds }: ProgramDescription, btf: Btf): ConfigReading {
  const [mapId = 0] = mapIds;
  const fd = openById(sys, 'map', mapId);
  if (fd === undefined) return damaged('its map is gone');
  using map = BpfMap.adopt(sys, fd);
  const objection = notAConfig(map);
  if (objection !== undefined) return damaged(objection);
  const value = map.lookup(new Uint8Array(map.keySize));
  if (value === undefined) return damaged('its map has no value');
  const decoded = decodeConfig(value, metadataVersion(btf), HOST_ORDER);
  if (decoded.kind === 'config') return { ...decoded, mapId };
  return decoded.kind === 'newer' ? decoded : damaged(`its configuration ${decoded.reason}`);
}

function notAConfig({ keySize, valueSize, maxEntries, flags }: BpfMap): string | undefined {
  if (keySize !== 4 || maxEntries !== 1 || valueSize < 2)
    return `its map has ${maxEntries} entries with keys of ${keySize} and values of ${valueSize} bytes`;
  return (flags & BPF_F_RDONLY_PROG) === 0 ? 'its map can be written by programs' : undefined;
}

/** The version that the types state, as the length of an array; null when they do not. */
export function metadataVersion(btf: Btf): number | null {
  for (let id = 1; id <= btf.count; id++) {
    const section = btf.type(id);
    if (section.kind !== 'datasec' || section.name !== VERSION_SECTION) continue;
    for (const { type } of section.vars) {
      const variable = btf.type(type);
      if (variable.kind === 'var' && variable.name === VERSION_VARIABLE)
        return lengthBehind(btf, variable.type);
    }
  }
  return null;
}

function lengthBehind(btf: Btf, id: BtfId): number | null {
  const pointer = btf.type(id);
  const array = pointer.kind === 'ptr' && pointer.type !== 0 ? btf.type(pointer.type) : undefined;
  return array?.kind === 'array' ? array.length : null;
}

// --- members ------------------------------------------------------------------------------------------------------

interface Surroundings extends Pick<ReadDispatcher, 'programId'> {
  readonly pinned: PinnedDispatcher | undefined;
  readonly types: Pick<ProgramTypes, 'functions'>;
}

function readMember(sys: Sys, slot: DispatcherSlot, at: number, around: Surroundings): DispatcherMember {
  const pins = around.pinned?.slots.find(({ slot: number }) => number === at);
  const id = pins?.programId;
  const program = id === undefined || id === null ? null : readMemberProgram(sys, id);
  return { ...slot, slot: at, program, lost: lostReason(pins, at, around) };
}

/** A program that may be a member, with its whole name. Null when it is gone. */
export function readMemberProgram(sys: Sys, id: number): DispatcherMember['program'] {
  const fd = openById(sys, 'program', id);
  if (fd === undefined) return null;
  using program = BpfProgram.adopt(sys, fd);
  const { tag, loadTime, name } = program.info();
  return { id, name: wholeName(program, name), tag, loadTime };
}

/** The kernel keeps 15 characters; the types of the program have all of them. */
function wholeName(program: BpfProgram, name: string): string {
  if (name.length < BPF_OBJ_NAME_LEN - 1 || program.info().btfId === 0) return name;
  const [first] = readProgramTypes(program).functions;
  return first?.name.startsWith(name) === true ? first.name : name;
}

/** Why a slot's link does not make it run in this dispatcher; null when it does, as far as the kernel reports. */
export function lostReason(
  pins: PinnedSlot | undefined,
  at: number,
  { programId, types }: Pick<Surroundings, 'programId' | 'types'>,
): string | null {
  const link = pins?.link;
  if (pins === undefined || link === undefined || link === null)
    return `the link of slot ${at} is not pinned`;
  if (link.type !== BPF_LINK_TYPE_TRACING)
    return `the pinned link of slot ${at} is not that of a replacement`;
  if (pins.programId !== null && link.programId !== pins.programId)
    return `the link of slot ${at} runs program ${link.programId}, not ${pins.programId}`;
  if (link.targetId !== null && link.targetId !== programId)
    return `the link of slot ${at} leads to program ${link.targetId}, not to the dispatcher`;
  if (link.targetType === null) return null;
  const target = types.functions.find(({ btfId }) => btfId === link.targetType);
  // a single member replaces the dispatcher's own function
  if (target?.name === slotName(at) || target?.name === DISPATCHER_PROGRAM) return null;
  return `the link of slot ${at} replaces ${target === undefined ? 'something else' : quote(target.name)}`;
}

function brokenPins(
  members: readonly DispatcherMember[],
  pinned: PinnedDispatcher | undefined,
): string | null {
  if (members.length === 0) return null;
  const missing = members.filter(({ program }) => program === null).map(({ slot }) => slotName(slot));
  if (missing.length === 0) return pinned === undefined ? 'its pins are missing' : null;
  return pinned === undefined ? 'its pins are missing' : `pins are missing: ${missing.join(', ')}`;
}

function other(reason: string): { readonly kind: 'other'; readonly reason: string } {
  return { kind: 'other', reason };
}

function damaged(reason: string): { readonly kind: 'damaged'; readonly reason: string } {
  return { kind: 'damaged', reason };
}
