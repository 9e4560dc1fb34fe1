export type { Binding, BindingSlot, BoundVia } from './bindings.ts';
export { describeBinding } from './bindings.ts';
export { VIAS, type Via } from './choose.ts';
export { isStubMap } from './consumer.ts';
export { DynamicObject, type StubLink } from './dynamic-object.ts';
export { type Effects, effectsOf } from './effects.ts';
export { type EntrySetting, entrySettings } from './entry-settings.ts';
export { type Export, exportsOf } from './exports.ts';
export { type DynamicBindRequest, plainExterns } from './find.ts';
export { type DynamicLoadOptions, explainBindings, joinInputs, load, loadConsumer } from './load.ts';
export { type EntryLoad, type KeptBindings, withEntryLoad } from './load-entry.ts';
export { firstEntryState } from './object-state.ts';
export { bindPending, type PendingResult } from './pending.ts';
export type { Provider, ProviderImport } from './provider.ts';
export { recoverLeft } from './recover.ts';
export { OBJECT_FILE, Registry, StoredProvider } from './registry.ts';
export { settingsOf } from './relink-change.ts';
export * from './relink-index.ts';
export { type NewVersion, type ReplaceOutcome, type ReplaceRequest, replace } from './replace.ts';
export { type ReplaceAttachedRequest, type ReplacedAttached, replaceAttached } from './replace-attached.ts';
export { type Signature, type SignatureClass, signatureOf } from './signature.ts';
export {
  bindingsIn,
  consumersOf,
  entryParts,
  explainAgainst,
  loadAgainst,
  releaseConsumers,
  type StoreLoadOptions,
} from './store-load.ts';
export { type UpgradedConsumer, type UpgradeOptions, type UpgradeReport, upgrade } from './upgrade.ts';
