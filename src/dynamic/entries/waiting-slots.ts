/**
 * Slots of a consumer's own arrays, in which pending externs wait: filled when the record that has their bindings is
 * complete and does not count yet. Separate from pending.ts, since recovery after a kill decides by them whether the
 * record counts, and empties those of one that does not.
 */

import { RootletError } from '../../diag/index.ts';
import { type BpfMap, type BpfProgram, encodeU32s } from '../../kernel/index.ts';
import type { Contents, Store, StoreEntry } from '../../store/index.ts';
import type { Binding } from '../bind/index.ts';
import { clearSlot, setSlot } from '../providers/index.ts';
import { readBindings } from './stored.ts';

/** Whether a binding is pending. */
export function isPending(binding: Binding): boolean {
  return binding.provider === '' && binding.slot !== null;
}

export interface WaitingSlot {
  readonly array: BpfMap;
  readonly entry: number;
  readonly program: BpfProgram;
}

/** Saves an entry whose record has bindings for `slots`, which were empty. On any failure they are empty again. */
export function saveFilling(
  store: Store,
  { kind, name }: Pick<StoreEntry, 'kind' | 'name'>,
  contents: Contents,
  slots: readonly WaitingSlot[],
): void {
  try {
    store.save(kind, name, contents, () => {
      for (const { array, entry, program } of slots) setSlot(array, entry, program);
    });
  } catch (error) {
    throw afterEmptying(slots, error);
  }
}

/** The error to throw: what could not be emptied is reported with the cause. */
function afterEmptying(slots: readonly WaitingSlot[], cause: unknown): unknown {
  try {
    for (const { array, entry } of slots) clearSlot(array, entry);
    return cause;
  } catch (error) {
    if (!(error instanceof RootletError) || !(cause instanceof RootletError)) return cause;
    return new RootletError([...cause.problems, ...error.problems], { cause });
  }
}

/**
 * Whether a whole generation that a killed process left counts, because all slots are filled that it binds; else they
 * are emptied. Undefined when it binds none that waits in the generation that counts.
 */
export function recoverWaiting(left: StoreEntry, store: Store): boolean | undefined {
  const current = store.peek(left.kind, left.name);
  if (current === undefined || current.kind === 'broken') return undefined;
  const slots = slotsBoundBetween(readBindings(current) ?? [], readBindings(left) ?? []);
  if (slots.length === 0) return undefined;
  const isFilled = slots.every(({ array, entry }) => {
    using map = store.openMap(current, array);
    return map.lookup(encodeU32s([entry])) !== undefined;
  });
  if (isFilled) return true;
  for (const { array, entry } of slots) {
    using map = store.openMap(current, array);
    clearSlot(map, entry);
  }
  return false;
}

function slotsBoundBetween(before: readonly Binding[], after: readonly Binding[]) {
  const waiting = new Set(before.filter(isPending).map(({ of, extern }) => `${of} ${extern}`));
  return after.flatMap(({ of, extern, via, provider, slot }) =>
    via === 'tail' && provider !== '' && slot !== null && waiting.has(`${of} ${extern}`) ? [slot] : [],
  );
}
