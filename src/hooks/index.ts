/** Hooks: one interface for every kind of attachment. */

export { attachRecorded, attachTo } from './attach-words.ts';
export {
  entryLinkState,
  findHook,
  HOOK_LINK,
  type HookFacts,
  type HookState,
  hasHappened,
  hookContents,
  hookData,
  hookFacts,
  hookLinks,
  hookPin,
  hooksRunning,
  linkState,
  openHook,
  openOccupant,
  type Removal,
  recordedState,
  removeHook,
  requireOccupant,
} from './entries/index.ts';
export {
  attachOperations,
  attachProgram,
  canHookChange,
  endOf,
  filterInterfaceHook,
  type Hook,
  type InterfaceHook,
  InterfaceSpot,
  linkTypeName,
  type Occupant,
  prepareOperations,
  xdpInterfaceHook,
} from './kinds/index.ts';
export {
  type AttachPlace,
  HOOK_KINDS,
  type HookRequest,
  hookTypeNotes,
  isOperations,
  type PlaceFlags,
  parseHook,
  programForHook,
  typesForHook,
} from './targets/index.ts';
