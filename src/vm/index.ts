/** The embedded machine. */

export { CaptureDecoder, type CapturedPacket, PcapWriter, type Timestamp } from './capture/index.ts';
export {
  createMachine,
  createMachineAsync,
  DEFAULT_BUDGET,
  DEFAULT_MAX_MEMORY,
  kindOfSection,
  type Machine,
  type MachineMap,
  type MachineOptions,
  type MapEntry,
  progTypeOf,
  type RunContext,
  type RunResult,
} from './run/index.ts';
export type { EventRecord, Kconfig, ProgramKind, Redirect } from './state/index.ts';
export {
  describeMaps,
  type FormatContext,
  formatMapContents,
  type MapContents,
  type MapDescription,
  mapContentsJson,
} from './values/index.ts';
