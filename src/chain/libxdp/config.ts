/**
 * The configuration of a dispatcher of libxdp: bytes of its only map, in three versions.
 *
 * Version 1 has neither magic nor version: what tells it apart is that its first byte, the number of programs, is
 * never the magic; which version it is, only the dispatcher's types state. A mask of verdicts always has bit 31 set,
 * the result of a slot without a program.
 *
 * Source: protocol.org and xdp_dispatcher.h of xdp-tools 1.0 to 1.6.
 */

import { type ByteOrder, elementAt, type RecordOf, record, u8, u32s, viewOf } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { BPF_F_XDP_HAS_FRAGS } from '../../uapi/index.ts';

/** Programs of one dispatcher. */
export const MAX_SLOTS = 10;
/** Result of a slot without a program. */
export const EMPTY_SLOT = 31;
/** The first byte since version 2. */
export const MAGIC = 236;

/** Layouts that are read and written. */
export const DISPATCHER_VERSIONS = [1, 2, 3] as const;
export type DispatcherVersion = (typeof DISPATCHER_VERSIONS)[number];

/** Fields by version, in the order of the struct. */
export const CONFIG_FIELDS = {
  1: { num_progs_enabled: u8, chain_call_actions: u32s(MAX_SLOTS), run_prios: u32s(MAX_SLOTS) },
  2: {
    magic: u8,
    dispatcher_version: u8,
    num_progs_enabled: u8,
    is_xdp_frags: u8,
    chain_call_actions: u32s(MAX_SLOTS),
    run_prios: u32s(MAX_SLOTS),
    program_flags: u32s(MAX_SLOTS),
  },
  3: {
    magic: u8,
    dispatcher_version: u8,
    num_progs_enabled: u8,
    is_xdp_frags: u8,
    chain_call_actions: u32s(MAX_SLOTS),
    run_prios: u32s(MAX_SLOTS),
    program_flags: u32s(MAX_SLOTS),
    is_xdp_devbound: u8,
  },
} as const;

/** `struct xdp_dispatcher_config` by version. */
export const CONFIG_LAYOUTS = {
  1: record('xdp_dispatcher_config', CONFIG_FIELDS[1]),
  2: record('xdp_dispatcher_config', CONFIG_FIELDS[2]),
  3: record('xdp_dispatcher_config', CONFIG_FIELDS[3]),
} as const;

type ConfigRecord = RecordOf<(typeof CONFIG_LAYOUTS)[DispatcherVersion]>;

export interface DispatcherSlot {
  /** Verdicts by number, 0 to 30, after which the next slot is called; ascending. */
  readonly continueOn: readonly number[];
  /** Lower ones run earlier. */
  readonly priority: number;
  /** BPF_F_XDP_HAS_FRAGS, BPF_F_XDP_DEV_BOUND_ONLY: what the program was loaded with. 0 in version 1. */
  readonly flags: number;
}

export interface DispatcherConfig {
  readonly version: DispatcherVersion;
  /** Those with a program, in the order in which they run; at most `MAX_SLOTS`. */
  readonly slots: readonly DispatcherSlot[];
  /** The dispatcher takes packets of several buffers. */
  readonly frags: boolean;
  /** The dispatcher is bound to a device; only in version 3. */
  readonly deviceBound: boolean;
}

/** What the bytes of a configuration are. */
export type DecodedConfig =
  | { readonly kind: 'config'; readonly config: DispatcherConfig }
  /** Of a later version of the protocol. */
  | { readonly kind: 'newer'; readonly version: number }
  /** `reason` completes `the configuration …`. */
  | { readonly kind: 'damaged'; readonly reason: string };

/** The bytes of a configuration: `CONFIG_LAYOUTS[version].size` of them. */
export function encodeConfig(config: DispatcherConfig, order: ByteOrder): Uint8Array {
  const { version, slots, frags, deviceBound } = config;
  if (slots.length > MAX_SLOTS) throw bugError([], `${slots.length} programs for ${MAX_SLOTS} slots`);
  const bytes = new Uint8Array(CONFIG_LAYOUTS[version].size);
  const view = viewOf(bytes);
  const arrays = {
    num_progs_enabled: slots.length,
    chain_call_actions: slotValues(slots, ({ continueOn }) => maskOf(continueOn)),
    run_prios: slotValues(slots, ({ priority }) => priority),
  };
  const head = { magic: MAGIC, dispatcher_version: version, is_xdp_frags: Number(frags) };
  const program_flags = slotValues(slots, ({ flags }) => flags);
  const is_xdp_devbound = Number(deviceBound);
  if (version === 1) CONFIG_LAYOUTS[1].encode(view, 0, arrays, order);
  else if (version === 2) CONFIG_LAYOUTS[2].encode(view, 0, { ...head, ...arrays, program_flags }, order);
  else CONFIG_LAYOUTS[3].encode(view, 0, { ...head, ...arrays, program_flags, is_xdp_devbound }, order);
  return bytes;
}

/** Unused slots are zero. */
function slotValues(
  slots: readonly DispatcherSlot[],
  fieldOf: (slot: DispatcherSlot) => number,
): readonly number[] {
  const values = slots.map(fieldOf);
  return [...values, ...new Array<number>(MAX_SLOTS - values.length).fill(0)];
}

/** Bit n: the next slot is called after verdict n. */
export function maskOf(verdicts: readonly number[]): number {
  let mask = 2 ** EMPTY_SLOT;
  for (const verdict of new Set(verdicts)) {
    if (!Number.isInteger(verdict) || verdict < 0 || verdict >= EMPTY_SLOT)
      throw bugError([], `${verdict} is not a verdict of a mask`);
    mask += 2 ** verdict;
  }
  return mask;
}

/** The verdicts of a mask, without the result of an empty slot. */
export function verdictsIn(mask: number): readonly number[] {
  return Array.from({ length: EMPTY_SLOT }, (_, verdict) => verdict).filter(
    verdict => Math.floor(mask / 2 ** verdict) % 2 === 1,
  );
}

/**
 * Reads the value of a dispatcher's map. `metadataVersion`: the version that its types state; null if they state
 * none. Longer values are accepted, as by libxdp.
 */
export function decodeConfig(
  bytes: Uint8Array,
  metadataVersion: number | null,
  order: ByteOrder,
): DecodedConfig {
  const version = versionOf(bytes, metadataVersion);
  if (version === null) return damaged('has no version: neither a magic byte nor types that state one');
  const known = DISPATCHER_VERSIONS.find(one => one === version);
  if (known === undefined) {
    const last = Math.max(...DISPATCHER_VERSIONS);
    return version > last
      ? { kind: 'newer', version }
      : damaged(`has version ${version}, which does not exist`);
  }
  const { size } = CONFIG_LAYOUTS[known];
  if (bytes.length < size)
    return damaged(`has ${bytes.length} bytes; version ${known} of the protocol has ${size}`);
  return checked(known, bytes, order);
}

function versionOf(bytes: Uint8Array, metadataVersion: number | null): number | null {
  if (bytes[0] !== MAGIC) return metadataVersion;
  return bytes.length > 1 ? viewOf(bytes).getUint8(1) : null;
}

function decodeRecord(version: DispatcherVersion, view: DataView, order: ByteOrder): ConfigRecord {
  return CONFIG_LAYOUTS[version].decode(view, 0, order);
}

function checked(version: DispatcherVersion, bytes: Uint8Array, order: ByteOrder): DecodedConfig {
  const view = viewOf(bytes);
  const fields = decodeRecord(version, view, order);
  const { num_progs_enabled: count } = fields;
  if (count > MAX_SLOTS) return damaged(`has ${count} programs, which is more than ${MAX_SLOTS}`);
  if ('magic' in fields && fields.magic !== MAGIC)
    return damaged(
      `begins with ${fields.magic} instead of ${MAGIC} though its types state version ${version}`,
    );
  const flags = 'program_flags' in fields ? fields.program_flags : [];
  const slots = Array.from({ length: count }, (_, at): DispatcherSlot => {
    return {
      continueOn: verdictsIn(elementAt(fields.chain_call_actions, at)),
      priority: elementAt(fields.run_prios, at),
      flags: flags.length === 0 ? 0 : elementAt(flags, at),
    };
  });
  const frags = 'is_xdp_frags' in fields && fields.is_xdp_frags !== 0;
  const deviceBound = 'is_xdp_devbound' in fields && fields.is_xdp_devbound !== 0;
  return { kind: 'config', config: { version, slots, frags, deviceBound } };
}

function damaged(reason: string): DecodedConfig {
  return { kind: 'damaged', reason };
}

/** Whether a slot's program takes packets of several buffers. */
export function takesFrags({ flags }: Pick<DispatcherSlot, 'flags'>): boolean {
  return (flags & BPF_F_XDP_HAS_FRAGS) !== 0;
}
