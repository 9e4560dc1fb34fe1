/** The embedded machine. */

export { CaptureDecoder, type CapturedPacket, PcapWriter, type Timestamp } from './capture/index.ts';
export {
  createMachine,
  createMachineAsync,
  DEFAULT_BUDGET,
  DEFAULT_MAX_MEMORY,
  type Machine,
  type MachineMap,
  type MachineOptions,
  type MapEntry,
  type RunContext,
  type RunResult,
} from './run/index.ts';
export type { EventRecord, Kconfig, ProgramKind, Redirect } from './state/index.ts';
export {
  type DecodedField,
  type DecodedValue,
  decodeValue,
  describeMaps,
  type FormatContext,
  formatMapContents,
  type JsonValue,
  type MapContents,
  type MapDescription,
  mapContentsJson,
  valueJson,
  valueText,
} from './values/index.ts';
