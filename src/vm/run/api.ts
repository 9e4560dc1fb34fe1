/** The public interface of the machine. */

import type { Limits } from '../../diag/index.ts';
import type { CodeMarks, NameIn, ObjectTypes, TypedMap } from '../../object/index.ts';
import type { Timestamp } from '../capture/index.ts';
import type { EventRecord, ProgramKind, Redirect } from '../state/index.ts';
import type { Coverage } from './coverage.ts';
import type { MachineMap } from './machine-map.ts';

/** Options of `createMachine`. */
export interface MachineOptions {
  /**
   * Program to run. Default: the only one that the machine can run; with several, each run specifies which.
   */
  readonly program?: string;
  /** Kind that `program` is run as; overrides its section. */
  readonly kind?: ProgramKind;
  /** Backward jumps and calls that one run may make. Default: that of `limits`, 2^28. */
  readonly budget?: number;
  /** Of `bpf_get_prandom_u32`. Default 1. */
  readonly seed?: number;
  /**
   * Nanoseconds since boot, for each run. Default: a virtual clock, which follows the packets' timestamps and
   * moves 1 µs with every packet that has none.
   */
  readonly clock?: () => number;
  /** Values of `.kconfig` externs. */
  readonly kconfig?: ReadonlyMap<string, bigint | string>;
  /**
   * Bytes of memory that maps, variables and the machine itself may use, half of it for the checks. Large maps
   * use memory for the elements that are used. Default: `machine` of `limits`, 2 GiB; at most 4 GiB.
   */
  readonly maxMemory?: number;
  /** Limits as `--limits` takes them (docs/robustness.md): `budget` and `machine`. */
  readonly limits?: Limits;
  /** Map name → max_entries instead of the one in the object. Throws `vm-unknown-map` for other names. */
  readonly maxEntries?: ReadonlyMap<string, number>;
  /** Count which instructions run, for `Machine.coverage()`. Default false: code has no counters. */
  readonly coverage?: boolean;
  /** @internal Numbers that `takeMark()` returns. */
  readonly marks?: CodeMarks | undefined;
}

/** Metadata of one packet. Defaults are those of the kernel's BPF_PROG_TEST_RUN. */
export interface RunContext {
  /** Program to run, when the machine has several. */
  readonly program?: string;
  /** Time of capture. */
  readonly timestamp?: Timestamp | undefined;
  /**
   * Interface that the packet came in through. Default 1, the loopback, for XDP, and 0, none, for socket
   * buffers.
   */
  readonly ingressIfindex?: number;
  /** XDP only. Default 0. */
  readonly rxQueueIndex?: number;
  /** The following are for socket buffers only. Default 1. */
  readonly ifindex?: number;
  readonly mark?: number;
  readonly priority?: number;
  readonly queueMapping?: number;
}

/** What a run did to one packet. */
export interface RunResult {
  /** Low half of r0. */
  readonly verdict: number;
  /** The packet after the run: a view into the machine's memory that is valid until the next run. */
  readonly packet: Uint8Array;
  /** Metadata that an XDP program put before the packet; empty when there is none. A view like `packet`. */
  readonly metadata: Uint8Array;
  /** The context structure after the run, in the object's byte order: a view, valid until the next run. */
  readonly context: Uint8Array;
  /** Target of the packet, if the program called a redirecting helper. */
  readonly redirect: Redirect | undefined;
}

/**
 * An object in the embedded machine: programs that run on packets, and their maps. `Types` are names and types of the
 * object, as of `LoadedObject`.
 */
export interface Machine<Types extends ObjectTypes = ObjectTypes> {
  /** Names of all programs: the ones requested, then those that they tail-call. */
  readonly programs: readonly string[];
  /** Kind of a program. Throws `vm-unknown-program`. */
  kindOf(program?: string): ProgramKind;
  /** Runs a program on a packet. Throws a `RootletError` that names function, instruction and C line. */
  run(packet: Uint8Array, context?: RunContext): RunResult;
  /** As `run`, on a part of `bytes`: quicker than a view of it when many packets are in the same bytes. */
  runRange(bytes: Uint8Array, offset: number, length: number, context?: RunContext): RunResult;
  /** By name, sections of global variables included. */
  readonly maps: ReadonlyMap<string, MachineMap>;
  /** A map by name, as `maps` has it. Throws `vm-unknown-map`, naming the maps that there are. */
  map(name: string): MachineMap;
  /**
   * A map whose keys and values are those of its BTF types, as of a loaded object; per-CPU maps have one CPU. `value`
   * names another type of the values or records, such as `struct event`. Throws `vm-unknown-map` and `value-no-type`.
   */
  typedMap<Name extends NameIn<Types['maps']>>(
    name: Name,
    options?: { readonly value?: string },
  ): TypedMap<
    Types['maps'][Name]['key'],
    Types['maps'][Name]['value'],
    Types['maps'][Name]['keyInput'],
    Types['maps'][Name]['valueInput'],
    MachineMap
  >;
  /**
   * Global variables as properties: `machine.globals.limit = 100`, checked against their types. Constants can be set
   * too: code is not compiled for their values.
   */
  readonly globals: Types['globals'];
  /** Lines of `bpf_printk` so far; of very many the last ones. */
  trace(): readonly string[];
  /** Records sent through ring buffers and perf event arrays so far; of very many the last ones. */
  events(): readonly EventRecord[];
  /** Those of one map, as values of its type, or of the type `value`. Throws as `typedMap`, and `value-record`. */
  events<Name extends NameIn<Types['maps']>>(
    map: Name,
    options?: { readonly value?: string },
  ): readonly Types['maps'][Name]['value'][];
  /** How many lines and records there were before those that `trace()` and `events()` have. */
  forgotten(): { readonly lines: number; readonly records: number };
  /**
   * Which lines and functions of the source ran so far, in all runs. Throws `vm-no-coverage` unless the option
   * `coverage` was given.
   */
  coverage(): Coverage;
  /** @internal The number of the last marked instruction that ran since the last call; 0: none did. */
  takeMark(): number;
  /** Releases the memory; doing it twice is harmless. A closed machine throws `vm-closed`. */
  close(): void;
  /** As `close()`. */
  [Symbol.dispose](): void;
}
