/** What etcd has of all hosts, kept up to date by one watch: of the leader of a rollout, and for `fleet status`. */

import { RootletError } from '../../diag/index.ts';
import { type HostStatus, readStatus } from '../agent/index.ts';
import type { FleetContext, FleetKeys } from '../desired/index.ts';
import { type KeyValue, watchKeys } from '../etcd/index.ts';
import type { Clock } from '../io/index.ts';
import type { HostView } from './next.ts';

interface Known {
  status: HostStatus | undefined;
  isAlive: boolean;
  isDrained: boolean;
}

export class HostTable {
  readonly #keys: FleetKeys;
  readonly #hosts = new Map<string, Known>();

  constructor(keys: FleetKeys) {
    this.#keys = keys;
  }

  clear(): void {
    this.#hosts.clear();
  }

  /** A key of a host. What does not fit counts as no report: one host does not stop the others. */
  changed(key: string, found: KeyValue | undefined): void {
    const { hosts, allDrained } = this.#keys;
    if (key.startsWith(allDrained)) this.#host(key.slice(allDrained.length)).isDrained = found !== undefined;
    if (!key.startsWith(hosts)) return;
    const [host = '', what] = key.slice(hosts.length).split('/');
    if (what === 'alive') this.#host(host).isAlive = found !== undefined;
    if (what === 'status') this.#host(host).status = found === undefined ? undefined : statusIn(host, found);
  }

  #host(name: string): Known {
    const known = this.#hosts.get(name) ?? { status: undefined, isAlive: false, isDrained: false };
    this.#hosts.set(name, known);
    return known;
  }

  /** By name. A host that was drained and never had an agent is none. */
  views(): HostView[] {
    return [...this.#hosts]
      .filter(([, { status, isAlive }]) => isAlive || status !== undefined)
      .map(([host, known]) => ({ host, ...known }))
      .sort((a, b) => (a.host < b.host ? -1 : 1));
  }
}

function statusIn(host: string, { key, value }: KeyValue): HostStatus | undefined {
  try {
    const status = readStatus(key, value);
    return status.host === host ? status : undefined;
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

/** All hosts as they are now. */
export async function readHosts({ etcd, keys, signal }: FleetContext): Promise<HostView[]> {
  const table = new HostTable(keys);
  for (const prefix of [keys.hosts, keys.allDrained])
    for (const one of await etcd.all(prefix, signal)) table.changed(one.key, one);
  return table.views();
}

/** Keeps a table until the signal is aborted. `isReady` tells when it is complete. */
export function watchHosts(
  { etcd, keys }: FleetContext,
  table: HostTable,
  connected: (isConnected: boolean, error?: unknown) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<never> {
  const watched = [
    { key: keys.hosts, isPrefix: true },
    { key: keys.allDrained, isPrefix: true },
  ];
  const handler = {
    restarted: () => table.clear(),
    changed: (key: string, found: KeyValue | undefined) => table.changed(key, found),
    connected,
  };
  return watchKeys(etcd, watched, handler, clock, signal);
}
