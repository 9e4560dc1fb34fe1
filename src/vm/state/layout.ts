/**
 * Where things are in the machine's memory.
 *
 * BPF pointers are plain addresses in one WebAssembly memory. Its lower part holds the data, its upper part
 * one shadow byte for each of them; a byte that nobody gave permissions is not accessible. Regions keep a
 * distance, so that a pointer that leaves one finds nothing, and an error can say which one it left.
 *
 *   0            the null page: no program can touch it; the machine keeps its own cells there
 *   context      struct xdp_md or struct __sk_buff
 *   stacks       frames, the first one highest
 *   descriptors  one per map: what a map pointer points to
 *   functions    8 bytes per function: what a function pointer points to; holds nothing
 *   packet       headroom, packet, tailroom
 *   …            global variables, then maps
 */

import { alignUp } from '../../bytes/index.ts';
import { inputError, LIMITS } from '../../diag/index.ts';
import { MAX_CALL_FRAMES } from '../../object/index.ts';
import { FRAME_SIZE, FRAME_STRIDE } from './memory-model.ts';

/** Cells of the machine in the null page. */
export const CELL = {
  /** u64, little endian in any case: the clock of `bpf_ktime_get_ns`. */
  clock: 0x100,
  /** u64: the clock of `bpf_ktime_get_tai_ns`. */
  wallClock: 0x108,
  /** Five u64: arguments of a callback. */
  invokeArguments: 0x140,
} as const;

const NULL_PAGE = 0x10000;
const CONTEXT_SIZE = 0x1000;
/** Each of 33 tail calls may come from the last of 8 frames. */
const FRAMES_WITH_TAIL_CALLS = MAX_CALL_FRAMES * 34;
export const DESCRIPTOR_SIZE = 64;
/** Bytes between regions that nothing may access. */
export const REGION_GAP = 4096;

/** Bytes before a packet, as in `BPF_PROG_TEST_RUN`. */
export const HEADROOM = 256;
/** Room for the longest packet, and for what programs put before and after it. */
export const PACKET_SPACE = 0x90000;
/** Longest packet that is taken. */
export const MAX_PACKET = 0x80000;

export interface Region {
  /** What it is called in errors: `packet`, `map "blocked"`, `global variables ".bss"`. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Permissions inside never change, so that accesses to known addresses can be decided while compiling. */
  readonly stable?: boolean;
  /** Distance of elements, for the storage of a map. */
  readonly stride?: number;
  /** Bytes of one element that can be accessed. */
  readonly elementSize?: number;
}

/** Hands out addresses from the bottom up. */
export class LayoutBuilder {
  readonly #regions: Region[] = [];
  #end = NULL_PAGE;

  get regions(): readonly Region[] {
    return this.#regions;
  }

  /** First address after everything, a whole number of pages. */
  get end(): number {
    return alignUp(this.#end + REGION_GAP, 0x10000);
  }

  add(name: string, size: number, details: Omit<Region, 'name' | 'start' | 'end'> = {}, align = 64): number {
    const start = alignUp(this.#end + REGION_GAP, align);
    this.#end = start + size;
    this.#regions.push({ name, start, end: start + size, ...details });
    return start;
  }
}

export interface FixedNeeds {
  readonly maps: number;
  readonly functions: number;
  /** All programs have the same kind of context. */
  readonly oneKind: boolean;
  readonly tailCalls: boolean;
}

export interface FixedLayout {
  readonly context: number;
  /** Stack frames that there are. */
  readonly frames: number;
  /** `frame` of a program's main function. */
  readonly topFrame: number;
  readonly descriptors: number;
  readonly functions: number;
  /** First byte that a packet's headroom may reach. */
  readonly packet: number;
  /** 16 bytes for a key and a value of the machine's own. */
  readonly keyCell: number;
}

export function addFixedRegions(layout: LayoutBuilder, needs: FixedNeeds): FixedLayout {
  const frames = needs.tailCalls ? FRAMES_WITH_TAIL_CALLS : MAX_CALL_FRAMES;
  const context = layout.add('context', CONTEXT_SIZE, { stable: needs.oneKind }, 4096);
  const stacks = layout.add('stack', frames * FRAME_STRIDE, {}, FRAME_STRIDE);
  const descriptors = layout.add('map', Math.max(needs.maps, 1) * DESCRIPTOR_SIZE, {}, DESCRIPTOR_SIZE);
  const functionsAt = layout.add('function', Math.max(needs.functions, 1) * 8, {}, 8);
  const packet = layout.add('packet', PACKET_SPACE, {}, 4096);
  const keyCell = layout.add('map key', 16);
  const topFrame = stacks + frames * FRAME_STRIDE - FRAME_SIZE;
  return { context, frames, topFrame, descriptors, functions: functionsAt, packet, keyCell };
}

/** All that 32-bit addresses reach. */
const ADDRESSABLE = LIMITS.machine.most;
const MEBIBYTE = 0x100000;
const PAGE = 0x10000;

export function toMebibytes(bytes: number): number {
  return Math.ceil(bytes / MEBIBYTE);
}

/** More than all of a machine's memory: no limit helps. */
function impossibleHint(map: string | undefined): string {
  const most = `a machine has at most ${toMebibytes(ADDRESSABLE)} MiB`;
  return map === undefined
    ? `${most}: make the variables smaller`
    : `${most}: lower the map's max_entries (--max-entries ${map}=N; option maxEntries)`;
}

/** Options that make room, for a map that takes much of it where there is one. */
export function memoryHint(map: string | undefined): string {
  const raise = 'raise the limit (--limits machine=SIZE, or --memory SIZE; option maxMemory)';
  if (map === undefined) return raise;
  return `${raise}, or lower the map's max_entries (--max-entries ${map}=N; option maxEntries)`;
}

export interface MemoryNeeds {
  /** Bytes of data that are there from the start. */
  readonly fixed: number;
  /** Bytes that maps may take from the heap, if all their elements are used. */
  readonly heap: number;
  /** The map that has the most of `fixed`, if one has any. */
  readonly largest: string | undefined;
}

/**
 * Bytes of data that the memory of a machine can hold: as much of the heap as the limit, which counts the
 * shadow too, leaves. Throws `vm-memory-limit` when what is there from the start does not fit.
 */
export function memorySize(
  objectName: string,
  { fixed, heap, largest }: MemoryNeeds,
  wanted: number,
): number {
  const limit = Math.min(wanted, ADDRESSABLE);
  const most = Math.floor(limit / 2 / PAGE) * PAGE;
  if (fixed <= most) return Math.min(most, alignUp(fixed + heap, PAGE));
  throw inputError(
    'vm-memory-limit',
    [objectName],
    `its variables and small maps need ${toMebibytes(fixed * 2)} MiB of machine memory, more than the limit of ${toMebibytes(limit)} MiB`,
    { hint: fixed * 2 > ADDRESSABLE ? impossibleHint(largest) : memoryHint(largest) },
  );
}
