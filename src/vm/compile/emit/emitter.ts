/**
 * What the emitting functions of one BPF function share, and their register and memory primitives.
 *
 * A BPF function becomes one WebAssembly function (frame, r1..r5) → r0: registers are i64 locals, so r6 to r9
 * are saved by construction, and `frame` is the lowest address of the 512 bytes of this call's stack frame.
 */

import type { ByteOrder } from '../../../bytes/index.ts';
import type { CodeOf } from '../../../diag/index.ts';
import type { CodeMarks, CodeReference, SymbolIndex } from '../../../object/index.ts';
import type { ArrayPlace, ProgramKind } from '../../state/index.ts';
import { CodeBuilder, type ModuleBuilder } from '../../wasm/index.ts';
import * as w from '../../wasm/opcodes.ts';
import type { CallPlan, CodeUnit, ImportTable, SiteTable } from '../analysis/index.ts';
import { ANY, type State, type Value } from '../analysis/index.ts';
import type { UnitCounters } from './counters.ts';

/** Locals of a compiled function; the first six are its parameters. */
export const LOCAL = {
  frame: 0,
  r0: 6,
  r6: 7,
  /** The frame pointer: `frame` + 512. */
  r10: 11,
  /** Scratch; nothing keeps a value here from one instruction to the next. */
  wide: 12,
  wide2: 13,
  address: 14,
  narrow: 15,
  /** Block to go to next, in functions that are compiled as one dispatching loop. */
  label: 16,
  /** Rounds of `may_goto` so far. */
  rounds: 17,
} as const;

/** Types of the locals after the parameters. */
export const LOCAL_TYPES: readonly w.ValueType[] = [
  ...new Array<w.ValueType>(8).fill(w.I64),
  ...new Array<w.ValueType>(4).fill(w.I32),
];
export const FUNCTION_PARAMS: readonly w.ValueType[] = [w.I32, ...new Array<w.ValueType>(5).fill(w.I64)];

/** What is fixed for the whole module while its functions are compiled. */
export interface ModulePlan {
  readonly objectName: string;
  readonly byteOrder: ByteOrder;
  readonly module: ModuleBuilder;
  readonly sites: SiteTable;
  readonly memory: MemoryPlan;
  readonly calls: CallPlan;
  /** Type index of every compiled BPF function. */
  readonly functionType: number;
  /** Import `fault(site, addressLow, addressHigh, size)`; never returns. */
  readonly fault: number;
  /** Global: back edges and calls that may still be made. */
  readonly fuel: number;
  /** Global: tail calls made in this run. */
  readonly tailCalls: number;
  /** Global: bytes of stack in use, kept only when `calls.checked`. */
  readonly stackUsed: number;
  /** Global: `frame` of the running program's main function, kept only when `calls.checked`. */
  readonly frameBase: number;
  readonly runtime: RuntimeFunctions;
  readonly externs: ExternPlan;
  readonly imports: ImportTable;
  /** Position of a BPF function in the module; undefined for one that is not compiled. */
  position(symbol: SymbolIndex): number | undefined;
  /** Position of a function among those that are compiled. */
  numberOf(symbol: SymbolIndex): number;
  /** Kinds of the programs that reach the function. */
  kindsOf(symbol: SymbolIndex): readonly ProgramKind[];
  /** Address that a reference in code represents; undefined when it has none. */
  addressOf(reference: CodeReference): bigint | undefined;
  /** The map whose descriptor is at the address; undefined when none does. */
  mapAt(address: bigint): MapPlan | undefined;
  /** Counters of a function; undefined where nothing is counted. */
  countersOf(symbol: SymbolIndex): UnitCounters | undefined;
  readonly marks: MarkPlan | undefined;
}

/** Numbers that code stores when it gets to an instruction: the last one is kept. */
export interface MarkPlan {
  /** Of 4 bytes that no program may access. */
  readonly address: number;
  readonly marks: CodeMarks;
}

export interface MemoryPlan {
  /** Addresses from here on are never valid. */
  readonly limit: number;
  /** Distance from an address to its shadow byte. */
  readonly shadow: number;
  /** Address of the context. */
  readonly context: number;
  /** Lowest address passed for functions; 8 bytes each, in the order of the table. */
  readonly functions: number;
  /** Functions in the table that may be called back. */
  readonly callbacks: number;
  /** Addresses of the 64-bit clocks: since boot, and of the wall. */
  readonly clock: number;
  readonly wallClock: number;
  /** Lowest map descriptor, their distance and their number. */
  readonly descriptors: number;
  readonly descriptorSize: number;
  readonly descriptorCount: number;
  /** Whether the bytes are in one region whose permissions never change and allow the access. */
  allows(address: bigint, size: number, permission: number): boolean;
}

/** What the compiler has to know of a map. */
export interface MapPlan {
  /** Position among the machine's maps; the descriptor's number. */
  readonly id: number;
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** For maps that are an array in memory with all elements always there. */
  readonly array: ArrayPlace | null;
}

/** Positions of the functions that every module has. */
export interface RuntimeFunctions {
  /** (address i64, site i32, size i32): calls `fault`. */
  readonly faultAt: number;
  /**
   * (address i64, size i64, permission i32, site i32): faults unless the bytes are accessible; returns the
   * i32 address.
   */
  readonly checkRange: number;
  /**
   * (address i64, site i32): faults unless a string that can be read ends before memory does; returns the
   * address.
   */
  readonly checkText: number;
  /** (address i64, site i32) → number of the map with that descriptor, or a fault. */
  readonly mapNumber: number;
  /** (address i64, site i32) → number in the table of the function with that address, or a fault. */
  readonly callbackIndex: number;
  /** (frame i32, site i32, count i64, callback i64, context i64, flags i64) → i64: `bpf_loop`. */
  readonly loop: number;
}

export interface Refusal {
  readonly code: CodeOf<'input'>;
  readonly message: string;
  readonly hint?: string;
}

/** What happens at references to what cannot be used. */
export interface ExternPlan {
  /** Why the symbol cannot be called, or its address not be taken; undefined when it can. */
  refusal(symbol: SymbolIndex, use: 'call' | 'address'): Refusal | undefined;
}

/** One function being compiled. `state` follows the instruction being emitted. */
export class FunctionEmitter {
  readonly plan: ModulePlan;
  readonly unit: CodeUnit;
  readonly code = new CodeBuilder();
  /** Undefined where nothing is counted. */
  readonly counters: UnitCounters | undefined;
  state: Value[] = [];

  constructor(plan: ModulePlan, unit: CodeUnit) {
    this.plan = plan;
    this.unit = unit;
    this.counters = plan.countersOf(unit.symbol);
  }

  enter(state: State): void {
    this.state = [...state];
  }

  value(register: number): Value {
    return this.state[register] ?? ANY;
  }

  getRegister(register: number): void {
    this.code.get(localOf(register));
  }

  setRegister(register: number): void {
    this.code.set(localOf(register));
  }

  /** The low half of a register as i32. */
  getNarrow(register: number): void {
    this.code.get(localOf(register));
    this.code.op(w.I32_WRAP_I64);
  }

  /** Sets a register from an i32, upper half zero. */
  setNarrow(register: number): void {
    this.code.op(w.I64_EXTEND_I32_U);
    this.code.set(localOf(register));
  }

  /** Ends the run with the error of a site whose message is complete. */
  fault(site: number): void {
    this.code.i32(site);
    this.code.i32(0);
    this.code.i32(0);
    this.code.i32(0);
    this.code.callImport(this.plan.fault);
    this.code.op(w.UNREACHABLE);
  }

  /** Ends the run with an error about the address in `LOCAL.wide`. */
  faultAtAddress(site: number, size: number): void {
    this.code.get(LOCAL.wide);
    this.code.i32(site);
    this.code.i32(size);
    this.code.callDefined(this.plan.runtime.faultAt);
    this.code.op(w.UNREACHABLE);
  }

  /** Takes one unit of the budget; ends the run when none is left. */
  spendFuel(slot: number): void {
    const { code, plan } = this;
    code.globalGet(plan.fuel);
    code.i32(1);
    code.op(w.I32_SUB);
    code.tee(LOCAL.narrow);
    code.globalSet(plan.fuel);
    code.get(LOCAL.narrow);
    code.op(w.I32_EQZ);
    code.open(w.IF);
    this.fault(plan.sites.add({ kind: 'budget', unit: this.unit, slot }));
    code.op(w.END);
  }
}

export function localOf(register: number): number {
  if (register >= 1 && register <= 5) return register;
  return register === 0 ? LOCAL.r0 : register + 1;
}
