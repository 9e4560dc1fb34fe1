/** What re-linking adds: components, slots, chains. */

export { chainSlotName, makeChain } from './chain.ts';
export { contextOf, parseVerdict, verdictProblem } from './chain-types.ts';
export { isLibrary, type RelinkInputs, readRelinkInputs } from './inputs.ts';
export type { RelinkOptions } from './options.ts';
export { fileNames, pinnedNotes, privatePins } from './pinned.ts';
export {
  type FilledSlot,
  type RelinkReport,
  type ReportedComponent,
  type ReportedMap,
  type ReportedState,
  reportRelink,
} from './report.ts';
export { arraysOf, arrayWithItself, fragmentsProblem, needsCaller, slotProblem } from './slot-fit.ts';
export {
  chooseProgram,
  likelyProgram,
  type Plug,
  plugComponents,
  type SlotAssignment,
  slotMissing,
  slotsOf,
} from './slots.ts';
export { unseenVerdicts } from './unseen-verdicts.ts';
