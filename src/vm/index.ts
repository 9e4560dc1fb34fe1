export {
  DEFAULT_BUDGET,
  DEFAULT_MAX_MEMORY,
  type Machine,
  type MachineOptions,
  type RunContext,
  type RunResult,
} from './api.ts';
export type { Kconfig } from './globals.ts';
export type { ProgramKind } from './helpers/spec.ts';
export { createMachine, createMachineAsync } from './machine.ts';
export type { MachineMap, MapEntry } from './machine-map.ts';
export type { EventRecord, Redirect } from './state.ts';
