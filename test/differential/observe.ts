/**
 * What can be seen of an object from outside: verdicts and packets of a run, and then everything in its maps and
 * variables. In the embedded machine and in the kernel alike.
 *
 * Maps and variables are distinguished by their shape, not by their names, which passes change. Those of one
 * shape are compared as a set.
 */

import type { ByteOrder } from '../../src/bytes/cursor.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { openKernelTypes } from '../../src/load/externs/kernel-types.ts';
import { loadObject } from '../../src/load/load.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import type { Machine } from '../../src/vm/run/api.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { SeededRandom } from '../hostile/random.ts';

export interface Step {
  readonly program: string;
  readonly packet: Uint8Array;
}

export interface Observation {
  /** Verdict and packet after each step. */
  readonly runs: readonly string[];
  /** Shape of a map or variable → contents of all that have it, sorted. */
  readonly state: ReadonlyMap<string, readonly string[]>;
}

const HASHES = new Set([1, 9]);
const ARRAYS = new Set([2]);

/** A map that runs of both sides can be compared in; not per CPU, and not full of descriptors. */
function isPlain(type: number): boolean {
  return HASHES.has(type) || ARRAYS.has(type);
}

interface Shape {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

function shapeOf({ type, keySize, valueSize, maxEntries }: Shape): string {
  return `map of type ${type}, key ${keySize}, value ${valueSize}, ${maxEntries} entries`;
}

interface PlainMap {
  update(key: Uint8Array, value: Uint8Array): void;
}

/** The same random contents for maps of one shape, whatever they are called. */
function fill(map: PlainMap, shape: Shape, order: ByteOrder, seed: number): void {
  const random = new SeededRandom(seed ^ shape.maxEntries ^ (shape.valueSize << 16) ^ (shape.type << 8));
  const bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random.below(256));
  const count = Math.min(shape.maxEntries, 2);
  for (let at = 0; at < count; at++) {
    const key = new Uint8Array(shape.keySize);
    const lowest = order === 'little' ? 0 : key.length - 1;
    new DataView(key.buffer).setUint8(
      lowest,
      HASHES.has(shape.type) ? random.below(8) : random.below(shape.maxEntries),
    );
    map.update(key, bytes(shape.valueSize));
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

class State {
  readonly #found = new Map<string, string[]>();

  add(shape: string, contents: string): void {
    this.#found.set(shape, [...(this.#found.get(shape) ?? []), contents]);
  }

  entries(shape: Shape, entries: Iterable<readonly [Uint8Array, Uint8Array]>): void {
    const texts = [...entries].map(([key, value]) => `${hex(key)}=${hex(value)}`);
    this.add(shapeOf(shape), texts.sort().join(' '));
  }

  variables(
    bytes: Uint8Array,
    variables: readonly { readonly offset: number; readonly size: number; readonly name: string }[],
  ): void {
    for (const { name, offset, size } of variables)
      if (name !== '') this.add(`variable of ${size} bytes`, hex(bytes.subarray(offset, offset + size)));
  }

  finish(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.#found].map(([shape, contents]) => [shape, contents.sort()]));
  }
}

const ZERO_KEY = new Uint8Array(4);

/** One object, somewhere it can run. */
export interface Subject {
  run(step: Step): { readonly verdict: number; readonly packet: Uint8Array };
  state(): ReadonlyMap<string, readonly string[]>;
  close(): void;
}

/** In the embedded machine, its maps filled from `seed`. */
export function inMachine(object: BpfObject, seed: number): Subject {
  const machine = createMachine(object);
  for (const map of machine.maps.values())
    if (map.variables === null && isPlain(map.definition.type))
      fill(map, map.definition, object.byteOrder, seed);
  return {
    run: ({ program, packet }) => {
      const { verdict, packet: after } = machine.run(packet, { program });
      return { verdict, packet: after.slice() };
    },
    state: () => machineState(machine),
    close: () => machine.close(),
  };
}

function machineState(machine: Machine): ReadonlyMap<string, readonly string[]> {
  const state = new State();
  for (const map of machine.maps.values()) {
    if (map.variables !== null) {
      if (!map.name.startsWith('.rodata.str'))
        state.variables(map.lookup(ZERO_KEY) ?? new Uint8Array(0), map.variables);
    } else if (isPlain(map.definition.type)) {
      state.entries(map.definition, map.entries());
    }
  }
  return state.finish();
}

/** In the kernel. Throws what the loader says when the kernel refuses it. */
export function inKernel(
  object: BpfObject,
  sys: Sys,
  seed: number,
): Subject & { /** Instructions that the verifier processed. */ processed(): number } {
  const loaded = loadObject(object, sys, { pinRoot: null, logLevel: 1, kernelTypes: kernelTypes(sys) });
  for (const map of loaded.plan.maps) {
    const target = loaded.maps.get(map.name);
    if (target !== undefined && map.keyType !== 0 && !map.name.startsWith('.') && isPlain(map.type))
      fill(target, map, object.byteOrder, seed);
  }
  return {
    run: ({ program, packet }) => loaded.testRun(program, packet),
    state: () => kernelState(loaded),
    processed: () =>
      [...loaded.programs.values()].reduce((sum, program) => sum + program.info().verifiedInsns, 0),
    close: () => loaded.close(),
  };
}

let openTypes: ReturnType<typeof openKernelTypes> | undefined;

/** The kernel's types are many: read once. */
function kernelTypes(sys: Sys): ReturnType<typeof openKernelTypes> {
  openTypes ??= openKernelTypes(sys);
  return openTypes;
}

function kernelState(loaded: LoadedObject): ReadonlyMap<string, readonly string[]> {
  const state = new State();
  const { maps, globals } = loaded.plan;
  maps.forEach((map, index) => {
    const target = loaded.maps.get(map.name);
    if (target === undefined) return;
    if (map.name.startsWith('.')) {
      const own = globals.filter(global => global.map === index);
      if (!map.name.startsWith('.rodata.str'))
        state.variables(target.lookup(ZERO_KEY) ?? new Uint8Array(0), own);
    } else if (isPlain(map.type)) state.entries(map, target.entries());
  });
  return state.finish();
}

/** Runs all steps and looks at everything afterwards. The subject is closed. */
export function observe(subject: Subject, steps: readonly Step[]): Observation {
  try {
    const runs = steps.map(step => {
      const { verdict, packet } = subject.run(step);
      return `${verdict >>> 0} ${hex(packet)}`;
    });
    return { runs, state: subject.state() };
  } finally {
    subject.close();
  }
}

export interface CompareOptions {
  /** Maps and variables may be missing on the right (garbage collection). Default false. */
  readonly mayLack?: boolean;
}

/** The first difference, or undefined. */
export function difference(
  before: Observation,
  after: Observation,
  { mayLack = false }: CompareOptions = {},
): string | undefined {
  const at = before.runs.findIndex((run, index) => run !== after.runs[index]);
  if (at >= 0) return `step ${at}: before ${before.runs[at]}, after ${after.runs[at]}`;
  if (before.runs.length !== after.runs.length) return 'not the same number of steps';
  for (const [shape, contents] of before.state) {
    const other = after.state.get(shape);
    const lacks = mayLack && (other ?? []).every(one => contents.includes(one));
    if (!lacks && other?.join() !== contents.join())
      return `${shape}: before ${contents.join()}, after ${other?.join() ?? 'gone'}`;
  }
  const added = [...after.state.keys()].find(shape => !before.state.has(shape));
  return added === undefined ? undefined : `${added}: only afterwards`;
}

/** Random packets, some of them short, half of them with small numbers in most bytes. */
export function randomPackets(seed: number, count: number): Uint8Array[] {
  const random = new SeededRandom(seed ^ 0x7ac4e7);
  return Array.from({ length: count }, (_, index) => {
    const length = index % 3 === 0 ? 14 + random.below(60) : 64 + random.below(40);
    const small = random.below(2) === 0;
    return Uint8Array.from({ length }, () => random.below(small && random.below(4) > 0 ? 4 : 256));
  });
}
