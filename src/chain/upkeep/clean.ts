/** Removing what is left of chains that are attached nowhere, under the locks of all who build chains. */

import { RootletError } from '../../diag/index.ts';
import { hasGeneratedRootlet } from '../../dynamic/index.ts';
import { findHook } from '../../hooks/index.ts';
import { isNotVisible, listIds, type Survey, type Sys, surveyInterfaces } from '../../kernel/index.ts';
import { Directory, describeEntry, type Store, type StoreEntry, takeCensus } from '../../store/index.ts';
import type { ChainContext } from '../engine/index.ts';
import { LibxdpPins, type PinnedDispatcher } from '../libxdp/index.ts';
import { readTcxFacts, type TcxFacts } from '../tcx/index.ts';
import { type Circumstances, type Judgement, judgeDispatcher, judgeEntry } from './judge.ts';

/** Something of a chain in the store or in the directory of libxdp. */
export interface ChainRest {
  /** `entry`: of the store; `dispatcher`: a directory with pins of libxdp. */
  readonly kind: 'entry' | 'dispatcher';
  /** Name of the entry, or path of the directory. */
  readonly name: string;
  /** One sentence. */
  readonly reason: string;
}

export interface CleanOptions {
  readonly dryRun?: boolean;
  /** Directory of libxdp. Default: as `LIBXDP_BPFFS` has it. */
  readonly libxdp?: string;
  /**
   * What is attached where.
   * @internal
   */
  readonly survey?: () => Survey;
}

/** What was removed, or would be. */
export interface CleanReport {
  readonly removed: readonly ChainRest[];
  /** What may be attached, and what could not be removed. */
  readonly left: readonly ChainRest[];
  /** One sentence each. */
  readonly notes: readonly string[];
}

/** A judgement, and what it takes to remove the thing. */
export interface Judged extends Pick<ChainRest, 'kind' | 'name'> {
  readonly judgement: Judgement;
  /** False when something that is not a pin stays. */
  readonly remove: () => boolean;
}

/**
 * Removes entries and pins of chains that are attached nowhere, in no network namespace; with `dryRun` only reports
 * them. Nothing that is attached anywhere is touched, and what cannot be decided is left. Throws `kernel-lock-busy`,
 * `kernel-interface`, `store-untrusted`.
 */
export function cleanChains(context: ChainContext, options: CleanOptions = {}): CleanReport {
  return judged(context, options, (found, survey) => {
    const stale = found.filter(({ judgement }) => judgement.kind === 'stale');
    const failures = options.dryRun === true ? [] : stale.flatMap(removalFailure);
    const failed = new Set(failures.map(({ name }) => name));
    return {
      removed: stale.filter(({ name }) => !failed.has(name)).map(restOf),
      left: [...found.filter(({ judgement }) => judgement.kind === 'undecided').map(restOf), ...failures],
      notes: hiddenNotes(survey),
    };
  });
}

function removalFailure(thing: Judged): ChainRest[] {
  const { kind, name } = thing;
  try {
    return thing.remove()
      ? []
      : [{ kind, name, reason: 'files that are not pins of it are in its directory' }];
  } catch (error) {
    if (error instanceof RootletError)
      return [{ kind, name, reason: `removing it failed: ${error.message}` }];
    throw error;
  }
}

export function restOf({ kind, name, judgement }: Judged): ChainRest {
  return { kind, name, reason: judgement.kind === 'live' ? 'attached' : judgement.reason };
}

function hiddenNotes({ hidden }: Survey): string[] {
  if (hidden.length === 0) return [];
  const [first] = hidden;
  const others = hidden.length === 1 ? '' : ` and ${hidden.length - 1} others`;
  return [
    `descriptors of process ${first}${others} cannot be looked at (no CAP_SYS_PTRACE over them): a network namespace that only such a descriptor keeps is not seen`,
  ];
}

/**
 * Looks at everything while no one else builds a chain: locks of the store, then of libxdp, as builders take them.
 */
export function judged<T>(
  { sys, store }: ChainContext,
  options: CleanOptions,
  body: (found: readonly Judged[], survey: Survey) => T,
): T {
  const { libxdp, survey = () => surveyInterfaces(sys) } = options;
  const look = (pins: LibxdpPins | undefined) => {
    const dispatchers = pins === undefined ? [] : pins.list();
    const known = circumstances(store, dispatchers, survey);
    const found = [
      ...entriesOf(store, known),
      ...dispatchers.map(dispatcher => judgedDispatcher(pins, dispatcher, known)),
    ];
    return body(found, known.survey);
  };
  return lockedIfThere(store, () => {
    using pins = LibxdpPins.findMounted(sys, libxdp);
    return pins === undefined ? look(undefined) : pins.locked(() => look(pins));
  });
}

/** The lock of the store would create the store. */
export function lockedIfThere<T>(store: Store, body: () => T): T {
  using directory = Directory.find(store.root);
  return directory === undefined ? body() : store.locked(body);
}

/**
 * Who holds what is looked at before what is attached: a tool that has pinned a dispatcher and not attached it yet
 * holds its program, so that it is found by one of the two.
 */
function circumstances(
  { sys }: Store,
  dispatchers: readonly PinnedDispatcher[],
  survey: () => Survey,
): Circumstances {
  const holders = dispatchers.length === 0 ? new Map<string, string>() : holdersOf(sys);
  return {
    dispatchers,
    holders,
    survey: survey(),
    programs: dispatchers.length === 0 ? null : programIds(sys),
  };
}

function programIds(sys: Sys): ReadonlySet<number> | null {
  try {
    return new Set(listIds(sys, 'program'));
  } catch (error) {
    if (isNotVisible(error)) return null;
    throw error;
  }
}

function holdersOf(sys: Sys): ReadonlyMap<string, string> {
  const { programs, links } = takeCensus(sys);
  return new Map(
    [...programs, ...links].flatMap(({ kind, id, holders }) => {
      const holder = holders.find(one => one.kind === 'process');
      return holder?.kind === 'process'
        ? [[`${kind} ${id}`, `process ${holder.pid} (${holder.command})`] as const]
        : [];
    }),
  );
}

function judgedDispatcher(
  pins: LibxdpPins | undefined,
  dispatcher: PinnedDispatcher,
  known: Circumstances,
): Judged {
  return {
    kind: 'dispatcher',
    name: dispatcher.path,
    judgement: judgeDispatcher(dispatcher, known),
    remove: () => pins?.remove(dispatcher) === true,
  };
}

function entriesOf(store: Store, known: Circumstances): Judged[] {
  const hooks = store.list().flatMap(entry => (entry.kind === 'hook' ? [entry] : []));
  const tcx = hooks.flatMap(entry => {
    const facts = readTcxFacts(entry);
    return facts === undefined ? [] : [{ entry, facts, end: linkEnd(store, entry) }];
  });
  const chains = hooks.filter(hasGeneratedRootlet);
  return [
    ...chains.map(entry => judgedEntry(store, entry, judgeEntry(entry, known))),
    ...tcx.map(({ entry, facts, end }) => judgedEntry(store, entry, judgeMember(facts, end, tcx))),
  ];
}

function judgedEntry(store: Store, entry: StoreEntry, judgement: Judgement): Judged {
  const remove = () => {
    store.remove(entry);
    return true;
  };
  return { kind: 'entry', name: describeEntry(entry), judgement, remove };
}

interface TcxEntry {
  readonly facts: TcxFacts;
  /** Why its link is no longer attached; null while it is. */
  readonly end: string | null;
}

/** A member of tcx is attached by a link, which says itself whether it is; one that is lost belongs to its chain. */
function judgeMember({ hook }: TcxFacts, end: string | null, all: readonly TcxEntry[]): Judgement {
  if (end === null) return { kind: 'live', at: null };
  const isSame = ({ ifindex, netns, direction }: TcxFacts['hook']) =>
    ifindex === hook.ifindex && netns === hook.netns && direction === hook.direction;
  const isChainThere = all.some(other => other.end === null && isSame(other.facts.hook));
  return isChainThere ? { kind: 'live', at: null } : { kind: 'stale', reason: end };
}

function linkEnd(store: Store, entry: StoreEntry): string | null {
  try {
    using hook = findHook(store, entry);
    if (hook === undefined) return 'its link is gone';
    hook.occupantId();
    return null;
  } catch (error) {
    if (error instanceof RootletError && error.code === 'attach-gone')
      return error.problems[0]?.message ?? error.message;
    if (error instanceof RootletError) return null; // nothing is known of it
    throw error;
  }
}
