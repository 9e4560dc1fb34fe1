/** Execution of a plan, and the objects that it creates. */

export { Cleanup } from './cleanup.ts';
export { type ExecuteOptions, executeLoad } from './execute.ts';
export { Globals } from './globals.ts';
export { LoadedObject, type PacketRun } from './loaded-object.ts';
export {
  DEFAULT_PIN_ROOT,
  isPinned,
  openPinnedMap,
  pinMap,
  pinPathOf,
  requireSameShape,
  type ShapeDifference,
  shapeDifferences,
} from './map-reuse.ts';
export {
  findTarget,
  type ProgramFunction,
  type ProgramTypes,
  readProgramTypes,
} from './program-functions.ts';
export type { AttachTarget } from './programs.ts';
export { tableValue } from './struct-ops.ts';
export {
  type CallPlace,
  describeFailure,
  type SourcePlace,
  type VerifierFailure,
  verifierError,
  verifierFailureOf,
} from './verifier-failure.ts';
