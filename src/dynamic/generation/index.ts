/** One build of a rootlet: its design and what it is built from. */

export { afterSwitch } from './after-switch.ts';
export {
  type BuildContext,
  type GenerationOptions,
  isFresh,
  isUnchanged,
  previousIn,
  unchangedFill,
} from './context.ts';
export {
  type Component,
  changeDesign,
  componentOf,
  type Design,
  type Guest,
  guestKey,
  guestsOf,
  isSame,
  isSameFill,
  openChange,
  type SlotChange,
  type SlotFill,
} from './design.ts';
export {
  duplicateProgram,
  Generation,
  type GenerationParts,
  SLOT_BACK_ENDS,
  type SlotBackEnd,
} from './generation.ts';
export { programNameOf, slotNames } from './program.ts';
