/** Running programs: set-up, run, faults, the public machine. */

export type { Machine, MachineOptions, RunContext, RunResult } from './api.ts';
export { type Coverage, sumOfCoverage } from './coverage.ts';
export { createMachine, createMachineAsync } from './machine.ts';
export type { MachineMap } from './machine-map.ts';
export { kindOfSection, progTypeOf } from './programs.ts';
export { MACHINE_WATCHER } from './watcher.ts';
