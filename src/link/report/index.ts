/** What a link did, as data. */

export {
  type Collected,
  collectGarbage,
  indexesOf,
  keptSymbols,
  type LivePath,
  livePaths,
  unknownName,
  unusedSymbols,
} from './collect.ts';
export { duplicateAdvice } from './duplicate-advice.ts';
export {
  type InspectedFunction,
  type InspectedMap,
  type InspectedSymbol,
  type InspectedVariable,
  type Inspection,
  inspect,
} from './inspect.ts';
export { once } from './once.ts';
export {
  type Discarded,
  type Finished,
  isGone,
  type LinkReport,
  linkNotes,
  optimizationNotes,
  type ReportedMerge,
  type ReportedRename,
  type ReportedSymbol,
  replacedBy,
  reportLink,
  reportMerges,
  reportRenames,
} from './report.ts';
