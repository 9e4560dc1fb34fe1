/**
 * Entry point `rootlet/vm`: the embedded machine: runs XDP, TC and socket programs without a kernel. Works in
 * a browser.
 *
 * @module rootlet/vm
 */

export { type ObjectTypes, TypedMap } from '../object/index.ts';
export {
  CaptureDecoder,
  type CapturedPacket,
  type Coverage,
  createMachine,
  createMachineAsync,
  type EventRecord,
  formatMapContents,
  type GlobalVariable,
  type Machine,
  type MachineMap,
  type MachineOptions,
  type MapContents,
  PcapWriter,
  type ProgramKind,
  type Redirect,
  type RunContext,
  type RunResult,
  type Timestamp,
} from '../vm/index.ts';
