/** From the plan of a machine to its memory, filled in, and to the input of the compiler. */

import { noElement } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { type BpfObject, type CodeReference, kconfigHint, type SymbolIndex } from '../../object/index.ts';
import { BPF_ANY, BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/index.ts';
import type { ExternPlan, MapPlan, MemoryPlan, Refusal } from '../compile/emit/index.ts';
import type { CompiledModule, CompileInput } from '../compile/index.ts';
import { HashOfMapsStore, ReferenceArrayStore } from '../maps/index.ts';
import {
  CELL,
  DESCRIPTOR_SIZE,
  FRAME_SIZE,
  FRAME_STRIDE,
  fillGlobals,
  fillKconfig,
  Heap,
  type Kconfig,
  MachineMemory,
  type MapStore,
  permitSkb,
  permitXdp,
  READ,
  WRITE,
} from '../state/index.ts';
import { createStore } from './map-factory.ts';
import type { MachinePlan } from './plan.ts';

export interface PreparedMemory {
  readonly memory: MachineMemory;
  /** What maps take while programs run. */
  readonly heap: Heap;
  /** By number; sections of global variables last. */
  readonly stores: readonly MapStore[];
  /** Numbers that programs have in the table for tail calls, filled in after compiling. */
  readonly tailNumbers: number[];
}

/** All that is known before the module is instantiated. */
export interface PreparedMachine {
  readonly object: BpfObject;
  readonly plan: MachinePlan;
  readonly prepared: PreparedMemory;
  readonly compiled: CompiledModule;
}

export function prepareMemory(object: BpfObject, plan: MachinePlan, kconfig: Kconfig): PreparedMemory {
  const memory = new MachineMemory(plan.memorySize, object.byteOrder);
  const heap = new Heap(object.name, memory, plan.layout.end);
  const cells = { keyCell: plan.fixed.keyCell, zeros: plan.scratch.zeros };
  const tailNumbers: number[] = [];
  for (let frame = 0; frame < plan.fixed.frames; frame++) {
    memory.permit(plan.fixed.topFrame - frame * FRAME_STRIDE, FRAME_SIZE, READ | WRITE);
  }
  const stores = plan.maps.map(({ definition, storage, hasLock }) =>
    createStore({ memory, heap, definition, storage, hasLock, ...cells }, number =>
      definition.type === BPF_MAP_TYPE_PROG_ARRAY
        ? (tailNumbers[number] ?? -1) + 1
        : descriptorOf(plan, number),
    ),
  );
  plan.maps.forEach(({ definition, symbol }, id) => {
    if (symbol === null) return;
    const at = plan.fixed.descriptors + id * DESCRIPTOR_SIZE;
    memory.view.setUint32(at, definition.keySize, true);
    memory.view.setUint32(at + 4, definition.valueSize, true);
  });
  const first = plan.programs[0];
  if (plan.oneKind && first !== undefined) {
    if (first.kind === 'xdp') permitXdp(memory, plan.fixed.context);
    else permitSkb(memory, plan.fixed.context, first.kind);
  }
  fillGlobals(
    object,
    plan.globals,
    memory,
    symbol => addressOfSymbol(object, plan, symbol),
    symbol => plan.units.findIndex(unit => unit.symbol === symbol),
  );
  const used = symbolsOfUnits(object, plan);
  fillKconfig(object, plan.globals, memory, kconfig, symbol => used.has(symbol));
  return { memory, heap, stores, tailNumbers };
}

/** What the functions that can run refer to. */
function symbolsOfUnits(object: BpfObject, { units }: MachinePlan): ReadonlySet<SymbolIndex> {
  return new Set(
    units.flatMap(unit => {
      const code = object.symbols[unit.symbol];
      return code?.kind === 'function' ? code.references.map(({ symbol }) => symbol) : [];
    }),
  );
}

/** 0 when there is no such map. */
function descriptorOf(plan: MachinePlan, map: number): number {
  const planned = plan.maps[map];
  return planned === undefined || planned.symbol === null
    ? 0
    : plan.fixed.descriptors + map * DESCRIPTOR_SIZE;
}

function addressOfSymbol(object: BpfObject, plan: MachinePlan, symbol: SymbolIndex): number | undefined {
  const global = plan.globals.addresses.get(symbol);
  if (global !== undefined) return global;
  const kind = object.symbols[symbol]?.kind;
  if (kind === 'function') {
    const position = plan.units.findIndex(unit => unit.symbol === symbol);
    return position < 0 ? undefined : plan.fixed.functions + 8 * position;
  }
  if (kind === 'map') {
    const id = plan.maps.findIndex(map => map.symbol === symbol);
    return id < 0 ? undefined : plan.fixed.descriptors + DESCRIPTOR_SIZE * id;
  }
  const extern = object.symbols[symbol];
  return extern?.kind === 'extern' && extern.binding === 'weak' ? 0 : undefined;
}

export function compileInput(object: BpfObject, plan: MachinePlan, prepared: PreparedMemory): CompileInput {
  const { memory, stores } = prepared;
  const { fixed } = plan;
  const mapCount = plan.maps.filter(map => map.symbol !== null).length;
  const mapPlans = new Map<bigint, MapPlan>();
  for (let id = 0; id < mapCount; id++) {
    mapPlans.set(BigInt(fixed.descriptors + id * DESCRIPTOR_SIZE), mapPlanOf(id, stores));
  }
  const addresses = new Map<SymbolIndex, number | undefined>();
  return {
    object,
    units: plan.units,
    programs: plan.programs,
    memory: memoryPlan(plan, memory, mapCount),
    pages: memory.pages,
    topFrame: fixed.topFrame,
    invokeArguments: CELL.invokeArguments,
    externs: externPlan(object, plan),
    addressOf(reference: CodeReference) {
      if (!addresses.has(reference.symbol)) {
        addresses.set(reference.symbol, addressOfSymbol(object, plan, reference.symbol));
      }
      const address = addresses.get(reference.symbol);
      return address === undefined ? undefined : BigInt(address + reference.addend);
    },
    mapAt: address => mapPlans.get(address),
    counters: plan.counters,
    marks: plan.marks,
  };
}

function mapPlanOf(id: number, stores: readonly MapStore[]): MapPlan {
  const store = stores[id];
  if (store === undefined) throw bugError([], `map ${id} has no store`);
  const { name, type, keySize, valueSize, maxEntries } = store.definition;
  return { id, name, type, keySize, valueSize, maxEntries, array: store.array };
}

function memoryPlan(plan: MachinePlan, memory: MachineMemory, mapCount: number): MemoryPlan {
  const stable = plan.layout.regions.filter(region => region.stable === true);
  return {
    limit: memory.shadowOffset,
    shadow: memory.shadowOffset,
    context: plan.fixed.context,
    functions: plan.fixed.functions,
    callbacks: plan.units.length,
    clock: CELL.clock,
    wallClock: CELL.wallClock,
    descriptors: plan.fixed.descriptors,
    descriptorSize: DESCRIPTOR_SIZE,
    descriptorCount: mapCount,
    allows(address, size, permission) {
      if (address >= BigInt(memory.shadowOffset)) return false;
      const start = Number(address);
      const region = stable.find(candidate => start >= candidate.start && start + size <= candidate.end);
      return region !== undefined && isPermitted(memory, start, size, permission);
    },
  };
}

/** Whether all the bytes have the permission now. */
export function isPermitted(
  memory: MachineMemory,
  address: number,
  size: number,
  permission: number,
): boolean {
  if (!(address >= 0 && address + size <= memory.shadowOffset)) return false;
  for (let at = address; at < address + size; at++) {
    if (((memory.shadow[at] ?? noElement(memory.shadow, at)) & permission) !== permission) return false;
  }
  return true;
}

function externPlan(object: BpfObject, plan: MachinePlan): ExternPlan {
  return {
    refusal(symbol, use) {
      const map = plan.refusals.get(symbol);
      if (map !== undefined) return map;
      const extern = object.symbols[symbol];
      if (extern?.kind !== 'extern' || plan.globals.addresses.has(symbol)) return undefined;
      if (extern.binding === 'weak' && use === 'address') return undefined;
      return externRefusal(extern.name, extern.section, use);
    },
  };
}

function externRefusal(name: string, section: string | null, use: 'call' | 'address'): Refusal {
  if (section === '.ksyms') {
    const what = use === 'call' ? `calls the kernel function "${name}"` : `uses the kernel symbol "${name}"`;
    return { code: 'vm-kernel-symbol', message: `${what}, which the machine does not have` };
  }
  return {
    code: 'vm-extern-undefined',
    message: `${use === 'call' ? 'calls' : 'uses'} "${name}", which has no definition`,
    hint: kconfigHint(name) ?? 'link the object with the one that defines it',
  };
}

/** Puts programs and maps that the source names into the maps that hold them. */
export function fillMaps(
  object: BpfObject,
  plan: MachinePlan,
  { memory, stores }: Pick<PreparedMemory, 'memory' | 'stores'>,
): void {
  plan.maps.forEach(({ definition, symbol }, id) => {
    const map = symbol === null ? undefined : object.symbols[symbol];
    const store = stores[id];
    if (map?.kind !== 'map' || store === undefined) return;
    for (const reference of map.references) {
      const index = (reference.offset - definition.valuesOffset) / 8;
      const program = plan.programs.findIndex(candidate => candidate.symbol === reference.symbol);
      const inner = plan.maps.findIndex(candidate => candidate.symbol === reference.symbol);
      const number = program >= 0 ? program : inner;
      if (number < 0 || index >= definition.maxEntries) continue;
      if (store instanceof ReferenceArrayStore) store.assign(index, number);
      else if (store instanceof HashOfMapsStore) setInner(store, index, number, plan.scratch, memory);
    }
  });
}

/** Initial values of a hash table have their index as the key. */
function setInner(
  store: HashOfMapsStore,
  index: number,
  number: number,
  scratch: MachinePlan['scratch'],
  memory: MachineMemory,
): void {
  memory.bytes.fill(0, scratch.key, scratch.key + store.definition.keySize);
  memory.setU32(scratch.key, index);
  memory.setU32(scratch.value, number);
  store.update(scratch.key, scratch.value, BPF_ANY);
}
