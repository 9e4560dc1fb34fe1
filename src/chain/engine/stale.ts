/**
 * Entries of chains that run nowhere any more: a process was killed after it had detached one, or another tool took its
 * place. They are never believed; the next chain of the hook takes their place.
 */

import { counted, quote } from '../../diag/index.ts';
import { hasGeneratedRootlet } from '../../dynamic/index.ts';
import { surveyInterfaces } from '../../kernel/index.ts';
import type { StoreEntry } from '../../store/index.ts';
import type { ChainHook } from '../model/index.ts';
import type { ChainContext } from './context.ts';
import { isAt } from './recorded.ts';

/** What is left of chains of a hook on which none runs. */
export interface StaleChains {
  readonly entries: readonly StoreEntry[];
  /** What became of each, once it is removed or replaced, and which cannot be; one sentence each. */
  readonly notes: readonly string[];
}

/**
 * The hook runs no chain. An interface may have been moved together with its chain, and its number used again: an entry
 * whose program is attached anywhere is not stale, and one of which that is not known stays.
 */
export function staleChains({ sys, store }: ChainContext, hook: ChainHook): StaleChains {
  const left = store.list().filter((one): one is StoreEntry => one.kind === 'hook' && isOf(one, hook));
  if (left.length === 0) return { entries: [], notes: [] };
  const { attached, gaps } = surveyInterfaces(sys);
  const there = new Set(attached.map(({ programId }) => programId));
  const entries = left.filter(({ record }) => !record.programs.some(({ id }) => there.has(id)));
  return gaps.length > 0
    ? { entries: [], notes: entries.map(entry => unsure(entry, gaps)) }
    : { entries, notes: entries.map(removed) };
}

/** Removes them; the notes of what was removed. */
export function removeStale(context: ChainContext, hook: ChainHook): StaleChains {
  const stale = staleChains(context, hook);
  for (const entry of stale.entries) context.store.remove(entry);
  return stale;
}

function isOf(entry: StoreEntry, hook: ChainHook): boolean {
  return hasGeneratedRootlet(entry) && isAt(entry, hook);
}

function removed({ name }: StoreEntry): string {
  return `the chain in the record ${quote(name)} ran nowhere any more: the record and its maps were removed`;
}

function unsure({ name }: StoreEntry, gaps: readonly string[]): string {
  const [first = '', ...others] = gaps;
  const more = others.length === 0 ? '' : ` (and ${counted(others.length, 'other reason')})`;
  return `the record ${quote(name)} is kept: its chain is not on this hook, but may be elsewhere, since ${first}${more}`;
}
