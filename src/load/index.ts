/** Loading: a plan as data, and its execution. */

export {
  type AttachTarget,
  Cleanup,
  DEFAULT_PIN_ROOT,
  type ExecuteOptions,
  findTarget,
  isPinned,
  LoadedObject,
  openPinnedMap,
  type PacketRun,
  type ProgramTypes,
  pinMap,
  pinPathOf,
  readProgramTypes,
  requireLoaded,
  type SourcePlace,
  shapeDifferences,
  tableValue,
  type VerifierFailure,
  verifierFailureOf,
} from './execute/index.ts';
export {
  type ExternBinding,
  hasSyscallWrapper,
  type KernelSymbolKind,
  type KernelTypes,
  kernelSymbolKind,
  openKernelTypes,
} from './externs/index.ts';
export {
  executePlan,
  type LoadOptions,
  loadObject,
  loadOptimized,
  type PreparedLoad,
  planOfVariant,
  prepareLoad,
  processedBy,
} from './load.ts';
export { typesOutlook } from './mend/index.ts';
export {
  describeOptimizeSetting,
  firstVariant,
  functionsIn,
  isSameOptimizeSetting,
  loadVariants,
  NOT_OPTIMIZED,
  noFunction,
  OPTIMIZED,
  type OptimizedVariant,
  type OptimizeSetting,
} from './optimized/index.ts';
export {
  callNotes,
  dataMapName,
  findLacks,
  globalEntries,
  globalsKind,
  kernelName,
  type LimitedPlan,
  type LoadPlan,
  limitPlan,
  type MapPlan,
  objectBaseName,
  type PlanOptions,
  type ProgramOptions,
  type ProgramPlan,
  requireMapCalls,
  requireMaps,
  untypedBytes,
} from './plan/index.ts';
export { TypedMap } from './values/index.ts';
