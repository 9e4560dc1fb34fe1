/** The kernel of this machine as an agent needs it: chains of the chain layer, each switched atomically. */

import type { InputFile } from '../../bytes/index.ts';
import {
  type AppliedChain,
  applyChains,
  type ChainContext,
  type ChainHook,
  declaredHook,
  listChains,
  type PlannedChain,
  planChains,
  problemsOfRun,
  type Reading,
  type ReadyChain,
  ratesBetween,
  readyChains,
  simulateChain,
  titleOf,
  WatchedChain,
} from '../../chain/index.ts';
import { inputError, RootletError } from '../../diag/index.ts';
import { WATCH_COUNT } from '../../link/index.ts';
import type { Host, HostChange, HostChanged } from './host.ts';
import type { ManagedHook } from './memory.ts';
import type { HookRates, ReportedHook } from './status.ts';

/** Packets that hosts of this kind see, which a new revision is tried with before it is applied. */
export interface Sample {
  packets(): Iterable<{ readonly number: number; readonly bytes: Uint8Array }>;
  /** Share of packets that may be dropped by a revision, and were not before. */
  readonly mostDropped: number;
}

export interface ChainHostOptions {
  readonly sample?: Sample | undefined;
  /** Milliseconds for one measurement of rates. */
  readonly window?: number;
}

const WINDOW_MS = 60_000;

export class ChainHost implements Host {
  readonly #context: () => ChainContext;
  readonly #options: ChainHostOptions;
  readonly #before = new Map<string, Reading>();
  isTouched = false;

  /** `context`: for each change, with the time of it. */
  constructor(context: () => ChainContext, options: ChainHostOptions = {}) {
    this.#context = context;
    this.#options = options;
  }

  async change(change: HostChange): Promise<HostChanged> {
    this.isTouched = false;
    const context = this.#context();
    const ready = this.#ready(context, change);
    const planned = planChains(context, ready, {});
    if (change.isNew) for (const one of planned) this.#trySample(context, one);
    const applied = applyChains(context, planned, {});
    const problems = problemsOfRun(applied);
    this.isTouched = problems.length > 0 && applied.some(({ outcome }) => outcome === 'changed');
    if (problems.length > 0) throw new RootletError(problems);
    this.#beginCounting(context);
    return { hooks: applied.map(reportOf), managed: managedOf(ready) };
  }

  #ready(context: ChainContext, { chains, files, managed }: HostChange): ReadyChain[] {
    const read = ({ file }: { readonly file: string }): InputFile => {
      const found = files.get(file);
      if (found !== undefined) return found;
      throw inputError('fleet-record', [file], 'was not fetched', { hint: 'write the revision again' });
    };
    const ready = readyChains(context.sys, chains, read, undefined);
    const known = new Set(ready.map(({ hook }) => titleOf(hook)));
    const gone = managed.flatMap(one => hookIfThere(context, one)).filter(hook => !known.has(titleOf(hook)));
    return [...ready, ...gone.map(hook => ({ declared: null, hook, members: [] }))];
  }

  #trySample(context: ChainContext, { running, design, hook, plan }: PlannedChain): void {
    const { sample } = this.#options;
    if (sample === undefined || plan.action === 'none' || plan.action === 'remove') return;
    if (running.state.kind === 'foreign') return;
    const { packets, changed } = simulateChain(context, running, design, sample.packets());
    const dropped = changed.filter(({ to, from }) => isDrop(hook, to.verdict) && !isDrop(hook, from.verdict));
    if (packets === 0 || dropped.length / packets <= sample.mostDropped) return;
    const share = ((dropped.length / packets) * 100).toFixed(1);
    throw inputError(
      'fleet-sample',
      [titleOf(hook)],
      `${share} % of the packets of the sample would be dropped`,
      {
        subject: titleOf(hook),
        details: [`the first one is packet ${dropped[0]?.number}`],
        hint: 'look at "rootlet plan --simulate" with the sample; --sample-drop SHARE allows more',
      },
    );
  }

  /** Counters are on, and counted from now. */
  #beginCounting(context: ChainContext): void {
    this.#before.clear();
    for (const [title, chain] of watched(context)) {
      using open = chain;
      if (!open.has(WATCH_COUNT)) open.set(open.flags | WATCH_COUNT);
      this.#before.set(title, open.read(process.hrtime.bigint()));
    }
  }

  rates(): readonly HookRates[] {
    return watched(this.#context()).flatMap(([title, chain]) => {
      using open = chain;
      const now = open.read(process.hrtime.bigint());
      const before = this.#before.get(title);
      if (before === undefined) {
        this.#before.set(title, now);
        return [];
      }
      const seconds = Number(now.time - before.time) / 1e9;
      if (seconds * 1000 > (this.#options.window ?? WINDOW_MS)) this.#before.set(title, now);
      return [{ hook: title, seconds, ...sharesOf(open, before, now) }];
    });
  }
}

function watched(context: ChainContext): (readonly [string, WatchedChain])[] {
  const states = [...listChains(context, 'xdp'), ...listChains(context, 'tc')];
  return states
    .filter(({ kind, entry, via }) => kind === 'chain' && (entry !== null || via === 'tcx'))
    .map(state => [titleOf(state.hook), WatchedChain.open(context, state)] as const);
}

/** A member ends a packet with a verdict after which no other runs. */
function sharesOf(chain: WatchedChain, before: Reading, now: Reading) {
  const rates = ratesBetween(before, now);
  const packets = rates.find(({ rate }) => rate !== null)?.rate?.packets;
  if (packets === undefined || packets === 0) return { packets: 0, dropped: 0, aborted: 0 };
  const sum = (names: readonly string[]): number =>
    rates
      .flatMap(({ rate }) => (rate === null ? [] : rate.verdicts))
      .reduce((all, verdict) => (names.includes(verdict.name) ? all + verdict.packets : all), 0);
  const share = (names: readonly string[]): number => Math.min(1, sum(names) / packets);
  const isXdp = chain.state.hook.kind === 'xdp';
  return { packets, dropped: share(isXdp ? XDP_DROPS : TC_DROPS), aborted: share(isXdp ? ABORTS : []) };
}

const XDP_DROPS = ['DROP'];
const ABORTS = ['ABORTED'];
const TC_DROPS = ['SHOT'];

function isDrop({ kind }: ChainHook, verdict: number): boolean {
  return kind === 'xdp' ? verdict === 0 || verdict === 1 : verdict === 2;
}

/** An interface that is gone has no chain. */
function hookIfThere(context: ChainContext, managed: ManagedHook): ChainHook[] {
  try {
    return [declaredHook(context.sys, managed)];
  } catch (error) {
    if (error instanceof RootletError && error.code === 'kernel-no-interface') return [];
    throw error;
  }
}

function managedOf(ready: readonly ReadyChain[]): ManagedHook[] {
  return ready
    .filter(({ declared, members }) => declared !== null && members.length > 0)
    .map(({ hook }) => ({ kind: hook.kind, direction: hook.direction, interface: hook.interface }));
}

function reportOf({ hook, plan, outcome }: AppliedChain): ReportedHook {
  const members = plan.members.map(({ name, action }) => (action === 'keep' ? name : `${name} (${action})`));
  return { hook: titleOf(hook), action: outcome === 'unchanged' ? 'none' : plan.action, members };
}
