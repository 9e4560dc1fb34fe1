/** Whether a component fits a slot, and which back end can fill it. */

export { allSlotsTail, tailSlotObjection } from './back-ends.ts';
export { type Choice, chooseBackEnd } from './choose-back-end.ts';
export { describedParts, fitNotes, requireFitting } from './fit.ts';
export { mainType } from './main-program.ts';
