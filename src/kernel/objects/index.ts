/** Programs, maps, BTF objects, their information and pins, event buffers. */

export { loadBtf, tryLoadBtf } from './btf-object.ts';
export {
  addPinnedObjects,
  isFrozen,
  isNotVisible,
  type LinkDescription,
  listIds,
  type MapDescription,
  openById,
  type ProgramDescription,
  readBtfBytes,
  readBtfInfo,
  readLinkInfo,
  readMapInfo,
  readProgramInfo,
  visibleIds,
} from './info.ts';
export { BpfMap, describeMap, type MapSpec, tryCreateMap } from './map.ts';
export { type Batch, deleteBatch, readBatches, updateBatch } from './map-batch.ts';
export { mapMachine } from './map-machine.ts';
export { PerfBuffer, type PerfRecord } from './perf-buffer.ts';
export { openPinned, pinObject } from './pin.ts';
export { BpfProgram, type LogLevel, loadProgram, type ProgramSpec, tryLoadProgram } from './program.ts';
export { RingBuffer } from './ring-buffer.ts';
export { enableRunStats } from './run-stats.ts';
export type { TestRunOptions, TestRunResult } from './test-run.ts';
export { typesById, typesToKeep } from './types-by-id.ts';
export { parseVerifierLog } from './verifier-log.ts';
