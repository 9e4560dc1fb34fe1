export {
  DEFAULT_BUDGET,
  DEFAULT_MAX_MEMORY,
  type Machine,
  type MachineOptions,
  type RunContext,
  type RunResult,
} from './api.ts';
export { CaptureDecoder } from './capture/decoder.ts';
export type { CapturedPacket, Timestamp } from './capture/record.ts';
export { PcapWriter } from './capture/writer.ts';
export type { Kconfig } from './globals.ts';
export type { ProgramKind } from './helpers/spec.ts';
export { createMachine, createMachineAsync } from './machine.ts';
export type { MachineMap, MapEntry } from './machine-map.ts';
export {
  describeMaps,
  type FormatContext,
  formatMapContents,
  type MapContents,
  type MapDescription,
  mapContentsJson,
} from './map-format.ts';
export type { EventRecord, Redirect } from './state.ts';
export {
  type DecodedField,
  type DecodedValue,
  decodeValue,
  type JsonValue,
  valueJson,
  valueText,
} from './value-format.ts';
