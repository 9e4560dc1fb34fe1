/** Hooks that entries of the store keep, and their removal. */

export {
  findHook,
  HOOK_LINK,
  type HookFacts,
  hookContents,
  hookData,
  hookFacts,
  hookLinks,
  hookPin,
  openHook,
  openOccupant,
} from './entry.ts';
export { type Removal, removeHook } from './remove.ts';
export { removeBrokenHook } from './remove-broken.ts';
export { hiddenLinkNotes, hooksRunning, requireOccupant } from './running.ts';
export { entryLinkState, type HookState, hasHappened, linkState, recordedState } from './state.ts';
