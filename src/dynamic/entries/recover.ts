/**
 * Recovery after a killed change of several entries: a new version of a loaded object with its consumers.
 *
 * All generations of such a change are complete before the first step that consumers notice, and the switch
 * of the provider's entry is the point of no return. A change killed before it is undone: hooks, arrays and
 * selectors are restored from the records of the entries. A change killed after it is completed: the
 * consumers' entries are switched.
 *
 * A consumer that was being bound to a new provider is decided by its own slots (`recoverWaiting`), first: its record
 * has the mark of an earlier upgrade as well.
 */

import { valueAt } from '../../bytes/index.ts';
import { hasHappened, hooksRunning, openOccupant } from '../../hooks/index.ts';
import { waitForPrograms } from '../../kernel/index.ts';
import { isObject, type JsonObject, type Store, type StoreEntry } from '../../store/index.ts';
import { selectStub } from '../bind/index.ts';
import { setSlot } from '../providers/index.ts';
import { decodeDynamic, pinNames, type StoredDynamic } from './stored.ts';
import { recoverWaiting } from './waiting-slots.ts';

const FIELD = 'upgrade';

/** Field of the data of all entries that change together. No two changes have the same. */
export function upgradeMark(provider: string): JsonObject {
  return { [FIELD]: { provider, token: `${process.pid}-${process.hrtime.bigint()}` } };
}

/**
 * Whether a whole generation that a killed process left counts, for `StoreOptions.hasHappened`. Takes back
 * what was changed for one that does not.
 */
export function recoverLeft(left: StoreEntry, store: Store): boolean {
  const bound = recoverWaiting(left, store);
  if (bound !== undefined) return bound;
  const mark = markOf(left);
  if (mark === undefined) return hasHappened(left, store);
  const provider = store.peek('object', mark.provider);
  const switched = provider?.kind === 'object' && markOf(provider)?.token === mark.token;
  if (switched && (left.kind === 'object' || hasHappened(left, store))) return true;
  const current = store.peek(left.kind, left.name);
  if (current !== undefined && current.kind !== 'broken') restore(store, current, left);
  return false;
}

function markOf({ record }: StoreEntry): { readonly provider: string; readonly token: string } | undefined {
  const mark = record.data[FIELD];
  if (!isObject(mark)) return undefined;
  const { provider, token } = mark;
  return typeof provider === 'string' && typeof token === 'string' ? { provider, token } : undefined;
}

/** Restores hooks, arrays and selectors from the entry's record. */
function restore(store: Store, current: StoreEntry, left: StoreEntry): void {
  restoreHooks(store, current, left);
  const stored = decodeDynamic(current.record.data);
  restoreArrays(store, current, stored);
  restoreOwnSlots(store, current, stored);
  restoreSelectors(store, current, stored);
  waitForPrograms(store.sys);
}

function restoreHooks(store: Store, current: StoreEntry, left: StoreEntry): void {
  const names = new Map(left.record.programs.map(({ id, name }) => [id, name]));
  for (const { id } of current.record.programs) names.delete(id);
  for (const { hook, programId } of hooksRunning(store, current, new Set(names.keys()))) {
    using _hook = hook;
    const name = valueAt(names, programId);
    if (!current.record.programs.some(program => program.name === name)) continue;
    using before = store.openProgram(current, name);
    using there = openOccupant(store, left, programId);
    hook.update(before, there ?? null);
  }
}

function restoreArrays(store: Store, current: StoreEntry, { arrays }: StoredDynamic): void {
  for (const { kind, functions } of arrays) {
    using array = store.openMap(current, pinNames.array(kind));
    functions.forEach((name, entry) => {
      using program = store.openProgram(current, pinNames.member(kind, name));
      setSlot(array, entry, program);
    });
  }
}

/** Of externs that were bound after the entry was loaded. */
function restoreOwnSlots(store: Store, current: StoreEntry, { bindings }: StoredDynamic): void {
  for (const { extern, slot } of bindings) {
    const name = pinNames.own(extern);
    if (slot === null || !current.record.programs.some(pin => pin.name === name)) continue;
    using array = store.openMap(current, slot.array);
    using program = store.openProgram(current, name);
    setSlot(array, slot.entry, program);
  }
}

function restoreSelectors(store: Store, current: StoreEntry, { bindings, stubs }: StoredDynamic): void {
  for (const { via, slot, extern } of bindings) {
    const active = stubs.find(stub => stub.extern === extern)?.stub;
    if (via === 'ext' && slot !== null && active !== undefined)
      selectStub(store, current, slot.entry, active);
  }
}
