/** What re-linking adds: components, slots, chains. */

export { adoptionNote, adoptTypes } from './adopt-types.ts';
export { makeChain } from './chain.ts';
export { chainSlotName, countedSlot } from './chain-names.ts';
export { chainMember, chainSection } from './chain-section.ts';
export {
  type AskedVerdicts,
  type ConfiguredMember,
  chainVerdicts,
  configured,
  continueVerdicts,
} from './chain-verdicts.ts';
export { chooseWatch, NOT_WATCHED } from './choose-watch.ts';
export { demotePlugged } from './demote.ts';
export { type RelinkInputs, readRelinkInputs } from './inputs.ts';
export { unstatedLicenses } from './lost.ts';
export type { RelinkOptions } from './options.ts';
export { pinnedNotes } from './pinned.ts';
export {
  type FilledSlot,
  type RelinkReport,
  type ReportedComponent,
  type ReportedMap,
  type ReportedState,
  reportRelink,
} from './report.ts';
export { type RelinkSelection, relinkNames, relinkNaming, selectNeeded } from './requests.ts';
export { arraysOf, arrayWithItself, fragmentsProblem, isEntrySlot, misfit, slotProblem } from './slot-fit.ts';
export { pluggedNotes, slotNotes } from './slot-notes.ts';
export {
  freeSlots,
  inOrder,
  namedProgram,
  type Plug,
  plugComponents,
  type SlotAssignment,
  slotMissing,
  slotsOf,
  slotTwice,
  tooManyComponents,
  unknownSlot,
} from './slots.ts';
export { thrownNotes, thrownProblems } from './thrown.ts';
export { unseenVerdicts } from './unseen-verdicts.ts';
export { typePlugged } from './untyped.ts';
