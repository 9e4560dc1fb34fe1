/** The plan of a load, as data. */

export { findAttachTypes } from './attach-types.ts';
export { findLacks, functionPointerOf, type LimitedPlan, limitPlan, withKernelTypes } from './limit.ts';
export { refusedCalls } from './map-calls.ts';
export { callNotes, mapPlace, mapProblems, requireMapCalls, requireMaps } from './map-rules.ts';
export { maxEntriesOf } from './map-size.ts';
export { dataMapName, kernelName, objectBaseName } from './names.ts';
export { globalEntries, type PlanOptions, planLoad } from './object.ts';
export type {
  Fixup,
  FunctionPlan,
  GlobalPlan,
  InitialEntry,
  JumpTablePlan,
  LinePlan,
  LoadPlan,
  MapPlan,
  OperationsPlan,
  ProgramPlan,
} from './plan.ts';
export { type ProgramOptions, wantedPrograms } from './programs.ts';
export { findOperations } from './struct-ops.ts';
