/** What the commands for many hosts are called with. Separate from their bodies, which only they load. */

import type { ChangeNoteFlags, EtcdFlags, FleetFlags } from './fleet.ts';
import type { StoreFlags } from './loading.ts';
import type { PolicyFlags, RegistryFlags } from './registry.ts';

export interface DiffFlags extends FleetFlags {
  readonly file?: string;
}

export interface DrainFlags extends FleetFlags, ChangeNoteFlags {
  readonly undo: boolean;
}

export interface GetFlags extends FleetFlags {}

export interface HistoryFlags extends FleetFlags {
  readonly count: number;
}

export interface PutFlags extends FleetFlags, ChangeNoteFlags, RegistryFlags {
  readonly file?: string;
  readonly after?: number;
  readonly now: boolean;
}

export interface RollbackFlags extends FleetFlags, ChangeNoteFlags {}

export interface RolloutFlags extends FleetFlags, ChangeNoteFlags {
  readonly waves?: string;
  readonly settle: number;
  readonly timeout: number;
  readonly mostDropped?: string;
  readonly mostAborted?: string;
  readonly join: boolean;
}

export interface StatusFlags extends FleetFlags {
  readonly state?: string;
}

export interface PushFlags extends RegistryFlags {
  readonly sign?: string;
  readonly json: boolean;
}

export interface PullFlags extends RegistryFlags, PolicyFlags {
  readonly output?: string;
  readonly state?: string;
  readonly json: boolean;
}

export interface AgentFlags extends EtcdFlags, RegistryFlags, PolicyFlags, StoreFlags {
  readonly host?: string;
  readonly label?: readonly string[];
  readonly state: string;
  readonly sample?: string;
  readonly sampleDrop?: string;
  readonly lease: number;
  readonly report: number;
  readonly installUnit: boolean;
}
