/** The plan of a load, as data. */

export { findAttachTypes } from './attach-types.ts';
export { findGlobal, writeGlobal } from './globals.ts';
export { findLacks, type Lacks, type LimitedPlan, limitPlan } from './limit.ts';
export { maxEntriesOf } from './map-size.ts';
export { globalsKind } from './maps.ts';
export { dataMapName, kernelName, objectBaseName } from './names.ts';
export { type PlanOptions, planLoad } from './object.ts';
export type {
  AttachPlan,
  Fixup,
  FunctionPlan,
  GlobalPlan,
  InitialEntry,
  LinePlan,
  LoadPlan,
  MapPlan,
  OperationsPlan,
  Poison,
  ProgramPlan,
} from './plan.ts';
export { type PreparedObject, preparedAlone } from './prepared.ts';
export type { ProgramOptions } from './programs.ts';
export { type BtfSupport, FULL_SUPPORT, pointsElsewhere, sanitizeBtf } from './sanitize-btf.ts';
export { findOperations, NO_OPERATIONS, type Operations } from './struct-ops.ts';
