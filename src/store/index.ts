/** Named things that stay in the kernel. */

export { type Census, type Holder, takeCensus } from './census.ts';
export { bpffsMountOf, Directory, requireBpffs } from './directory.ts';
export {
  countFrom,
  Fields,
  fieldsOf,
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  textOf,
  type Wanted,
} from './fields.ts';
export { underLock } from './locks.ts';
export type { MapPlace } from './names.ts';
export { openPin, openPinIn } from './pins.ts';
export type { EntryKind, MapRecord, PinRecord, RecordFiles, StoreRecord } from './record.ts';
export { type Contents, placesOf } from './save.ts';
export {
  type BrokenEntry,
  DEFAULT_STORE_ROOT,
  describeEntry,
  Store,
  type StoreEntry,
  type StoreOptions,
} from './store.ts';
export { type EntryUser, type Guard, requireUnused, usersOf } from './users.ts';
