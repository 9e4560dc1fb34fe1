/** Execution of a plan, and the objects that it creates. */

export { Cleanup } from './cleanup.ts';
export { type ExecuteOptions, executeLoad, requireByteOrder } from './execute.ts';
export { LoadedObject, type PacketRun, requireLoaded } from './loaded-object.ts';
export { DEFAULT_PIN_ROOT, openPinnedMap, pinPathOf, shapeDifferences } from './map-reuse.ts';
export { isPinned, pinMap } from './pins.ts';
export { findTarget, type ProgramTypes, readProgramTypes } from './program-functions.ts';
export type { AttachTarget } from './programs.ts';
export { tableValue } from './struct-ops.ts';
export { type SourcePlace, type VerifierFailure, verifierFailureOf } from './verifier-failure.ts';
