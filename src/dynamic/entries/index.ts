/** Loaded and bound objects in the store. */

export { type EntryLoad, type KeptBindings, withEntryLoad } from './load-entry.ts';
export { bindPending } from './pending.ts';
export { recoverLeft, upgradeMark } from './recover.ts';
export {
  type FullContents,
  inputOf,
  OBJECT_FILE,
  objectOf,
  openContents,
  Registry,
  StoredProvider,
  typeFrom,
  withContents,
  withSlots,
} from './registry.ts';
export {
  bindingsIn,
  consumersOf,
  entryParts,
  explainAgainst,
  loadAgainst,
  releaseConsumers,
  type StoreLoadOptions,
} from './store-load.ts';
export {
  decodeDynamic,
  describePin,
  encodeDynamic,
  isDynamicPin,
  pinNames,
  type StoredDynamic,
  type StoredStub,
} from './stored.ts';
export { isPending } from './waiting-slots.ts';
