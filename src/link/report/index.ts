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
export { inspect } from './inspect.ts';
export type {
  InspectedFunction,
  InspectedMap,
  InspectedSymbol,
  InspectedVariable,
  Inspection,
} from './inspection.ts';
export { linkPicture } from './link-picture.ts';
export { listObject, type ObjectListing, type SymbolTable } from './listing.ts';
export { once } from './once.ts';
export {
  type BoundExtern,
  type Discarded,
  discardText,
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
