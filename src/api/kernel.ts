/**
 * Entry point `rootlet/kernel`: the kernel and its objects: programs, maps, ring buffers, probes. For Linux.
 *
 * @module rootlet/kernel
 */

export {
  Attachment,
  type Batch,
  BpfMap,
  BpfProgram,
  type DoctorReport,
  deleteBatch,
  examine,
  Fd,
  FEATURES,
  type Feature,
  type FeatureAnswer,
  type Finding,
  type IteratorScope,
  inNetns,
  type MapDescription,
  Mapping,
  type MapSpec,
  type Order,
  openIterator,
  openSys,
  PerfBuffer,
  type PerfEventSpec,
  type PerfRecord,
  type ProgramDescription,
  probeFeature,
  RingBuffer,
  readBatches,
  type Sys,
  type TestRunOptions,
  type TestRunResult,
  type UserPlace,
  updateBatch,
} from '../kernel/index.ts';
