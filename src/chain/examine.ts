/**
 * The state of chains: what is stale, lost, broken or unfinished, and what is done about it. What is announced is
 * what `repairChains` does; a second run finds nothing to do. Beside chains.ts, whose lists it reads.
 */

import { type Problem, quote, RootletError, shellWord } from '../diag/index.ts';
import { hasPendingChange, settleChange } from '../dynamic/index.ts';
import { describeEntry, type StoreEntry } from '../store/index.ts';
import { type ChainContext, spellHook } from './engine/index.ts';
import { CHAIN_KINDS, type ChainState } from './model/index.ts';
import { listChains } from './reading.ts';
import {
  type CleanOptions,
  cleanChains,
  type Judged,
  judged,
  lockedIfThere,
  restOf,
} from './upkeep/index.ts';

/** One thing that is wrong with chains. */
export interface ChainTrouble {
  /**
   * `stale`: attached nowhere; `undecided`: it may be; `unfinished`: a change that was begun is not complete;
   * `broken`: an entry that cannot be read; `chain`: a chain that does not run as it should.
   */
  readonly kind: 'stale' | 'undecided' | 'unfinished' | 'broken' | 'chain';
  /** Entry, directory or hook. */
  readonly name: string;
  /** One sentence. */
  readonly detail: string;
  /** What repairs it: what `repairChains` does where `repairs`, else what to do. */
  readonly fix: string;
  /** Whether `repairChains` repairs it. */
  readonly repairs: boolean;
}

/** What `repairChains` did and did not. */
export interface ChainRepair {
  readonly repaired: readonly ChainTrouble[];
  readonly left: readonly ChainTrouble[];
}

/** Looks at the store, the pins of libxdp and the interfaces of this network namespace. Changes nothing. */
export function examineChains(context: ChainContext, options: CleanOptions = {}): readonly ChainTrouble[] {
  return [
    ...unfinishedChanges(context),
    ...judged(context, options, found => found.flatMap(restTrouble)),
    ...brokenEntries(context),
    ...CHAIN_KINDS.flatMap(kind => listChains(context, kind).flatMap(stateTroubles)),
  ];
}

/** Does what `examineChains` announces. Throws `kernel-lock-busy`. */
export function repairChains(context: ChainContext, options: CleanOptions = {}): ChainRepair {
  const before = examineChains(context, options);
  const failures = before.flatMap(trouble =>
    trouble.kind === 'unfinished' && trouble.repairs ? settleFailure(context, trouble) : [],
  );
  if (before.some(({ kind }) => kind === 'stale')) cleanChains(context, options);
  const after = examineChains(context, options);
  const left = after.map(trouble => failures.find(failed => isSame(failed, trouble)) ?? trouble);
  return { repaired: before.filter(trouble => !left.some(other => isSame(other, trouble))), left };
}

function isSame(a: ChainTrouble, b: ChainTrouble): boolean {
  return a.kind === b.kind && a.name === b.name;
}

// --- what is stale ------------------------------------------------------------------------------------------------

function restTrouble(thing: Judged): ChainTrouble[] {
  const { kind } = thing.judgement;
  if (kind === 'live') return [];
  const { name, reason } = restOf(thing);
  const removal = thing.kind === 'entry' ? 'remove the entry' : 'remove the directory with its pins';
  const fix =
    kind === 'stale'
      ? `${removal}: rootlet xdp clean`
      : 'look again with the right to enter every network namespace, in the PID namespace of the host';
  return [{ kind, name, detail: reason, fix, repairs: kind === 'stale' }];
}

// --- what was killed ----------------------------------------------------------------------------------------------

function unfinishedEntries({ store }: ChainContext): StoreEntry[] {
  return store.list().flatMap(entry => (entry.kind === 'hook' && hasPendingChange(entry) ? [entry] : []));
}

/** One that a running process makes holds the lock of the store: it is finished before the entries are read. */
function unfinishedChanges(context: ChainContext): ChainTrouble[] {
  return lockedIfThere(context.store, () =>
    unfinishedEntries(context).map(entry => ({
      kind: 'unfinished',
      name: describeEntry(entry),
      detail: 'its last change is not complete: a process was killed, or a step failed after the switch',
      fix: 'keep the generation that runs, and remove the other one',
      repairs: true,
    })),
  );
}

function settleFailure(context: ChainContext, trouble: ChainTrouble): ChainTrouble[] {
  const { store, time } = context;
  try {
    store.locked(() => {
      const entry = unfinishedEntries(context).find(one => describeEntry(one) === trouble.name);
      if (entry !== undefined) settleChange(store, entry, time);
    });
    return [];
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return [{ ...trouble, detail: error.message, repairs: false }];
  }
}

// --- what does not run as it should -------------------------------------------------------------------------------

function brokenEntries({ store }: ChainContext): ChainTrouble[] {
  return store.list().flatMap(entry => {
    if (entry.kind !== 'broken') return [];
    const fix = 'remove it: rootlet detach --force, or rootlet unload --force';
    return [
      {
        kind: 'broken',
        name: quote(entry.name),
        detail: messageOf(entry.problems),
        fix,
        repairs: false,
      } as const,
    ];
  });
}

function stateTroubles({ hook, members, problems }: ChainState): ChainTrouble[] {
  const name = spellHook(hook);
  const reported = problems.map(problem => ({
    kind: 'chain' as const,
    name: [name, problem.subject].filter(part => part !== undefined).join(': '),
    detail: messageOf([problem]),
    fix: problem.hint ?? `rootlet ${hook.kind} status ${shellWord(hook.interface)} shows it`,
    repairs: false,
  }));
  if (reported.length > 0) return reported;
  return members.flatMap(member =>
    member.lost === null
      ? []
      : [
          {
            kind: 'chain',
            name: `${name}: member ${quote(member.name)}`,
            detail: member.lost,
            fix: `load it again: rootlet ${hook.kind} replace ${shellWord(hook.interface)} ${shellWord(member.name)} FILE`,
            repairs: false,
          } as const,
        ],
  );
}

function messageOf(problems: readonly Problem[]): string {
  return problems.map(({ message }) => message).join('; ');
}
