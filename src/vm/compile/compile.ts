/**
 * From BPF functions to the bytes of one WebAssembly module. Reads as the list of its steps: analyse every
 * function, plan calls, declare, emit, fill the table, export the programs.
 */

import { valueAt } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { type BpfObject, callGraph, type SymbolIndex } from '../../object/index.ts';
import type { ProgramKind } from '../state/index.ts';
import { I32, I64, ModuleBuilder } from '../wasm/index.ts';
import type { CodeUnit } from './analysis/index.ts';
import {
  type AddressOf,
  ANY,
  analyseValues,
  constant,
  controlFlow,
  ENV_MODULE,
  FAULT_IMPORT,
  type HelperImport,
  ImportTable,
  INVOKE_EXPORT,
  planCalls,
  programExport,
  SiteTable,
} from './analysis/index.ts';
import {
  type AnalysedUnit,
  declareRuntime,
  type ExternPlan,
  emitFunction,
  emitRuntime,
  FUNCTION_PARAMS,
  type MapPlan,
  type MarkPlan,
  type MemoryPlan,
  type ModulePlan,
  type UnitCounters,
} from './emit/index.ts';
import { emitCountedCallback, emitCountedTail, emitEntry, emitInvoke } from './entries.ts';

export interface CompileInput {
  readonly object: BpfObject;
  /** Functions to compile; their order is that of `memory.functions`. */
  readonly units: readonly CodeUnit[];
  readonly programs: readonly { readonly symbol: SymbolIndex; readonly kind: ProgramKind }[];
  readonly memory: MemoryPlan;
  readonly pages: number;
  /** Frame of a program's main function. */
  readonly topFrame: number;
  /** Where `invoke` finds the arguments of a callback. */
  readonly invokeArguments: number;
  readonly externs: ExternPlan;
  readonly addressOf: AddressOf;
  mapAt(address: bigint): MapPlan | undefined;
  /** Counters of functions; undefined where nothing is counted. */
  readonly counters: ReadonlyMap<SymbolIndex, UnitCounters> | undefined;
  /** Numbers that code stores when it gets there; undefined where it stores none. */
  readonly marks: MarkPlan | undefined;
}

export interface CompiledModule {
  readonly bytes: Uint8Array;
  readonly sites: SiteTable;
  readonly imports: readonly HelperImport[];
  /** Number in the table by which each program is tail-called, in the order of `programs`. */
  readonly tailNumbers: readonly number[];
}

export function compile(input: CompileInput): CompiledModule {
  const analysed = analyse(input);
  const module = new ModuleBuilder();
  module.importMemory(input.pages);
  const plan = planModule(input, analysed, module);
  for (const unit of analysed) emitFunction(plan, unit, positionOf(plan, unit.unit.symbol));
  emitRuntime(plan);
  const tailNumbers = fillTable(input, plan);
  exportAll(input, plan);
  return { bytes: module.finish(), sites: plan.sites, imports: plan.imports.all(), tailNumbers };
}

/** A program that nothing calls as a function is entered with the context in r1. */
function analyse(input: CompileInput): readonly AnalysedUnit[] {
  const graph = callGraph(input.object);
  const called = new Set(input.units.flatMap(unit => graph.callees(unit.symbol)));
  const programs = new Set(input.programs.map(program => program.symbol));
  return input.units.map(unit => {
    const flow = controlFlow(input.object.name, unit);
    const entered = programs.has(unit.symbol) && !called.has(unit.symbol);
    const r1 = entered ? constant(BigInt(input.memory.context)) : ANY;
    return { unit, flow, values: analyseValues(unit, flow, r1, input.addressOf) };
  });
}

function planModule(
  input: CompileInput,
  analysed: readonly AnalysedUnit[],
  module: ModuleBuilder,
): ModulePlan {
  const functionType = module.type(FUNCTION_PARAMS, [I64]);
  const fault = module.importFunction(ENV_MODULE, FAULT_IMPORT, module.type([I32, I32, I32, I32], []));
  const positions = new Map(input.units.map(unit => [unit.symbol, module.declare()]));
  const kinds = kindsOfFunctions(input);
  const numbers = new Map(input.units.map((unit, number) => [unit.symbol, number]));
  return {
    objectName: input.object.name,
    byteOrder: input.object.byteOrder,
    module,
    sites: new SiteTable(),
    memory: input.memory,
    calls: planCalls(
      analysed.map(({ unit, values }) => ({
        symbol: unit.symbol,
        stackDepth: values.stackDepth,
        callees: callGraph(input.object).stackCallees(unit.symbol),
      })),
    ),
    functionType,
    fault,
    fuel: module.global(0),
    tailCalls: module.global(0),
    stackUsed: module.global(0),
    frameBase: module.global(0),
    runtime: declareRuntime(module),
    externs: input.externs,
    imports: new ImportTable(module),
    position: symbol => positions.get(symbol),
    numberOf: symbol => valueAt(numbers, symbol),
    kindsOf: symbol => valueAt(kinds, symbol),
    addressOf: input.addressOf,
    mapAt: address => input.mapAt(address),
    countersOf: symbol => input.counters?.get(symbol),
    marks: input.marks,
  };
}

function kindsOfFunctions(input: CompileInput): ReadonlyMap<SymbolIndex, readonly ProgramKind[]> {
  const all = [...new Set(input.programs.map(program => program.kind))];
  const result = new Map<SymbolIndex, ProgramKind[]>(input.units.map(unit => [unit.symbol, []]));
  for (const kind of all) {
    const roots = input.programs.filter(program => program.kind === kind).map(program => program.symbol);
    for (const symbol of callGraph(input.object).reach(roots)) result.get(symbol)?.push(kind);
  }
  // A function that only a pointer in data names may run in any of the programs.
  for (const own of result.values()) if (own.length === 0) own.push(...all);
  return result;
}

function positionOf(plan: ModulePlan, symbol: SymbolIndex): number {
  const position = plan.position(symbol);
  if (position === undefined) throw bugError([plan.objectName], `symbol ${symbol} is not part of the module`);
  return position;
}

/** The table holds all functions for callbacks, then the programs for tail calls. */
function fillTable(input: CompileInput, plan: ModulePlan): readonly number[] {
  const { checked } = plan.calls;
  const callbacks = input.units.map(unit => {
    const position = positionOf(plan, unit.symbol);
    return checked ? emitCountedCallback(plan, unit, position) : position;
  });
  const tails = input.programs.map(({ symbol }) => {
    const position = positionOf(plan, symbol);
    return checked ? emitCountedTail(plan, symbol, position) : position;
  });
  plan.module.setTable([...callbacks, ...tails]);
  return tails.map((_, index) => callbacks.length + index);
}

function exportAll(input: CompileInput, plan: ModulePlan): void {
  input.programs.forEach(({ symbol }, index) => {
    const entry = emitEntry(plan, symbol, positionOf(plan, symbol), input.topFrame);
    plan.module.exportFunction(programExport(index), entry);
  });
  plan.module.exportFunction(INVOKE_EXPORT, emitInvoke(plan, input.invokeArguments));
}
