/** Hosts without a kernel, for tests and measurements of agents. Not exported from the package. */

import { platformError } from '../diag/index.ts';
import type { Host, HostChange, HostChanged } from './agent/host.ts';
import type { AgentMemory } from './agent/memory.ts';
import type { HookRates } from './agent/status.ts';

export interface SimulatedOptions {
  /** Milliseconds that a change takes. */
  readonly delay?: () => number;
  /** Why a change is refused by the verifier; undefined for one that is not. */
  readonly refuse?: (change: HostChange) => string | undefined;
  readonly dropped?: (change: HostChange | undefined) => number;
}

/** Makes what is declared after some time, and counts the packets of nobody. */
export class SimulatedHost implements Host {
  readonly #options: SimulatedOptions;
  #last: HostChange | undefined;
  #since = Date.now();
  isTouched = false;
  changes = 0;

  constructor(options: SimulatedOptions = {}) {
    this.#options = options;
  }

  async change(change: HostChange): Promise<HostChanged> {
    const { delay = () => 0, refuse = () => undefined } = this.#options;
    this.changes++;
    await new Promise(resolve => setTimeout(resolve, delay()));
    const reason = refuse(change);
    if (reason !== undefined)
      throw platformError('kernel-verifier-refused', ['program'], reason, { hint: 'change it' });
    this.#last = change;
    this.#since = Date.now();
    return {
      hooks: change.chains.map(({ title, members }) => ({
        hook: title,
        action: 'change',
        members: members.map(({ name }) => name),
      })),
      managed: change.chains.map(({ kind, direction, interface: name }) => ({
        kind,
        direction,
        interface: name,
      })),
    };
  }

  rates(): readonly HookRates[] {
    const { dropped = () => 0 } = this.#options;
    const seconds = (Date.now() - this.#since) / 1000;
    return (this.#last?.chains ?? []).map(({ title }) => ({
      ...{ hook: title, seconds, packets: 1000, dropped: dropped(this.#last), aborted: 0 },
    }));
  }
}

/** A memory that ends with the process. */
export class SimulatedMemory {
  memory: AgentMemory;

  constructor(id: string) {
    this.memory = { id, seen: 0, good: null, managed: [], isEmptied: false, boot: '' };
  }

  read(): AgentMemory {
    return this.memory;
  }

  write(memory: AgentMemory): void {
    this.memory = memory;
  }
}
