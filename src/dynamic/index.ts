/** Dynamic linking and dynamic re-linking. */

export { BINDING_BACK_ENDS, type Binding, type BindingBackEnd, type DynamicBindRequest, type DynamicLoadOptions, DynamicObject, describeBinding, effectsOf, load, plainExterns, replacementRefusal } from './bind/index.ts';
export { type EntryLoad, type KeptBindings, OBJECT_FILE, Registry, type StoreLoadOptions, bindPending, bindingsIn, consumersOf, describePin, entryParts, explainAgainst, inputOf, loadAgainst, recoverLeft, releaseConsumers, withContents, withEntryLoad } from './entries/index.ts';
export { type Component, Generation, type GenerationOptions, SLOT_BACK_ENDS, type SlotBackEnd, type SlotChange, type SlotFill, afterSwitch, guestsOf } from './generation/index.ts';
export { type Provider, exportsOf, setSlot } from './providers/index.ts';
export { CHAIN_FIELD, type ReplaceOutcome, type ReplaceRequest, replace, settleChange } from './replace.ts';
export { type AroundSwitch, type EntrySetting, type ReplaceOptions, type Replaced, Rootlet, type RootletOptions, type SlotState, assignSettings, changedSettings, entryOptimization, entrySettings, firstRelink, hasGeneratedRootlet, hasPendingChange, isSameValue, openRootlet, recordOfProgram, saveFirst, settingsOf, slotsFor } from './slots/index.ts';
export { ObjectEdit } from './stubs/index.ts';
export { type ReplacedAttached, type UpgradeReport, type UpgradedConsumer, firstEntryState, optimizationOutlook, replaceAttached } from './upgrade/index.ts';
export { type ElementChange, type EntryMap, type EntryVariable, EntryView, type NamedItem, type Printer, type PutMode, type SetOutcome, type Step, contentsOf, countElements, deleteElement, elementsOf, find, formatContext, getElement, isConstant, itemNames, openEvents, partOf, pathText, printersOf, printersOfLine, putElement, recordJson, recordType, requireMap, sectionBytes, setVariables, settingName, variableValue, withNamed, withNamedMap, withViews } from './values/index.ts';
