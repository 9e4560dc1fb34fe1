/** Where programs can be attached, as data and as text. */

export { hookTypeNotes, programForHook, typesForHook } from './hook-program.ts';
export {
  type AttachPlace,
  HOOK_KINDS,
  type HookRequest,
  isOperations,
  type PlaceFlags,
  parseHook,
} from './kinds.ts';
export { need } from './place.ts';
export {
  attachClassicTracepoint,
  attachCounter,
  attachProbe,
  attachRawTracepoint,
  attachTracingProgram,
  type Candidate,
} from './probes.ts';
export { iteratorOf, withIterator } from './words.ts';
