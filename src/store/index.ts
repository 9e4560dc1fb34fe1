export * from './census.ts';
export { bpffsMountOf, kindOfFd, openPin, type PinnedKind, requireBpffs } from './folder.ts';
export { keyOf } from './names.ts';
export * from './record.ts';
export { RECORD_MAP_NAME, recordAmongMaps } from './record-map.ts';
export type { Contents, SaveStep } from './save.ts';
export {
  type BrokenEntry,
  DEFAULT_STORE_ROOT,
  describeEntry,
  Store,
  type StoreEntry,
  type StoreOptions,
} from './store.ts';
export * from './users.ts';
