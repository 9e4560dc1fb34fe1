/** Programs and maps of one object in the kernel, with one lifetime. */

import { argumentError, available, quote, usageError } from '../../diag/index.ts';
import type { BpfMap, BpfProgram, Fd, TestRunOptions, TestRunResult } from '../../kernel/index.ts';
import type { LoadPlan } from '../plan/index.ts';
import { TypedMap } from '../values/index.ts';
import { Globals, globalsAsProperties } from './globals.ts';

/** A run of a program on a packet. */
export interface PacketRun {
  /** r0 of the run. */
  readonly verdict: number;
  /** The packet after the run, without metadata. */
  readonly packet: Uint8Array;
  /** Metadata that an XDP program put before the packet; empty when there is none. Since Linux 5.15. */
  readonly metadata: Uint8Array;
  /** The context after the run; empty when none was given. */
  readonly context: Uint8Array;
  /** Nanoseconds; the mean where the run was repeated. */
  readonly durationNs: number;
}

/** Closing it closes all descriptors; what is pinned or attached elsewhere stays in the kernel. */
export class LoadedObject {
  /** What was created. */
  readonly plan: LoadPlan;
  /** By name in the object. */
  readonly programs: ReadonlyMap<string, BpfProgram>;
  /** By name in the object: map names, and section names for globals (`.bss`, `.rodata`). */
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** The types as the kernel has them; null for an object without types. */
  readonly btf: Fd | null;
  /** Features that an old kernel lacks; empty on others. */
  readonly notes: readonly string[];
  /** @internal */
  readonly variables: Globals;
  /** Global variables as properties: `object.globals.limit = 100`, checked against their types. */
  readonly globals: Record<string, unknown>;
  readonly #unpin: () => void;

  /**
   * `maps` in the order of the plan. `unpin` removes the pins by name that the load made.
   * @internal
   */
  constructor(
    plan: LoadPlan,
    programs: ReadonlyMap<string, BpfProgram>,
    maps: readonly BpfMap[],
    btf: Fd | null,
    notes: readonly string[] = [],
    unpin: () => void = () => {},
  ) {
    this.notes = notes;
    this.#unpin = unpin;
    this.plan = plan;
    this.programs = programs;
    this.maps = new Map(maps.map((map, index) => [plan.maps[index]?.name ?? map.name, map]));
    this.btf = btf;
    this.variables = new Globals(plan.globals, maps, plan.types, plan.byteOrder);
    this.globals = globalsAsProperties(this.variables);
  }

  /** Throws `load-no-program`, naming the programs that there are. */
  program(name: string): BpfProgram {
    const program = this.programs.get(name);
    if (program === undefined) throw notThere('program', name, this.programs.keys());
    return program;
  }

  /** Throws `load-no-map`, naming the maps that there are. */
  map(name: string): BpfMap {
    const map = this.maps.get(name);
    if (map === undefined) throw notThere('map', name, this.maps.keys());
    return map;
  }

  /** A map whose keys and values are those of its BTF types. Throws `load-no-map`. */
  typedMap(name: string): TypedMap {
    const map = this.map(name);
    const plan = this.plan.maps.find(candidate => candidate.name === name);
    const types = this.plan.types === null ? null : { btf: this.plan.types, order: this.plan.byteOrder };
    return new TypedMap(map, types, plan?.keyType ?? 0, plan?.valueType ?? 0);
  }

  /** Runs a program in the kernel on a packet. */
  testRun(program: string, packet: Uint8Array, options: Omit<TestRunOptions, 'data'> = {}): PacketRun {
    const result: TestRunResult = this.program(program).testRun({ ...options, data: packet });
    const { verdict, data, metadata, context, durationNs } = result;
    return { verdict, packet: data, metadata, context, durationNs };
  }

  /** Closes programs, maps and mapped variables; doing it twice is harmless. */
  close(): void {
    this.variables.close();
    for (const program of this.programs.values()) program.close();
    for (const map of this.maps.values()) map.close();
    this.btf?.close();
  }

  /**
   * Takes the load back: closes everything, and removes the pins by name that it made. Only before anything
   * else uses them.
   * @internal
   */
  discard(): void {
    this.unpin();
    this.close();
  }

  /**
   * Removes the pins by name that loading it made, and no others: the maps go with their last user.
   * @internal
   */
  unpin(): void {
    this.#unpin();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Throws a `TypeError` unless `value` is a `LoadedObject`. `place` is function and argument. */
export function requireLoaded(place: string, value: unknown): asserts value is LoadedObject {
  if (!(value instanceof LoadedObject)) throw argumentError(place, 'what loadObject() returns', value);
}

function notThere(what: 'program' | 'map', name: string, known: Iterable<string>) {
  return usageError(
    `load-no-${what}` as const,
    `there is no ${what} ${quote(name)}; ${available('there are', known)}`,
  );
}
