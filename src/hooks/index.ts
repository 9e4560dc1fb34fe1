/** Hooks: one interface for every kind of attachment, the words for them, and entries of the store that keep them. */

export { attachProgram } from './attach.ts';
export type { AttachPlace } from './attach-place.ts';
export { attachRecorded, attachTo } from './attach-words.ts';
export { chooseProgram } from './choose.ts';
export {
  type EntrySource,
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
export type { Hook, Occupant } from './hook.ts';
export {
  HOOK_KINDS,
  type HookRequest,
  isOperations,
  type PlaceFlags,
  parseHook,
} from './kinds.ts';
export { canHookChange, linkTypeName } from './link-types.ts';
export { attachOperations, prepareOperations } from './operations.ts';
export { type Removal, removeHook } from './remove.ts';
export { hooksRunning, type RunningHook, requireOccupant } from './running.ts';
export { entryLinkState, type HookState, hasHappened, linkState, recordedState } from './state.ts';
