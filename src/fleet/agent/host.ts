/** What an agent needs of the machine that it runs on. Simulated agents have another one than real hosts. */

import type { InputFile } from '../../bytes/index.ts';
import type { DeclaredChain } from '../../chain/index.ts';
import type { ManagedHook } from './memory.ts';
import type { HookRates, ReportedHook } from './status.ts';

export interface HostChange {
  /** For the host, each hook once. */
  readonly chains: readonly DeclaredChain[];
  /** By the name that members have for them. */
  readonly files: ReadonlyMap<string, InputFile>;
  /** Hooks with chains of the agent: those that no document names any longer are removed. */
  readonly managed: readonly ManagedHook[];
  /** Packets of the sample may not be dropped. */
  readonly isNew: boolean;
}

export interface HostChanged {
  readonly hooks: readonly ReportedHook[];
  readonly managed: readonly ManagedHook[];
}

export interface Host {
  /**
   * Makes hooks what is declared: everything is planned and checked before the first hook is switched. Throws
   * `RootletError`; `isTouched` tells whether a hook was switched before that.
   */
  change(change: HostChange): Promise<HostChanged>;
  /** Whether the last change that failed had switched a hook. */
  readonly isTouched: boolean;
  /** Since the last change. */
  rates(): readonly HookRates[];
}
