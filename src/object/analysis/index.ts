/** Analyses of the model: calls, implicit needs, liveness, what a program has once. */

export { asyncCallbacks } from './async-callbacks.ts';
export {
  CallGraph,
  type CallPath,
  callersOf,
  callGraph,
  MAX_CALL_FRAMES,
  MAX_STACK_BYTES,
  MAX_STACK_BYTES_ABOVE_TAIL_CALL,
  referencesInOrder,
  stackAbove,
  tailCallers,
} from './call-graph.ts';
export { callbackOf, declTags, exceptionCallbacks, withCallback } from './exception-callbacks.ts';
export {
  declaredKind,
  kindOfExtern,
  type Requirement,
  requirementsOf,
  type SymbolKind,
} from './extern-kinds.ts';
export {
  cutNote,
  findInConfig,
  type KconfigType,
  kconfigTooLarge,
  kconfigTypeOf,
  kconfigValue,
  numberValue,
} from './kconfig.ts';
export { kernelFieldOf } from './kernel-fields.ts';
export { type Liveness, markLive, pathTo } from './live.ts';
export {
  ARENA_SECTION,
  heldPrograms,
  implicitNeeds,
  isMetadata,
  isNeededAnyway,
  isOperationsSection,
  mapTypeOf,
  mayTailCall,
  NO_NEEDS,
  RUN_CONFIG_SECTION,
} from './needs.ts';
export { ambiguousArenas, lostCallbacks, onceConflicts, programFunctions } from './once.ts';
export { referenceText } from './reference-text.ts';
export { type ReturnValues, returnValues } from './return-values.ts';
export { DEFAULT_PRIORITY, type RunConfig, runConfigOf } from './run-config.ts';
