export { type CallPlan, planCalls } from './call-graph.ts';
export { type ControlFlow, controlFlow } from './cfg.ts';
export { type HelperImport, ImportTable, needsMapSite } from './imports.ts';
export { malformed } from './malformed.ts';
export { ENV_MODULE, FAULT_IMPORT, HELPER_MODULE, INVOKE_EXPORT, programExport } from './names.ts';
export { reachableUnits } from './reach.ts';
export { type Site, SiteTable } from './sites.ts';
export { type CodeUnit, codeError } from './unit.ts';
export {
  type AddressOf,
  ANY,
  analyseValues,
  constant,
  type State,
  step,
  type Value,
  type ValueAnalysis,
} from './values.ts';
