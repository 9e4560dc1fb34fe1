/** Slots of a rootlet and their back ends: ext, tail, static, copy. */

export { settingsOf } from './change.ts';
export { type EntrySetting, entryOptimization, entrySettings } from './entry-settings.ts';
export {
  type AroundSwitch,
  type Replaced,
  type ReplaceOptions,
  Rootlet,
  type RootletOptions,
  type SlotState,
} from './rootlet.ts';
export { assignSettings, carrySettings, changedSettings, isSameValue } from './settings.ts';
export {
  firstRelink,
  hasGeneratedRootlet,
  hasPendingChange,
  hasSlotsFilled,
  openRootlet,
  recordOfProgram,
  saveFirst,
  slotsFor,
} from './store.ts';
