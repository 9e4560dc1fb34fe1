/** What re-linking adds: components, slots, chains. */

export { type ChainOptions, type ChainSlot, chainSlotName, makeChain } from './chain.ts';
export { contextOf, parseVerdict, verdictProblem } from './chain-types.ts';
export { type ComponentMember, isLibrary, type RelinkInputs, readRelinkInputs } from './inputs.ts';
export type { RelinkOptions } from './options.ts';
export { fileNames, pinnedNotes, privatePins } from './pinned.ts';
export {
  type FilledSlot,
  type RelinkReport,
  type RelinkReportInput,
  type ReportedComponent,
  type ReportedMap,
  type ReportedState,
  reportRelink,
} from './report.ts';
export { arraysOf, arrayWithItself, fragmentsProblem, needsCaller, slotProblem } from './slot-fit.ts';
export {
  assignInOrder,
  chooseProgram,
  componentId,
  componentKey,
  likelyProgram,
  type OrderedComponent,
  type Plug,
  type Plugged,
  plugComponents,
  type SlotAssignment,
  slotMissing,
  slotsOf,
} from './slots.ts';
export { unseenVerdicts } from './unseen-verdicts.ts';
