/** The embedded machine. */

export { CaptureDecoder, type CapturedPacket, PcapWriter, type Timestamp } from './capture/index.ts';
export { check, packets } from './checks/index.ts';
export {
  type Coverage,
  createMachine,
  createMachineAsync,
  kindOfSection,
  MACHINE_WATCHER,
  type Machine,
  type MachineMap,
  type MachineOptions,
  progTypeOf,
  type RunContext,
  type RunResult,
  sumOfCoverage,
} from './run/index.ts';
export type { EventRecord, GlobalVariable, ProgramKind, Redirect } from './state/index.ts';
export {
  elementJson,
  elementLines,
  type FormatContext,
  formatMapContents,
  keyJson,
  type MapContents,
  mapContentsJson,
  mapTitle,
  mapTypesJson,
} from './values/index.ts';
