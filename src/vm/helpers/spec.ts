/**
 * How a helper function is described: what its arguments mean, so that compiled code can check them, and what
 * it does.
 *
 * Compiled code checks every pointer before the helper runs, so that no helper has to. Helpers get plain
 * numbers: 64-bit values do not cross between WebAssembly and JavaScript as such, which would make bigints of
 * them.
 */

import { bugError } from '../../diag/index.ts';
import { helperId } from '../../isa/index.ts';
import type { MachineState, ProgramKind } from '../state/index.ts';

export type ArgumentKind =
  /** The context; checked, not passed. */
  | 'context'
  /** A map; passed as its number. */
  | 'map'
  /** Pointer to a key or value of the map argument, read or written by the helper; passed as an address. */
  | 'key'
  | 'value'
  | 'value-out'
  /** Pointer to as many bytes as the `size` argument after it says. */
  | 'memory'
  | 'memory-out'
  | 'size'
  /** Pointer to 8 or 4 bytes that are written. */
  | 'out8'
  | 'out4'
  /** Pointer to a NUL-terminated string in memory that can be read. */
  | 'text'
  /** A function that is called back; passed as its number in the table. */
  | 'callback'
  /** Low 32 bits, passed as i32. */
  | 'u32'
  /** As i32; what does not fit in 32 bits is passed as -1. */
  | 'flags'
  /** Two i32, the low half first. */
  | 'u64'
  /** An address that the helper checks itself; -1 when it is above 32 bits. */
  | 'address'
  /** Not passed. */
  | 'ignored';

/** How the number that the helper returns becomes r0. */
export type ReturnKind =
  /** i32, sign-extended: 0 or a negative errno, or a small count. */
  | 's32'
  /** i32, zero-extended: addresses, hashes. */
  | 'u32'
  /** A double holding an integer of up to 53 bits. */
  | 'f64';

export type HelperFunction = (machine: MachineState, ...args: number[]) => number;

export interface Helper {
  /** enum bpf_func_id. */
  readonly id: number;
  readonly name: string;
  readonly args: readonly ArgumentKind[];
  readonly returns: ReturnKind;
  /** Kinds of program that may call it; null for all. */
  readonly programs: readonly ProgramKind[] | null;
  /**
   * What the function gets as a last argument: the caller's frame, to call back with, or the site, to fail
   * with.
   */
  readonly extra: 'frame' | 'site' | null;
  /** Null where compiled code does all of it. */
  readonly run: HelperFunction | null;
  /** What differs from the kernel, for the documentation; '' for nothing. */
  readonly note: string;
}

interface HelperOptions {
  readonly returns?: ReturnKind;
  readonly programs?: readonly ProgramKind[];
  readonly extra?: 'frame' | 'site';
  readonly note?: string;
}

/** Describes a helper by its name without `bpf_`. */
export function helper(
  name: string,
  args: readonly ArgumentKind[],
  run: HelperFunction | null,
  options: HelperOptions = {},
): Helper {
  const id = helperId(`bpf_${name}`);
  if (id === undefined) throw bugError([], `there is no helper bpf_${name}`);
  return {
    id,
    name,
    args,
    run,
    returns: options.returns ?? 's32',
    programs: options.programs ?? null,
    extra: options.extra ?? null,
    note: options.note ?? '',
  };
}
