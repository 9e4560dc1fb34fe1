/** Running programs: set-up, run, faults, the public machine. */

export {
  DEFAULT_BUDGET,
  DEFAULT_MAX_MEMORY,
  type Machine,
  type MachineOptions,
  type RunContext,
  type RunResult,
} from './api.ts';
export { createMachine, createMachineAsync } from './machine.ts';
export type { MachineMap, MapEntry } from './machine-map.ts';
export { kindOfSection, progTypeOf } from './programs.ts';
