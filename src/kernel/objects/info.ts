/** Info of kernel objects: BPF_OBJ_GET_INFO_BY_FD and the walks over ids. */

import { readFileSync } from 'node:fs';
import { viewOf } from '../../bytes/index.ts';
import { RootletError } from '../../diag/index.ts';
import {
  BPF_BTF_GET_FD_BY_ID,
  BPF_BTF_GET_NEXT_ID,
  BPF_LINK_GET_FD_BY_ID,
  BPF_LINK_GET_NEXT_ID,
  BPF_MAP_GET_FD_BY_ID,
  BPF_MAP_GET_NEXT_ID,
  BPF_OBJ_GET_INFO_BY_FD,
  BPF_PROG_GET_FD_BY_ID,
  BPF_PROG_GET_NEXT_ID,
  EAGAIN,
  ENOENT,
  EPERM,
} from '../../uapi/index.ts';
import { bpf, decodeU32s, Fd, type Sys, syscallError } from '../sys/index.ts';
import {
  BtfInfo,
  decodeAttr,
  encodeAttr,
  HOST_ORDER,
  IdAttr,
  InfoAttr,
  LinkInfo,
  MapInfo,
  ProgInfo,
} from '../uapi/index.ts';

/** A map as the kernel describes it. */
export interface MapDescription {
  readonly id: number;
  /** As the kernel has it: at most 15 characters. */
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly ifindex: number;
  /** 0 without BTF. */
  readonly btfId: number;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
}

/** A program as the kernel describes it. */
export interface ProgramDescription {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  /** Hash of the instructions before maps were filled in, 16 hexadecimal digits. */
  readonly tag: string;
  /** Nanoseconds from the start of the machine to its load. */
  readonly loadTime: bigint;
  readonly gplCompatible: boolean;
  readonly btfId: number;
  readonly mapIds: readonly number[];
  /**
   * FUNC types of the program and its subprograms, with the instruction each starts at after verification.
   */
  readonly functions: readonly { readonly insnOffset: number; readonly typeId: number }[];
  /** Bytes of machine code; 0 without JIT. */
  readonly jitedLength: number;
  /** Bytes of instructions after verification. */
  readonly xlatedLength: number;
  /** Instructions that the verifier looked at (since Linux 5.16). */
  readonly verifiedInsns: number;
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
  readonly attachBtfId: number;
  readonly attachBtfObjectId: number;
  /** Interface that it was loaded for; 0 for programs that are not bound to a device. */
  readonly ifindex: number;
}

export interface LinkDescription {
  readonly id: number;
  readonly type: number;
  readonly programId: number;
  /**
   * What follows depends on the type: XDP ifindex; tracing attach type, target object id, target BTF id; …
   */
  readonly words: readonly [number, number, number, number];
}

function tryFillInfo(sys: Sys, fd: number, info: Uint8Array, buffers: readonly Uint8Array[]): number {
  const attr = encodeAttr(InfoAttr, { bpf_fd: fd, info_len: info.length, info: sys.addressOf(info) });
  return bpf(sys, BPF_OBJ_GET_INFO_BY_FD, attr, [info, ...buffers]);
}

/** Fills `info` (in place); throws `kernel-info`. */
function fillInfo(sys: Sys, fd: number, info: Uint8Array, buffers: readonly Uint8Array[] = []): void {
  const result = tryFillInfo(sys, fd, info, buffers);
  if (result < 0) throw syscallError('kernel-info', [], 'getting info of a kernel object', result);
}

/** Asks about the map of `fd`. */
export function readMapInfo(sys: Sys, fd: number): MapDescription {
  const bytes = new Uint8Array(MapInfo.size);
  fillInfo(sys, fd, bytes);
  const info = decodeAttr(MapInfo, bytes);
  return {
    id: info.id,
    name: info.name,
    type: info.type,
    keySize: info.key_size,
    valueSize: info.value_size,
    maxEntries: info.max_entries,
    flags: info.map_flags,
    mapExtra: info.map_extra,
    ifindex: info.ifindex,
    btfId: info.btf_id,
    keyTypeId: info.btf_key_type_id,
    valueTypeId: info.btf_value_type_id,
  };
}

/**
 * Whether user space may no longer write the map of `fd` (BPF_MAP_FREEZE). The kernel tells it in /proc alone, since Linux
 * 5.2; false where that cannot be read.
 */
export function isFrozen(fd: number): boolean {
  try {
    return /^frozen:\s*1$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
  } catch {
    return false;
  }
}

/** Asks about the program of `fd`: once for the counts, then with room for the lists. */
export function readProgramInfo(sys: Sys, fd: number): ProgramDescription {
  const counts = new Uint8Array(ProgInfo.size);
  fillInfo(sys, fd, counts);
  const { nr_map_ids, nr_func_info, func_info_rec_size } = decodeAttr(ProgInfo, counts);
  const mapIds = new Uint8Array(nr_map_ids * 4);
  const functions = new Uint8Array(nr_func_info * func_info_rec_size);
  const bytes = encodeAttr(ProgInfo, {
    nr_map_ids,
    map_ids: sys.addressOf(mapIds),
    nr_func_info,
    func_info_rec_size,
    func_info: sys.addressOf(functions),
  });
  fillInfo(sys, fd, bytes, [mapIds, functions]);
  const info = decodeAttr(ProgInfo, bytes);
  return {
    id: info.id,
    name: info.name,
    type: info.type,
    tag: info.tag,
    loadTime: info.load_time,
    gplCompatible: info.gpl_compatible % 2 === 1,
    btfId: info.btf_id,
    mapIds: decodeU32s(mapIds),
    functions: decodeFunctions(functions, func_info_rec_size),
    jitedLength: info.jited_prog_len,
    xlatedLength: info.xlated_prog_len,
    verifiedInsns: info.verified_insns,
    runTimeNs: info.run_time_ns,
    runCount: info.run_cnt,
    attachBtfId: info.attach_btf_id,
    attachBtfObjectId: info.attach_btf_obj_id,
    ifindex: info.ifindex,
  };
}

function decodeFunctions(bytes: Uint8Array, recordSize: number): ProgramDescription['functions'] {
  if (recordSize < 8) return [];
  const view = viewOf(bytes);
  const little = HOST_ORDER === 'little';
  return Array.from({ length: Math.floor(bytes.length / recordSize) }, (_, index) => ({
    insnOffset: view.getUint32(index * recordSize, little),
    typeId: view.getUint32(index * recordSize + 4, little),
  }));
}

export interface BtfDescription {
  readonly id: number;
  /** `vmlinux` or a module's name; '' for a program's BTF. */
  readonly name: string;
  readonly kernel: boolean;
  readonly size: number;
}

/** Asks about the BTF of `fd`, without its contents (`readBtfBytes`). */
export function readBtfInfo(sys: Sys, fd: number): BtfDescription {
  const name = new Uint8Array(64);
  let bytes = encodeAttr(BtfInfo, { name: sys.addressOf(name), name_len: name.length });
  if (tryFillInfo(sys, fd, bytes, [name]) < 0) {
    bytes = new Uint8Array(BtfInfo.size); // before Linux 5.11 BTF has no name: it is a program's
    fillInfo(sys, fd, bytes);
  }
  const info = decodeAttr(BtfInfo, bytes);
  const end = name.indexOf(0);
  return {
    id: info.id,
    name: new TextDecoder().decode(name.subarray(0, end < 0 ? name.length : end)),
    kernel: info.kernel_btf !== 0,
    size: info.btf_size,
  };
}

/** The raw BTF of `fd`. */
export function readBtfBytes(sys: Sys, fd: number): Uint8Array {
  const btf = new Uint8Array(readBtfInfo(sys, fd).size);
  const bytes = encodeAttr(BtfInfo, { btf: sys.addressOf(btf), btf_size: btf.length });
  fillInfo(sys, fd, bytes, [btf]);
  return btf;
}

/** Asks about the attachment (bpf_link) of `fd`. */
export function readLinkInfo(sys: Sys, fd: number): LinkDescription {
  const bytes = new Uint8Array(LinkInfo.size);
  fillInfo(sys, fd, bytes);
  const info = decodeAttr(LinkInfo, bytes);
  return {
    id: info.id,
    type: info.type,
    programId: info.prog_id,
    words: [info.word0, info.word1, info.word2, info.word3],
  };
}

const WALKS = {
  program: { next: BPF_PROG_GET_NEXT_ID, open: BPF_PROG_GET_FD_BY_ID },
  map: { next: BPF_MAP_GET_NEXT_ID, open: BPF_MAP_GET_FD_BY_ID },
  btf: { next: BPF_BTF_GET_NEXT_ID, open: BPF_BTF_GET_FD_BY_ID },
  link: { next: BPF_LINK_GET_NEXT_ID, open: BPF_LINK_GET_FD_BY_ID },
} as const;

export type ObjectKind = keyof typeof WALKS;

function listHint(result: number): { hint?: string } {
  return result === -EPERM ? { hint: 'CAP_SYS_ADMIN is needed to look at all objects of the kernel' } : {};
}

/** Ids of all objects of a kind, ascending. Needs CAP_SYS_ADMIN; throws `kernel-ids`. */
export function listIds(sys: Sys, kind: ObjectKind): number[] {
  const ids: number[] = [];
  for (let id = 0; ; ) {
    const attr = encodeAttr(IdAttr, { start_id: id });
    const result = bpf(sys, WALKS[kind].next, attr);
    if (result === -ENOENT) return ids;
    if (result < 0) throw syscallError('kernel-ids', [], `listing ${kind} ids`, result, listHint(result));
    id = decodeAttr(IdAttr, attr).next_id;
    ids.push(id);
  }
}

/**
 * The object with an id, or undefined when it is gone. Without CAP_SYS_ADMIN the kernel opens none: then those are
 * found that have a pin where `addPinnedObjects` looks. Throws `kernel-ids`.
 */
export function openById(sys: Sys, kind: ObjectKind, id: number): Fd | undefined {
  const result = bpf(sys, WALKS[kind].open, encodeAttr(IdAttr, { start_id: id }));
  if (result >= 0) return Fd.adopt(sys, result);
  if (result === -ENOENT || (kind === 'link' && result === -EAGAIN)) return undefined; // EAGAIN: it is not attached yet
  const pinned = result === -EPERM && kind !== 'btf' ? openPinnedById(sys, kind, id) : undefined;
  if (pinned !== undefined) return pinned;
  throw syscallError('kernel-ids', [], `opening ${kind} ${id}`, result, idHint(kind, result));
}

function idHint(kind: ObjectKind, result: number): { hint?: string } {
  if (result !== -EPERM) return {};
  const what =
    kind === 'btf' ? 'read the types of what is loaded' : `open a ${kind} that has no pin in the store`;
  return { hint: `CAP_SYS_ADMIN is needed to ${what}` };
}

/** Objects that this process finds by paths: a store has the ids of what it pins in its records. */
export interface PinnedObjects {
  /** Owned by the caller; undefined for what it does not have. */
  open(kind: PinnableKind, id: number): Fd | undefined;
  /** Ids of all that it has of a kind. */
  ids(kind: PinnableKind): readonly number[];
  /** Raw BTF by the id of its object; undefined for what it does not have. */
  types(id: number): Uint8Array | undefined;
}

type PinnableKind = Exclude<ObjectKind, 'btf'>;

/** By directory, so that one that is opened again replaces itself. */
const pinnedObjects = new WeakMap<Sys, Map<string, PinnedObjects>>();

/** Lets `openById` look there where the kernel does not permit it to open an object by its id. */
export function addPinnedObjects(sys: Sys, directory: string, objects: PinnedObjects): void {
  const known = pinnedObjects.get(sys) ?? new Map<string, PinnedObjects>();
  known.set(directory, objects);
  pinnedObjects.set(sys, known);
}

const NOWHERE: ReadonlyMap<string, PinnedObjects> = new Map();

function openPinnedById(sys: Sys, kind: PinnableKind, id: number): Fd | undefined {
  for (const objects of (pinnedObjects.get(sys) ?? NOWHERE).values()) {
    const fd = objects.open(kind, id);
    if (fd !== undefined) return fd;
  }
  return undefined;
}

/** Types of a BTF object that a store keeps. */
export function pinnedTypes(sys: Sys, id: number): Uint8Array | undefined {
  for (const objects of (pinnedObjects.get(sys) ?? NOWHERE).values()) {
    const types = objects.types(id);
    if (types !== undefined) return types;
  }
  return undefined;
}

/** Ids of all objects of a kind; where this process may not list them, of those that have a pin in a store. */
export function visibleIds(
  sys: Sys,
  kind: PinnableKind,
): { readonly ids: readonly number[]; readonly all: boolean } {
  try {
    return { ids: listIds(sys, kind), all: true };
  } catch (error) {
    if (!isNotVisible(error)) throw error;
    const stores = [...(pinnedObjects.get(sys) ?? NOWHERE).values()];
    return { ids: [...new Set(stores.flatMap(store => store.ids(kind)))], all: false };
  }
}

/** Whether an error means that this process may not look at objects of others (no CAP_SYS_ADMIN). */
export function isNotVisible(error: unknown): boolean {
  return error instanceof RootletError && error.code === 'kernel-ids' && error.problems[0]?.errno === EPERM;
}
