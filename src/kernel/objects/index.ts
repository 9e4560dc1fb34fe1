/** Programs, maps, BTF objects, their information and pins, event buffers. */

export { loadBtf, tryLoadBtf } from './btf-object.ts';
export {
  type BtfDescription,
  type LinkDescription,
  listIds,
  type MapDescription,
  type ObjectKind,
  openById,
  type ProgramDescription,
  readBtfBytes,
  readBtfInfo,
  readLinkInfo,
  readMapInfo,
  readProgramInfo,
} from './info.ts';
export { BpfMap, isPerCpu, type MapSpec, tryCreateMap } from './map.ts';
export { type Batch, type BatchOptions, deleteBatch, readBatches, updateBatch } from './map-batch.ts';
export { PerfBuffer, type PerfRecord } from './perf-buffer.ts';
export { openPinned, pinObject } from './pin.ts';
export {
  BpfProgram,
  type LogLevel,
  loadProgram,
  type ProgramLoadResult,
  type ProgramSpec,
  tryLoadProgram,
} from './program.ts';
export { RingBuffer } from './ring-buffer.ts';
export { type TestRunOptions, type TestRunResult, testRun } from './test-run.ts';
export { parseVerifierLog, type VerifierLog } from './verifier-log.ts';
