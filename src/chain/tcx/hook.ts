/**
 * What is on a tcx hook: the kernel's list of programs, and which of them are members that entries of the store
 * keep. The kernel alone says what runs and in which order; entries only name it.
 */

import { existsSync } from 'node:fs';
import { platformError, quote, RootletError } from '../../diag/index.ts';
import { endOf, findHook, HOOK_LINK, hookFacts, InterfaceSpot } from '../../hooks/index.ts';
import { type HookProgram, programsOn, tcxAttachType } from '../../kernel/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import { requireReadEntries } from '../facts/index.ts';
import type { ChainHook } from '../model/index.ts';
import type { TcxContext } from './context.ts';
import { readTcxFacts, recordedHook, type TcxFacts } from './record.ts';

/** A member that an entry keeps. */
export interface TcxMember {
  readonly entry: StoreEntry;
  readonly facts: TcxFacts;
  /** Name of its function. */
  readonly program: string;
  /** Id of the link that the entry keeps; 0 if it has none. */
  readonly linkId: number;
}

/** A program on the hook. */
export interface TcxRow extends HookProgram {
  /** Null for a program that no chain of this store has. */
  readonly member: TcxMember | null;
}

export interface TcxHook {
  readonly hook: ChainHook;
  /** In the order in which they run. */
  readonly rows: readonly TcxRow[];
  /** Members of this hook that are not on it: their links have ended. */
  readonly lost: readonly TcxMember[];
  readonly revision: bigint;
}

/**
 * Reads a hook of an interface of this network namespace. Throws `kernel-attachment`, `attach-other-netns`, and
 * `chain-back-end` where the kernel has no tcx.
 */
export function readTcxHook(context: TcxContext, hook: ChainHook): TcxHook {
  const found = readOnce(context, hook);
  // what another process is just attaching or moving is not a program of another tool
  if (found.rows.every(({ member }) => member !== null)) return found;
  return existsSync(context.store.root) ? whenQuiet(context, hook, found) : found;
}

/** Between two changes; what was read already where a change takes long. */
function whenQuiet(context: TcxContext, hook: ChainHook, found: TcxHook): TcxHook {
  try {
    return context.store.locked(() => readOnce(context, hook));
  } catch (error) {
    if (error instanceof RootletError && error.code === 'kernel-lock-busy') return found;
    throw error;
  }
}

/** Whether the kernel runs programs on this hook by tcx. */
export function hasTcx({ sys }: Pick<TcxContext, 'sys'>, { ifindex, direction }: ChainHook): boolean {
  return direction !== null && programsOn(sys, ifindex, tcxAttachType(direction)) !== undefined;
}

function readOnce({ sys, store }: TcxContext, hook: ChainHook): TcxHook {
  const at = recordedHook(hook);
  new InterfaceSpot(sys, hook.ifindex, hook.interface, hook.netns).requireHere(` ${at.direction}`);
  const there = programsOn(sys, hook.ifindex, tcxAttachType(at.direction));
  if (there === undefined) throw noTcx(hook);
  const entries = store.list();
  const members = membersAmong(entries);
  const byLink = new Map(members.map(member => [member.linkId, member]));
  byLink.delete(0);
  const rows = there.programs.map(row => ({ ...row, member: byLink.get(row.linkId) ?? null }));
  const unknown = rows.flatMap(({ member, programId }) => (member === null ? [programId] : []));
  if (unknown.length > 0) requireReadEntries(store, entries, () => unknown);
  const running = new Set(rows.map(({ member }) => member));
  const lost = members.filter(
    member =>
      !running.has(member) && isSameHook(member.facts.hook, at) && endOfMember(store, member) !== undefined,
  );
  return { hook, rows, lost, revision: there.revision };
}

/** All members of tcx chains that the store keeps, on whichever hook. Records that cannot be read are left out. */
export function tcxMembers(store: Store): TcxMember[] {
  return membersAmong(store.list());
}

function membersAmong(entries: ReturnType<Store['list']>): TcxMember[] {
  return entries.flatMap((entry): TcxMember[] => {
    if (entry.kind !== 'hook') return [];
    const facts = readTcxFacts(entry);
    if (facts === undefined) return [];
    const link = entry.record.links.find(({ name }) => name === HOOK_LINK);
    return [{ entry, facts, program: hookFacts(entry).program, linkId: link?.id ?? 0 }];
  });
}

/** Why it no longer runs; undefined while it is attached to something, here or in another network namespace. */
export function endOfMember(store: Store, { entry }: TcxMember): string | undefined {
  using hook = findHook(store, entry);
  if (hook === undefined) return 'its link is gone';
  return hook.link === null ? undefined : endOf(hook.link.info());
}

/** An interface of another name with this number is another one: numbers are used again. */
function isSameHook(a: TcxFacts['hook'], b: TcxFacts['hook']): boolean {
  return (
    a.ifindex === b.ifindex &&
    a.netns === b.netns &&
    a.interface === b.interface &&
    a.direction === b.direction
  );
}

function noTcx({ interface: name }: ChainHook) {
  return platformError('chain-back-end', [`interface ${quote(name)}`], 'it has no tcx hook', {
    hint: 'tcx needs Linux 6.6: --via static links the members into one filter',
  });
}
