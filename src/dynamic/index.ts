/** Dynamic linking and dynamic re-linking. */

export { BINDING_BACK_ENDS, type Binding, type BindingBackEnd, type DynamicBindRequest, type DynamicLoadOptions, DynamicObject, describeBinding, effectsOf, load, plainExterns } from './bind/index.ts';
export { type EntryLoad, type KeptBindings, OBJECT_FILE, Registry, type StoreLoadOptions, bindPending, bindingsIn, consumersOf, describePin, entryParts, explainAgainst, inputOf, loadAgainst, recoverLeft, releaseConsumers, withContents, withEntryLoad } from './entries/index.ts';
export { type Component, Generation, type GenerationOptions, SLOT_BACK_ENDS, type SlotBackEnd, type SlotChange, type SlotFill, afterSwitch } from './generation/index.ts';
export { type Provider, setSlot } from './providers/index.ts';
export { type ReplaceOutcome, type ReplaceRequest, replace } from './replace.ts';
export { type AroundSwitch, type EntrySetting, type ReplaceOptions, type Replaced, Rootlet, type RootletOptions, type SlotState, assignSettings, changedSettings, entrySettings, firstRelink, hasGeneratedRootlet, isSameValue, openRootlet, recordOfProgram, saveFirst, settingsOf, slotsFor } from './slots/index.ts';
export { ObjectEdit } from './stubs/index.ts';
export { type ReplacedAttached, type UpgradeReport, type UpgradedConsumer, firstEntryState, replaceAttached } from './upgrade/index.ts';
