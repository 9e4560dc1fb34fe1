/** What a running machine consists of, as helpers see it. */

import type { CodeOf } from '../../diag/index.ts';
import type { MapStore } from './map-store.ts';
import type { MachineMemory } from './memory.ts';
import type { PacketBuffer } from './packet.ts';
import type { ProgramKind } from './program-kind.ts';
import type { SkbState } from './skb.ts';
import type { TextReader } from './texts.ts';

/** Target of a redirected packet. */
export interface Redirect {
  /** Interface, or null if a map specifies the target. */
  readonly ifindex: number | null;
  /** Name of the map and the key looked up in it. */
  readonly map: string | null;
  readonly key: number | null;
  /** A copy of the packet (`bpf_clone_redirect`), not the packet itself. */
  readonly clone: boolean;
  readonly flags: number;
}

/** A record that a program sent through a ring buffer or a perf event array. */
export interface EventRecord {
  readonly map: string;
  readonly data: Uint8Array;
}

export interface MachineState {
  readonly memory: MachineMemory;
  /** Address of the context. */
  readonly contextAddress: number;
  /** By number. */
  readonly maps: readonly MapStore[];
  /** Address of the descriptor of map 0; the others follow. */
  readonly descriptors: number;
  /** Address of 16 bytes for a key and a value of the machine's own. */
  readonly keyCell: number;
  readonly packet: PacketBuffer;
  readonly skb: SkbState;
  readonly texts: TextReader;
  /** Kind of the running program. */
  kind: ProgramKind;
  /** Nanoseconds since the machine's boot. */
  clockNs: number;
  redirect: Redirect | undefined;
  /** Pseudo-random u32. */
  random(): number;
  trace(line: string): void;
  event(record: EventRecord): void;
  /** Writes the packet's bounds into the context. */
  syncContext(): void;
  /** Runs the function with that number in the table in a frame below `frame`; whether it stops the loop. */
  callBack(frame: number, callee: number, args: readonly [number, number, number, number, number]): boolean;
  /** Ends the run with an error at the helper call of that site; `message` follows the helper's name. */
  fail(site: number, code: CodeOf<'input'>, message: string, hint?: string): never;
  /** Whether the program may access the bytes with that permission. */
  allowed(address: number, size: number, permission: number): boolean;
}
