/**
 * Types of what is loaded, by the id of their BTF object. The kernel opens it by its id for CAP_SYS_ADMIN only, and a BTF
 * object cannot be pinned: a process without that capability remembers the types that it loads, and finds others where
 * `addPinnedObjects` looks. Separate from info.ts, which only asks the kernel.
 */

import { RootletError } from '../../diag/index.ts';
import { ownCapabilities, type Sys } from '../sys/index.ts';
import { isNotVisible, openById, pinnedTypes, readBtfBytes, readBtfInfo } from './info.ts';

const remembered = new WeakMap<Sys, Map<number, Uint8Array>>();

/** Whether the kernel loads types for this process and does not open them again. */
function mayOnlyLoad(): boolean {
  const { bpf, sysAdmin } = ownCapabilities();
  return bpf && !sysAdmin;
}

/** Remembers types that were just loaded, where this process could not open them by their id. `fd` stays the caller's. */
export function rememberTypes(sys: Sys, fd: number, bytes: Uint8Array): void {
  if (!mayOnlyLoad()) return;
  try {
    const known = remembered.get(sys) ?? new Map<number, Uint8Array>();
    known.set(readBtfInfo(sys, fd).id, bytes);
    remembered.set(sys, known);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error; // whoever needs them reports that they cannot be opened
  }
}

/** Raw BTF by its id; undefined when it is gone. Throws `kernel-ids`. */
export function typesById(sys: Sys, id: number): Uint8Array | undefined {
  const own = remembered.get(sys)?.get(id);
  if (own !== undefined) return own;
  try {
    using fd = openById(sys, 'btf', id);
    return fd === undefined ? undefined : readBtfBytes(sys, fd.number);
  } catch (error) {
    const kept = isNotVisible(error) ? pinnedTypes(sys, id) : undefined;
    if (kept === undefined) throw error;
    return kept;
  }
}

/**
 * What has to be kept of BTF objects, so that a process like this one finds the types of what it pins: raw BTF by ids.
 * Empty for a process that can open them.
 */
export function typesToKeep(sys: Sys, ids: () => Iterable<number>): ReadonlyMap<number, Uint8Array> {
  const kept = new Map<number, Uint8Array>();
  if (!mayOnlyLoad()) return kept;
  for (const id of ids()) {
    if (id === 0 || kept.has(id)) continue;
    const bytes = quietly(() => typesById(sys, id));
    if (bytes !== undefined) kept.set(id, bytes);
  }
  return kept;
}

/** Types are optional: without them less is known of the entry. */
function quietly<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}
