export { COUNTER_SIZE, type UnitCounters, unitCounters } from './counters.ts';
export {
  type ExternPlan,
  FUNCTION_PARAMS,
  type MapPlan,
  type MarkPlan,
  type MemoryPlan,
  type ModulePlan,
  type Refusal,
} from './emitter.ts';
export { type AnalysedUnit, emitFunction } from './function.ts';
export { declareRuntime, emitRuntime } from './runtime.ts';
