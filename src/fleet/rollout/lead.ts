/**
 * Leading a rollout. One process at a time leads: it has a key with a lease, and whatever it writes compares that key, so
 * that a leader that was away for longer than its lease writes nothing. Others wait, and take over when the key is gone.
 */

import { randomUUID } from 'node:crypto';
import { counted } from '../../diag/index.ts';
import {
  type CurrentTarget,
  conflict,
  type FleetContext,
  NOTHING,
  putRevision,
  type Revision,
  readCurrent,
  requireRevision,
  type Target,
} from '../desired/index.ts';
import type { Compare, Operation } from '../etcd/index.ts';
import { backoff, type Clock, isProblem, SYSTEM_CLOCK } from '../io/index.ts';
import { HostTable, watchHosts } from './hosts.ts';
import { nextStep, type RolloutAction } from './next.ts';
import { type Bounds, MOST_CAUSES, type Rollout, readRollout, type Wave } from './rollout.ts';

export interface RolloutRequest {
  readonly revision: number;
  readonly waves: readonly Wave[];
  readonly bounds: Bounds;
  readonly author: string;
}

export interface LeadOptions {
  readonly clock?: Clock;
  /** Seconds after which another process may take over. */
  readonly lease?: number;
  /** Milliseconds between two decisions. */
  readonly interval?: number;
  /** One line for each thing that happens. */
  readonly log?: (line: string) => void;
}

interface Current {
  readonly rollout: Rollout | undefined;
  readonly modified: number;
}

async function readState({ etcd, keys, signal }: FleetContext): Promise<Current> {
  const { found } = await etcd.get(keys.rollout, signal);
  if (found === undefined) return { rollout: undefined, modified: 0 };
  return { rollout: readRollout(found.key, found.value), modified: found.modified };
}

/** The newest rollout; undefined before the first. */
export async function readNewestRollout(context: FleetContext): Promise<Rollout | undefined> {
  return (await readState(context)).rollout;
}

/** Whether a process leads the rollout that is running. */
export async function isLed({ etcd, keys, signal }: FleetContext): Promise<boolean> {
  return (await etcd.get(keys.leader, signal)).found !== undefined;
}

export function isRunning(rollout: Rollout | undefined): rollout is Rollout {
  return rollout?.state === 'running' || rollout?.state === 'rolling-back';
}

/** Begins a rollout. Throws `fleet-conflict` where one is running, `fleet-revision`. */
export async function beginRollout(
  context: FleetContext,
  { revision, waves, bounds, author }: RolloutRequest,
): Promise<Rollout> {
  const { etcd, keys, signal } = context;
  await requireRevision(context, revision);
  const { rollout: before, modified } = await readState(context);
  if (isRunning(before)) throw conflict(`a rollout of revision ${before.revision} is running`);
  const { target } = await readCurrent(context);
  if (revision <= target.stable)
    throw conflict(
      `hosts run revision ${target.stable} already: "rootlet fleet rollback ${revision}" goes back`,
    );
  const rollout: Rollout = {
    ...{ revision, base: target.stable, waves, bounds, author },
    ...{ salt: randomUUID(), state: 'running', wave: -1, upTo: 0, since: 0 },
    ...{ converged: null, replacement: null, causes: [] },
  };
  const put = [{ put: keys.rollout, value: JSON.stringify(rollout) }];
  const { succeeded } = await etcd.transact([{ key: keys.rollout, modified }], put, signal);
  if (succeeded) return rollout;
  throw conflict('another operator began a rollout at the same time');
}

/** Leads the rollout that is running, or waits until its leader has ended it or is gone. Returns how it ended. */
export async function leadRollout(
  context: FleetContext,
  options: LeadOptions = {},
): Promise<Rollout | undefined> {
  const { clock = SYSTEM_CLOCK, interval = 500 } = options;
  const end = new AbortController();
  const signal = context.signal === undefined ? end.signal : AbortSignal.any([context.signal, end.signal]);
  const leader = new Leader({ ...context, signal }, options, clock);
  const tasks = [leader.watch().catch(() => undefined), leader.live().catch(() => undefined)];
  try {
    for (let attempt = 1; ; attempt++)
      try {
        const ended = await leader.step();
        if (ended !== 'goes on') return ended;
        attempt = 0;
        await clock.sleep(interval, signal);
      } catch (error) {
        // etcd is away, or another process changed something: the record is read again
        if (!isProblem(error, 'fleet-etcd')) throw error;
        leader.lost();
        await clock.sleep(backoff(attempt, clock.random()), signal);
      }
  } finally {
    await leader.resign();
    end.abort();
    await Promise.all(tasks);
  }
}

class Leader {
  readonly #context: FleetContext & { readonly signal: AbortSignal };
  readonly #options: LeadOptions;
  readonly #clock: Clock;
  readonly #id = randomUUID();
  readonly #table: HostTable;
  #isComplete = false;
  #lease: string | undefined;
  /** Of the key of the leader, as long as it is of this process. */
  #term = 0;
  #told = '';

  constructor(context: FleetContext & { readonly signal: AbortSignal }, options: LeadOptions, clock: Clock) {
    this.#context = context;
    this.#options = options;
    this.#clock = clock;
    this.#table = new HostTable(context.keys);
  }

  watch(): Promise<never> {
    const connected = (isConnected: boolean): void => {
      this.#isComplete = isConnected;
    };
    return watchHosts(this.#context, this.#table, connected, this.#clock, this.#context.signal);
  }

  /** Keeps the lease while this process leads. */
  async live(): Promise<never> {
    const { etcd, signal } = this.#context;
    const { lease = LEASE_S } = this.#options;
    for (;;) {
      await this.#clock.sleep((lease * 1000) / 3, signal);
      try {
        if (this.#lease !== undefined && !(await etcd.keepAlive(this.#lease, signal))) this.lost();
      } catch {
        signal.throwIfAborted(); // else the next sign of life is tried
      }
    }
  }

  lost(): void {
    this.#term = 0;
    this.#lease = undefined;
  }

  async resign(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    try {
      await this.#context.etcd.revoke(lease, AbortSignal.timeout(2_000));
    } catch {
      // it ends by itself
    }
  }

  async step(): Promise<Rollout | undefined | 'goes on'> {
    const current = await readState(this.#context);
    if (!isRunning(current.rollout)) return current.rollout;
    if (this.#term === 0 && !(await this.#campaign())) {
      this.#tell('another process leads the rollout');
      return 'goes on';
    }
    if (!this.#isComplete) return 'goes on';
    const action = nextStep(current.rollout, this.#table.views(), this.#clock.now());
    try {
      await this.#do(current.rollout, current.modified, action);
    } catch (error) {
      if (!isProblem(error, 'fleet-conflict')) throw error;
      const messages = error.problems.map(({ message }) => message);
      const causes = [...current.rollout.causes, ...messages].slice(0, MOST_CAUSES);
      await this.#save(current.modified, { ...current.rollout, state: 'failed', causes });
    }
    return 'goes on';
  }

  /** Whether this process leads now. */
  async #campaign(): Promise<boolean> {
    const { etcd, keys, signal } = this.#context;
    const { lease = LEASE_S } = this.#options;
    const { found } = await etcd.get(keys.leader, signal);
    if (found !== undefined && found.value !== this.#id) return false;
    this.#lease ??= await etcd.grant(lease, signal);
    const put = [{ put: keys.leader, value: this.#id, lease: this.#lease }];
    await etcd.transact([{ key: keys.leader, created: 0 }], put, signal);
    const { found: now } = await etcd.get(keys.leader, signal);
    if (now?.value !== this.#id) return false;
    this.#term = now.created;
    this.#tell('this process leads the rollout');
    return true;
  }

  async #do(rollout: Rollout, modified: number, action: RolloutAction): Promise<void> {
    const now = this.#clock.now();
    const { revision } = rollout;
    switch (action.kind) {
      case 'wait':
        return this.#tell(`wave ${rollout.wave + 1} of ${rollout.waves.length}: ${action.why}`);
      case 'settle':
        return this.#save(modified, { ...rollout, converged: now });
      case 'advance': {
        const { wave, upTo, hosts } = action;
        this.#tell(
          `wave ${wave + 1} of ${rollout.waves.length}: revision ${revision} on ${counted(hosts, 'host')}`,
        );
        const next = { ...rollout, wave, upTo, since: now, converged: null };
        const target: Target = { stable: rollout.base, next: { revision, salt: rollout.salt, upTo } };
        return this.#save(modified, next, await this.#targetChange(rollout, target));
      }
      case 'finish':
        this.#tell(`all hosts have revision ${revision}`);
        return this.#save(
          modified,
          { ...rollout, state: 'done' },
          await this.#targetChange(rollout, { stable: revision, next: null }),
        );
      case 'roll-back':
        return this.#rollBack(rollout, modified, action.causes);
      case 'end':
        return this.#save(modified, {
          ...rollout,
          state: action.left.length === 0 ? 'rolled-back' : 'failed',
          causes: [...rollout.causes, ...action.left.map(host => `${host}: still has the revision`)].slice(
            0,
            MOST_CAUSES,
          ),
        });
    }
  }

  /** A new revision with the contents of the one before, for all hosts: in one step with the record. */
  async #rollBack(rollout: Rollout, modified: number, causes: readonly string[]): Promise<void> {
    for (const cause of causes) this.#tell(cause);
    const { base, revision } = rollout;
    const before: Pick<Revision, 'document' | 'objects'> =
      base === 0 ? { document: NOTHING, objects: [] } : await requireRevision(this.#context, base);
    const current = await this.#ownTarget(rollout);
    const message = `rollout of revision ${revision} was stopped: ${causes.join('; ')}`.slice(0, 4000);
    const now = this.#clock.now();
    const { document, objects } = before;
    const stopped = (replacement: number): Rollout => ({
      ...rollout,
      state: 'rolling-back',
      causes,
      since: now,
      replacement,
    });
    const made = await unlessRefused(() =>
      putRevision(this.#context, {
        ...{ document, objects, author: rollout.author, message, time: now },
        rollbackOf: base === 0 ? null : base,
        assign: { current, targetOf: stable => ({ stable, next: null }) },
        also: number => ({
          compare: this.#compare(modified),
          operations: [{ put: this.#context.keys.rollout, value: JSON.stringify(stopped(number)) }],
        }),
      }),
    );
    if (made === undefined) return; // everything is read again
    this.#tell(
      `stopped: all hosts go back to the contents of revision ${base}, as revision ${made.revision}`,
    );
  }

  /** Throws `fleet-conflict` when the target is not of this rollout: an operator went on in another way. */
  async #ownTarget({ revision, base }: Rollout): Promise<CurrentTarget> {
    const current = await readCurrent(this.#context);
    const { stable, next } = current.target;
    if (stable === base && (next === null || next.revision === revision)) return current;
    throw conflict(`another operator changed which hosts run which revision: ${stable} is for all hosts`);
  }

  async #targetChange(
    rollout: Rollout,
    target: Target,
  ): Promise<{ readonly compare: Compare; readonly put: Operation }> {
    const { keys } = this.#context;
    const { modified } = await this.#ownTarget(rollout);
    return {
      compare: { key: keys.target, modified },
      put: { put: keys.target, value: JSON.stringify(target) },
    };
  }

  #compare(modified: number): readonly Compare[] {
    const { keys } = this.#context;
    return [
      { key: keys.rollout, modified },
      { key: keys.leader, created: this.#term },
    ];
  }

  async #save(
    modified: number,
    rollout: Rollout,
    target?: { readonly compare: Compare; readonly put: Operation },
  ): Promise<void> {
    const { etcd, keys, signal } = this.#context;
    const compare = [...this.#compare(modified), ...(target === undefined ? [] : [target.compare])];
    const put = [
      { put: keys.rollout, value: JSON.stringify(rollout) },
      ...(target === undefined ? [] : [target.put]),
    ];
    const { succeeded } = await etcd.transact(compare, put, signal);
    if (!succeeded) this.lost();
  }

  #tell(line: string): void {
    if (line === this.#told) return;
    this.#told = line;
    this.#options.log?.(line);
  }
}

const LEASE_S = 10;

/** Undefined when another process changed the same. */
async function unlessRefused<T>(body: () => Promise<T>): Promise<T | undefined> {
  try {
    return await body();
  } catch (error) {
    if (isProblem(error, 'fleet-conflict')) return undefined;
    throw error;
  }
}
