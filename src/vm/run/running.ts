/** A machine at work: one instance of a compiled module, run on packet after packet. */

import type { ValueTypes } from '../../btf/index.ts';
import { requireRange, type WasmInstance, type WasmModule } from '../../bytes/index.ts';
import {
  argumentError,
  available,
  bugError,
  LIMITS,
  limitOf,
  quote,
  quoteAll,
  RootletError,
  usageError,
} from '../../diag/index.ts';
import {
  elementTypes,
  globalsAsProperties,
  isPerCpu,
  type NameIn,
  type ObjectTypes,
  TypedMap,
} from '../../object/index.ts';
import {
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PROG_ARRAY,
} from '../../uapi/index.ts';
import {
  ENV_MODULE,
  FAULT_IMPORT,
  HELPER_MODULE,
  INVOKE_EXPORT,
  programExport,
} from '../compile/analysis/index.ts';
import { RingBufferStore } from '../maps/index.ts';
import {
  type EventRecord,
  type MachineMemory,
  type MapStore,
  PACKET_PERMISSION,
  type ProgramKind,
  type Redirect,
} from '../state/index.ts';
import { exported, instantiate } from '../wasm/index.ts';
import type { Machine, MachineOptions, RunContext, RunResult } from './api.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { type FaultContext, faultError } from './faults.ts';
import { bindHelpers } from './imports.ts';
import { machineGlobals } from './machine-globals.ts';
import { type MachineMap, StoreMap } from './machine-map.ts';
import { RunningState } from './running-state.ts';
import { fillMaps, type PreparedMachine } from './setup.ts';

/** Once for each packet, so cheaper than `isBytes`. */
function requireView(place: string, value: unknown): void {
  if (!ArrayBuffer.isView(value)) throw argumentError(place, 'a Uint8Array', value);
}

const NO_CONTEXT: RunContext = {};

interface Entry {
  readonly name: string;
  readonly kind: ProgramKind;
  /** Of the packet's bytes. */
  readonly permission: number;
  /** (fuel) → low half of r0. */
  readonly run: (fuel: number) => number;
}

class Result implements RunResult {
  readonly verdict: number;
  readonly redirect: Redirect | undefined;
  readonly #state: RunningState;

  constructor(verdict: number, state: RunningState) {
    this.verdict = verdict;
    this.redirect = state.redirect;
    this.#state = state;
  }

  get packet(): Uint8Array {
    return this.#state.packetBytes();
  }

  get metadata(): Uint8Array {
    return this.#state.packet.metadata();
  }

  get context(): Uint8Array {
    return this.#state.contextBytes();
  }
}

/** Reads the mark, and clears it. */
function markAt(memory: MachineMemory, address: number): () => number {
  return () => {
    const { view } = memory;
    const mark = view.getUint32(address, true);
    view.setUint32(address, 0, true);
    return mark;
  };
}

export class RunningMachine<Types extends ObjectTypes> implements Machine<Types> {
  readonly programs: readonly string[];
  readonly maps: ReadonlyMap<string, MachineMap>;
  readonly globals: Types['globals'];
  readonly #types: ValueTypes | null;
  readonly #coverage: (() => Coverage) | null;
  readonly #takeMark: () => number;
  readonly #objectName: string;
  readonly #entries: Map<string, Entry>;
  readonly #default: Entry | undefined;
  readonly #rings: readonly { readonly name: string; readonly store: RingBufferStore }[];
  readonly #budget: number;
  #state: RunningState | null;

  constructor(prepared: PreparedMachine, module: WasmModule, options: MachineOptions) {
    const { object, plan, compiled } = prepared;
    const { stores, tailNumbers } = prepared.prepared;
    this.#objectName = object.name;
    this.#budget = checkedBudget(options);
    const state = new RunningState(prepared, { seed: options.seed ?? 1, clock: options.clock });
    this.#state = state;
    const { memory } = prepared.prepared;
    this.#coverage = plan.counters === undefined ? null : coverageOf(object, plan.counters, memory);
    this.#takeMark = plan.marks === undefined ? () => 0 : markAt(memory, plan.marks.address);
    this.#rings = stores.flatMap(store =>
      store instanceof RingBufferStore ? [{ name: store.definition.name, store }] : [],
    );
    this.programs = plan.programs.map(program => program.name);
    this.maps = namedMaps(prepared);
    this.#types = object.btf === null ? null : { btf: object.btf, order: object.byteOrder };
    this.globals = globalsAsProperties(machineGlobals(object, this.maps)); // as the caller states their types
    const instance = start(prepared, module, state, this.#budget);
    state.invoke = functionOf(instance, INVOKE_EXPORT);
    this.#entries = new Map(
      plan.programs.map(({ name, kind }, index) => [
        name,
        { name, kind, permission: PACKET_PERMISSION[kind], run: functionOf(instance, programExport(index)) },
      ]),
    );
    const only = options.program ?? (this.programs.length === 1 ? this.programs[0] : undefined);
    this.#default = only === undefined ? undefined : this.#entries.get(only);
    tailNumbers.push(...compiled.tailNumbers);
    fillMaps(object, plan, prepared.prepared);
  }

  kindOf(program?: string): ProgramKind {
    return this.#pick(program).kind;
  }

  run(packet: Uint8Array, context: RunContext = NO_CONTEXT): RunResult {
    requireView('run: packet', packet);
    return this.runRange(packet, 0, packet.length, context);
  }

  runRange(bytes: Uint8Array, offset: number, length: number, context: RunContext = NO_CONTEXT): RunResult {
    requireView('runRange: bytes', bytes);
    requireRange(bytes.length, offset, length, 'a packet');
    const state = this.#live();
    const entry = this.#pick(context.program);
    if (entry.kind !== state.kind) state.permitContext(entry.kind);
    state.packet.load(bytes, offset, length, entry.permission);
    if (entry.kind === 'xdp') state.xdp.receive(context.ingressIfindex ?? 1, context.rxQueueIndex ?? 0);
    else state.skb.receive(entry.kind, context);
    state.clock.advance(context.timestamp);
    state.redirect = undefined;
    const verdict = this.#execute(entry);
    if (this.#rings.length > 0) this.#drainRings(state);
    return new Result(verdict >>> 0, state);
  }

  map(name: string): MachineMap {
    const map = this.maps.get(name);
    if (map !== undefined) return map;
    const names = [...this.maps.keys()].map(quote).join(', ');
    throw usageError('vm-unknown-map', `${this.#objectName} has no map ${quote(name)}`, {
      hint: names === '' ? 'it has no maps at all' : `it has ${names}`,
    });
  }

  typedMap<Name extends NameIn<Types['maps']>>(
    name: Name,
    { value }: { readonly value?: string } = {},
  ): TypedMap<
    Types['maps'][Name]['key'],
    Types['maps'][Name]['value'],
    Types['maps'][Name]['keyInput'],
    Types['maps'][Name]['valueInput'],
    MachineMap
  > {
    const map = this.map(name);
    const { keySize, valueSize, type } = map.definition;
    const shape = { name, keySize, valueSize, valueLength: valueSize, perCpu: isPerCpu(type) };
    return new TypedMap(map, shape, elementTypes(this.#types, map.definition, value));
  }

  trace(): readonly string[] {
    return [...this.#live().lines];
  }

  events(): readonly EventRecord[];
  events<Name extends NameIn<Types['maps']>>(
    map: Name,
    options?: { readonly value?: string },
  ): readonly Types['maps'][Name]['value'][];
  events<Name extends NameIn<Types['maps']>>(
    map?: Name,
    options: { readonly value?: string } = {},
  ): readonly EventRecord[] | readonly Types['maps'][Name]['value'][] {
    const { records } = this.#live();
    if (map === undefined) return [...records];
    const typed = this.typedMap(map, options);
    return records.flatMap(record => (record.map === map ? [typed.decodeRecord(record.data)] : []));
  }

  forgotten(): { readonly lines: number; readonly records: number } {
    return { ...this.#live().forgotten };
  }

  coverage(): Coverage {
    this.#live();
    if (this.#coverage !== null) return this.#coverage();
    throw usageError('vm-no-coverage', 'the machine counts nothing', {
      hint: 'createMachine(object, { coverage: true }) does',
    });
  }

  takeMark(): number {
    return this.#takeMark();
  }

  close(): void {
    this.#state = null;
    this.#entries.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #drainRings(state: RunningState): void {
    for (const { name, store } of this.#rings) store.drain(data => state.event({ map: name, data }));
  }

  #live(): RunningState {
    if (this.#state === null) throw usageError('vm-closed', 'the machine is closed');
    return this.#state;
  }

  #pick(name: string | undefined): Entry {
    const entry = name === undefined ? this.#default : this.#entries.get(name);
    if (entry !== undefined) return entry;
    throw name === undefined
      ? usageError(
          'vm-program-choice',
          `${this.#objectName} has several programs: ${quoteAll(this.programs)}`,
          {
            hint: 'specify which one to run',
          },
        )
      : usageError('vm-unknown-program', `${this.#objectName} has no program ${quote(name)}`, {
          hint: available('it has', this.programs),
        });
  }

  /** Errors of the engine itself are internal errors, except that calls may be nested too deeply for it. */
  #execute(entry: Entry): number {
    try {
      return entry.run(this.#budget);
    } catch (error) {
      if (error instanceof RootletError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      throw bugError(
        [this.#objectName, `program ${quote(entry.name)}`],
        `the compiled program failed: ${text}`,
      );
    }
  }
}

function checkedBudget({ budget, limits }: MachineOptions): number {
  if (budget === undefined) return limitOf(limits, 'budget');
  const { least, most } = LIMITS.budget;
  if (Number.isInteger(budget) && budget >= least && budget <= most) return budget;
  throw usageError('vm-budget-range', `a budget is a whole number from ${least} to ${most}, not ${budget}`);
}

/** Maps of one name cannot be distinguished by it; the first one counts. */
function namedMaps({ plan, prepared }: PreparedMachine): ReadonlyMap<string, MachineMap> {
  const maps = new Map<string, MachineMap>();
  const sections = new Map(plan.globals.sections.map(section => [section.name, section]));
  const programNames = plan.programs.map(program => program.name);
  const mapNames = plan.maps.map(map => map.definition.name);
  prepared.stores.forEach((store, id) => {
    const section = sections.get(store.definition.name);
    const variables = plan.maps[id]?.symbol === null ? (section?.variables ?? null) : null;
    const slots = slotNames(store, programNames, mapNames);
    const map = new StoreMap(id, store, prepared.memory, plan.scratch, variables, slots);
    if (!maps.has(map.name)) maps.set(map.name, map);
  });
  return maps;
}

/** Names of what the slots of a map may hold; null for maps of bytes. */
function slotNames(
  { definition }: MapStore,
  programs: readonly string[],
  maps: readonly string[],
): readonly string[] | null {
  switch (definition.type) {
    case BPF_MAP_TYPE_PROG_ARRAY:
      return programs;
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
      return maps;
    default:
      return null;
  }
}

function start(
  { object, plan, prepared, compiled }: PreparedMachine,
  module: WasmModule,
  state: RunningState,
  budget: number,
): WasmInstance {
  const context: FaultContext = {
    object,
    memory: prepared.memory,
    packet: state.packet,
    regions: [plan.layout.regions, prepared.heap.regions],
    topFrame: plan.fixed.topFrame,
    budget,
  };
  const fault = (site: number, low: number, high: number, size: number) => {
    const found = compiled.sites.get(site);
    if (found === undefined) throw bugError([object.name], `there is no site ${site}`);
    const address = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    throw faultError(context, found, address, size);
  };
  return instantiate(module, {
    [ENV_MODULE]: { memory: prepared.memory.wasm, [FAULT_IMPORT]: fault },
    [HELPER_MODULE]: bindHelpers(compiled.imports, state),
  });
}

function functionOf(instance: WasmInstance, name: string): (...args: number[]) => number {
  const found = exported(instance, name);
  if (typeof found !== 'function') throw bugError([], `the compiled module has no function ${name}`);
  return found as (...args: number[]) => number; // the compiler gave it that type
}
