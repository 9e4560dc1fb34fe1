/** Dynamic linking and dynamic re-linking. */

export {
  BINDING_BACK_ENDS,
  type Binding,
  type BindingBackEnd,
  type DynamicBindRequest,
  type DynamicLoadOptions,
  DynamicObject,
  describeBinding,
  effectsOf,
  load,
  plainExterns,
  replacementRefusal,
} from './bind/index.ts';
export {
  bindingsIn,
  bindPending,
  consumersOf,
  describePin,
  type EntryLoad,
  entryParts,
  explainAgainst,
  inputOf,
  type KeptBindings,
  loadAgainst,
  OBJECT_FILE,
  Registry,
  recoverLeft,
  releaseConsumers,
  type StoreLoadOptions,
  withContents,
  withEntryLoad,
} from './entries/index.ts';
export {
  afterSwitch,
  type Component,
  Generation,
  type GenerationOptions,
  guestsOf,
  SLOT_BACK_ENDS,
  type SlotBackEnd,
  type SlotChange,
  type SlotFill,
} from './generation/index.ts';
export { type Provider, setSlot } from './providers/index.ts';
export { CHAIN_FIELD, type ReplaceOutcome, type ReplaceRequest, replace, settleChange } from './replace.ts';
export {
  type AroundSwitch,
  assignSettings,
  changedSettings,
  type EntrySetting,
  entryOptimization,
  entrySettings,
  firstRelink,
  hasGeneratedRootlet,
  hasPendingChange,
  isSameValue,
  openRootlet,
  type Replaced,
  type ReplaceOptions,
  Rootlet,
  type RootletOptions,
  recordOfProgram,
  type SlotState,
  saveFirst,
  settingsOf,
  slotsFor,
} from './slots/index.ts';
export { ObjectEdit } from './stubs/index.ts';
export {
  firstEntryState,
  optimizationOutlook,
  type ReplacedAttached,
  replaceAttached,
  type UpgradedConsumer,
  type UpgradeReport,
} from './upgrade/index.ts';
