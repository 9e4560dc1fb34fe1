/**
 * What an agent does next, as a function of what it knows: no clock, no network, no kernel. The rules that keep a host safe
 * are here: it never goes back to an older revision, and what fails is tried again later or not at all.
 */

import { placeOf, type Target } from '../desired/index.ts';
import { backoff } from '../io/index.ts';
import type { HostState } from './status.ts';

/** A revision that could not be applied. */
export interface Failure {
  readonly revision: number;
  readonly state: HostState;
  /** From 1. */
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

export interface AgentFacts {
  readonly host: string;
  /** Undefined until etcd answered. */
  readonly target: Target | undefined;
  readonly isDrained: boolean | undefined;
  /** The newest revision that was begun, also before the last start. */
  readonly seen: number;
  /** The last good revision; 0 for none. */
  readonly applied: number;
  /** The hooks were made what the last good revision declares since the start. */
  readonly isRestored: boolean;
  /** Everything was removed because the host is drained. */
  readonly isEmptied: boolean;
  readonly failure: Failure | undefined;
  /** When the hooks were last compared with the revision, in milliseconds since 1970. */
  readonly checked: number;
}

export type AgentAction =
  /** Makes hooks what the last good revision declares, without the network. */
  | { readonly kind: 'restore' }
  | { readonly kind: 'apply'; readonly revision: number }
  /** Compares hooks with the revision that runs, and repairs them. */
  | { readonly kind: 'check' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'refuse'; readonly revision: number }
  | { readonly kind: 'wait'; readonly milliseconds: number };

/** Hooks are compared so often, in milliseconds. */
export const CHECK_MS = 300_000;
/** What only a new revision or a new kernel makes good. */
const FINAL: ReadonlySet<HostState> = new Set(['verifier-refused', 'sample-refused', 'invalid-document']);
const RETRY = { first: 2_000, most: 120_000 } as const;
const FOREVER = 2 ** 31 - 1;

/** The revision that a host is to run; 0 for none. */
export function assignedRevision({ stable, next }: Target, host: string): number {
  return next !== null && placeOf(next.salt, host) <= next.upTo ? next.revision : stable;
}

/** `chance` from 0 up to 1 spreads what many hosts would do at the same time. */
export function nextAction(facts: AgentFacts, now: number, chance: number): AgentAction {
  const { target, isDrained, failure, applied, seen } = facts;
  if (isDrained === true) return facts.isEmptied ? wait(FOREVER) : { kind: 'drain' };
  if (!facts.isRestored && applied > 0 && (isDrained === false || target === undefined))
    return { kind: 'restore' };
  if (target === undefined || isDrained === undefined) return wait(FOREVER);
  const assigned = assignedRevision(target, facts.host);
  if (assigned === 0) return wait(FOREVER);
  if (assigned < seen)
    return failure?.revision === assigned ? wait(FOREVER) : { kind: 'refuse', revision: assigned };
  if (failure?.revision === assigned) return retry(failure, now, chance);
  if (assigned !== applied || facts.isEmptied) return { kind: 'apply', revision: assigned };
  const due = facts.checked + CHECK_MS * (0.75 + chance / 2) - now;
  return due <= 0 ? { kind: 'check' } : wait(due);
}

function retry({ revision, state, attempts, time }: Failure, now: number, chance: number): AgentAction {
  if (FINAL.has(state)) return wait(FOREVER);
  const due = time + backoff(attempts, chance, RETRY) - now;
  return due <= 0 ? { kind: 'apply', revision } : wait(due);
}

function wait(milliseconds: number): AgentAction {
  return { kind: 'wait', milliseconds: Math.max(1, Math.ceil(milliseconds)) };
}
