/** Hooks: one interface for every kind of attachment. */

export { attachRecorded, attachTo } from './attach-words.ts';
export { HOOK_LINK, type HookFacts, type HookState, type Removal, entryLinkState, findHook, hasHappened, hookContents, hookData, hookFacts, hookLinks, hookPin, hooksRunning, linkState, openHook, openOccupant, recordedState, removeHook, requireOccupant } from './entries/index.ts';
export { type Hook, type InterfaceHook, InterfaceSpot, type Occupant, attachOperations, attachProgram, canHookChange, endOf, filterInterfaceHook, linkTypeName, prepareOperations, xdpInterfaceHook } from './kinds/index.ts';
export { type AttachPlace, HOOK_KINDS, type HookRequest, type PlaceFlags, hookTypeNotes, isOperations, parseHook, programForHook, typesForHook } from './targets/index.ts';
