/**
 * The agent of a host: does what `nextAction` decides, and reports it. Everything that it decides on is in `AgentFacts`;
 * everything that must outlast the process is in its memory, written before and after each change.
 */

import { inputError, type Problem, problem, RootletError } from '../../diag/index.ts';
import {
  documentsFor,
  type FleetKeys,
  type HostDocuments,
  type Labels,
  noMatch,
  type Revision,
  readDrained,
  readRevision,
  readTarget,
  type Target,
} from '../desired/index.ts';
import { type Etcd, type KeyValue, keepLease, watchKeys } from '../etcd/index.ts';
import { type Clock, isProblem, SYSTEM_CLOCK } from '../io/index.ts';
import { fetchObjects, type ObjectSource } from './fetch.ts';
import type { Host, HostChanged } from './host.ts';
import type { AgentMemory, MemoryFile } from './memory.ts';
import { type AgentAction, type AgentFacts, type Failure, nextAction } from './next.ts';
import {
  boundedHooks,
  type HostState,
  type HostStatus,
  kernelRelease,
  type ReportedHook,
  reportedAll,
  stateOf,
  writeStatus,
} from './status.ts';

export interface AgentOptions {
  readonly host: string;
  readonly labels: Labels;
  readonly keys: FleetKeys;
  readonly etcd: Etcd;
  readonly objects: ObjectSource;
  readonly kernel: Host;
  readonly memory: Pick<MemoryFile, 'read' | 'write'>;
  /** Which start of the kernel this is. */
  readonly boot: string;
  /** Seconds after which a host without an agent counts as gone. */
  readonly lease?: number;
  /** Seconds between two reports of rates. */
  readonly report?: number;
  readonly clock?: Clock;
  /** One line for each thing that happens. */
  readonly log?: (line: string) => void;
}

/** What was kept of objects and is not used is removed after a day. */
const UNUSED_MS = 86_400_000;
const LEASE_S = 15;
const REPORT_S = 30;

/** Runs until the signal is aborted; then returns. Throws `fleet-state` and what cannot be helped by waiting. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  await new Agent(options).run(signal);
}

class Agent {
  readonly #options: AgentOptions;
  readonly #clock: Clock;
  #memory: AgentMemory;
  #target: Target | undefined;
  #isDrained: boolean | undefined;
  #isRestored = false;
  #checked = 0;
  #failure: Failure | undefined;
  #state: HostState = 'waiting';
  #attempted = 0;
  #problems: readonly Problem[] = [];
  #hooks: readonly ReportedHook[] = [];
  #published = '';
  #applied = 0;
  #isConnected = false;
  #wake: () => void = () => undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#memory = options.memory.read();
    options.memory.write(this.#memory);
    const { good, seen, boot } = this.#memory;
    // a newer revision may run already, on some hooks: the older one does not go over it
    this.#isRestored = good !== null && seen > good.revision && boot === options.boot;
  }

  async run(outer: AbortSignal): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([outer, end.signal]);
    const tasks = [this.#act(signal), this.#watch(signal), this.#live(signal), this.#report(signal)];
    try {
      await Promise.race(tasks);
    } catch (error) {
      if (!outer.aborted) throw error;
    } finally {
      end.abort();
      await Promise.allSettled(tasks);
    }
  }

  // --- what happens outside ---------------------------------------------------------------------------------------

  #watch(signal: AbortSignal): Promise<never> {
    const { etcd, keys, host } = this.#options;
    const drained = keys.drained(host);
    return watchKeys(
      etcd,
      [{ key: keys.target }, { key: drained }],
      {
        restarted: () => undefined,
        changed: (key, found) => {
          if (key === drained) this.#drainedChanged(found);
          else this.#targetChanged(found);
          this.#wake();
        },
        connected: (isConnected, error) => this.#connected(isConnected, error),
      },
      this.#clock,
      signal,
    );
  }

  /** A record that does not fit changes nothing but the report. */
  #targetChanged(found: KeyValue | undefined): void {
    try {
      if (found !== undefined) this.#target = readTarget(found.key, found.value);
      else this.#target ??= { stable: 0, next: null };
    } catch (error) {
      this.#cannot(error, 0);
    }
  }

  #drainedChanged(found: KeyValue | undefined): void {
    try {
      this.#isDrained = found !== undefined && readDrained(found.key, found.value).drained;
    } catch (error) {
      this.#cannot(error, 0);
    }
  }

  #connected(isConnected: boolean, error?: unknown): void {
    if (this.#isConnected !== isConnected)
      this.#log(isConnected ? 'etcd answers' : `etcd is away, what runs stays: ${textOf(error)}`);
    this.#isConnected = isConnected;
  }

  /** The key that says that this agent runs. Another agent of the same name is refused. */
  #live(signal: AbortSignal): Promise<never> {
    const { etcd, keys, host, lease = LEASE_S } = this.#options;
    const key = keys.alive(host);
    return keepLease(
      etcd,
      lease,
      {
        begun: async id => {
          const { found } = await etcd.get(key, signal);
          const isOther = found !== undefined && found.value !== this.#memory.id;
          const expected = { key, modified: found === undefined ? 0 : found.modified };
          const put = [{ put: key, value: this.#memory.id, lease: id }];
          if (!isOther && (await etcd.transact([expected], put, signal)).succeeded) return;
          throw new RootletError([nameTaken(host)]);
        },
        failed: error => {
          if (isProblem(error, 'fleet-conflict')) this.#log(textOf(error));
        },
      },
      this.#clock,
      signal,
    );
  }

  async #report(signal: AbortSignal): Promise<never> {
    const { report = REPORT_S } = this.#options;
    for (;;) {
      await this.#clock.sleep(report * 1000 * (0.9 + this.#clock.random() / 5), signal);
      await this.#publish(signal);
    }
  }

  // --- what is done -----------------------------------------------------------------------------------------------

  async #act(signal: AbortSignal): Promise<never> {
    for (;;) {
      signal.throwIfAborted();
      const woken = this.#nextWake();
      const action = nextAction(this.#facts(), this.#clock.now(), this.#clock.random());
      if (action.kind === 'wait') await this.#sleep(action.milliseconds, woken, signal);
      else await this.#do(action, signal);
    }
  }

  #facts(): AgentFacts {
    const { seen, good, isEmptied } = this.#memory;
    return {
      host: this.#options.host,
      target: this.#target,
      isDrained: this.#isDrained,
      seen,
      applied: good === null ? 0 : good.revision,
      isRestored: this.#isRestored,
      isEmptied,
      failure: this.#failure,
      checked: this.#checked,
    };
  }

  #nextWake(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  async #sleep(milliseconds: number, woken: Promise<void>, signal: AbortSignal): Promise<void> {
    const end = new AbortController();
    const slept = this.#clock
      .sleep(milliseconds, AbortSignal.any([signal, end.signal]))
      .catch(() => undefined);
    await Promise.race([slept, woken]);
    end.abort();
  }

  async #do(action: Exclude<AgentAction, { kind: 'wait' }>, signal: AbortSignal): Promise<void> {
    switch (action.kind) {
      case 'restore':
        return this.#restore(signal);
      case 'check':
        return this.#check(signal);
      case 'drain':
        return this.#drain(signal);
      case 'refuse':
        return this.#refuse(action.revision, signal);
      case 'apply':
        return this.#apply(action.revision, signal);
    }
  }

  async #restore(signal: AbortSignal): Promise<void> {
    const { good, isEmptied } = this.#memory;
    this.#isRestored = true;
    if (good === null || isEmptied) return;
    this.#log(`revision ${good.revision}: is restored`);
    await this.#reapply(good, signal);
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { good } = this.#memory;
    this.#checked = this.#clock.now();
    if (good !== null) await this.#reapply(good, signal);
  }

  /** What runs already, from the cache where the registry is away. */
  async #reapply(good: Revision, signal: AbortSignal): Promise<void> {
    try {
      const documents = documentsFor(good, this.#options.labels);
      const changed = await this.#change(documents, false, signal);
      this.#succeeded(good, documents, changed);
    } catch (error) {
      this.#cannot(error, good.revision);
    }
    await this.#publish(signal);
  }

  async #drain(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.kernel.change({
        chains: [],
        files: new Map(),
        managed: this.#memory.managed,
        isNew: false,
      });
      this.#remember({ isEmptied: true, managed: [] });
      this.#isRestored = true;
      this.#set('drained', [], []);
      this.#log('drained: nothing of the fleet runs');
    } catch (error) {
      this.#cannot(error, 0);
      await this.#clock.sleep(DRAIN_AGAIN_MS, signal);
    }
    await this.#publish(signal);
  }

  async #refuse(revision: number, signal: AbortSignal): Promise<void> {
    const { seen } = this.#memory;
    const error = inputError(
      'fleet-older',
      [`revision ${revision}`],
      `is older than ${seen}, which this host has had`,
      {
        subject: String(revision),
        hint: '"rootlet fleet rollback" makes a new revision of an old one; etcd may have been restored from an old copy',
      },
    );
    this.#cannot(error, revision);
    await this.#publish(signal);
  }

  async #apply(number: number, signal: AbortSignal): Promise<void> {
    const before = this.#memory.good;
    try {
      this.#attempted = number;
      const revision = await this.#read(number, signal);
      const documents = documentsFor(revision, this.#options.labels);
      const isNew = before === null || before.content !== revision.content;
      this.#remember({ seen: Math.max(this.#memory.seen, number), boot: this.#options.boot });
      if (isNew) {
        this.#set('applying', [], this.#hooks);
        await this.#publish(signal);
      }
      const changed = await this.#change(documents, isNew, signal);
      this.#succeeded(revision, documents, changed);
      this.#log(`revision ${number}: ${this.#state}`);
    } catch (error) {
      signal.throwIfAborted();
      this.#cannot(error, number);
      if (this.#options.kernel.isTouched && before !== null) await this.#goBack(before, signal);
    }
    await this.#publish(signal);
  }

  /** Some hooks were switched and others not: all of them go back. */
  async #goBack(before: Revision, signal: AbortSignal): Promise<void> {
    try {
      await this.#change(documentsFor(before, this.#options.labels), false, signal);
      this.#log(`revision ${before.revision}: runs again on all hooks`);
    } catch (error) {
      this.#problems = [...this.#problems, ...problemsOf(error)];
    }
  }

  async #read(number: number, signal: AbortSignal): Promise<Revision> {
    const { etcd, keys } = this.#options;
    const key = keys.revision(number);
    const { found } = await etcd.get(key, signal);
    if (found !== undefined) return readRevision(found.key, found.value);
    throw inputError('fleet-record', [key], 'is not there', {
      subject: key,
      hint: 'another program removed it: write the documents again with "rootlet fleet put -f FILE"',
    });
  }

  async #change(
    { chains, objects }: HostDocuments,
    isNew: boolean,
    signal: AbortSignal,
  ): Promise<HostChanged> {
    const { objects: source, kernel } = this.#options;
    const { files, digests } = await fetchObjects(source, objects, signal);
    const changed = await kernel.change({ chains, files, managed: this.#memory.managed, isNew });
    source.cache.prune(digests, this.#clock.now(), UNUSED_MS);
    return changed;
  }

  // --- what is known afterwards -----------------------------------------------------------------------------------

  #succeeded(revision: Revision, { chains }: HostDocuments, { hooks, managed }: HostChanged): void {
    const { seen } = this.#memory;
    this.#remember({ good: revision, seen: Math.max(seen, revision.revision), managed, isEmptied: false });
    this.#checked = this.#clock.now();
    this.#isRestored = true;
    this.#failure = undefined;
    this.#attempted = revision.revision;
    if (this.#state !== 'running') this.#applied = this.#clock.now();
    const hasNone = chains.length === 0;
    const problems = hasNone ? [noMatch(revision.revision, this.#options.labels)] : [];
    this.#set(hasNone ? 'no-match' : 'running', problems, hooks);
  }

  #cannot(error: unknown, revision: number): void {
    const problems = problemsOf(error);
    const [first] = problems;
    if (first === undefined) return;
    if (first.code === 'fleet-etcd') {
      this.#failed(revision, this.#state);
      return;
    }
    const state = stateOf(first);
    this.#failed(revision, state);
    this.#set(state, problems, this.#hooks);
    this.#log(`revision ${revision}: ${state}: ${first.message}`);
  }

  #failed(revision: number, state: HostState): void {
    const attempts = this.#failure?.revision === revision ? this.#failure.attempts + 1 : 1;
    if (revision > 0) this.#failure = { revision, state, attempts, time: this.#clock.now() };
  }

  #set(state: HostState, problems: readonly Problem[], hooks: readonly ReportedHook[]): void {
    this.#state = state;
    this.#problems = problems;
    this.#hooks = hooks;
  }

  #remember(changes: Partial<AgentMemory>): void {
    this.#memory = { ...this.#memory, ...changes };
    this.#options.memory.write(this.#memory);
  }

  /** What could not be put is put later: the next report compares with what was put last. */
  async #publish(signal: AbortSignal): Promise<void> {
    const { etcd, keys, host } = this.#options;
    const status = this.#status();
    const comparable = writeStatus({ ...status, time: 0 });
    if (comparable === this.#published) return;
    try {
      await etcd.put(keys.status(host), writeStatus(status), undefined, signal);
      this.#published = comparable;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RootletError)) throw error;
    }
  }

  #status(): HostStatus {
    const { host, labels } = this.#options;
    const { good, isEmptied } = this.#memory;
    return {
      host,
      state: this.#state,
      revision: good === null || isEmptied ? 0 : good.revision,
      content: good === null || isEmptied ? '' : good.content,
      attempted: this.#attempted,
      labels,
      problems: reportedAll(this.#problems),
      hooks: boundedHooks(this.#hooks),
      rates: this.#rates(),
      kernel: kernelRelease(),
      applied: this.#applied,
      time: this.#clock.now(),
    };
  }

  #rates(): HostStatus['rates'] {
    try {
      return this.#options.kernel.rates();
    } catch (error) {
      if (error instanceof RootletError) return [];
      throw error;
    }
  }

  #log(line: string): void {
    this.#options.log?.(line);
  }
}

const DRAIN_AGAIN_MS = 2_000;

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof RootletError) return error.problems;
  throw error;
}

function textOf(error: unknown): string {
  if (error instanceof RootletError) return error.problems.map(({ message }) => message).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function nameTaken(host: string): Problem {
  return problem('fleet-conflict', [host], 'another agent has this name', {
    subject: host,
    hint: 'give each host a name of its own: --host NAME',
  });
}
