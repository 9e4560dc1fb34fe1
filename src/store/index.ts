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
export { keyOf, type MapPlace } from './names.ts';
export { kindOfFd, openPin, openPinIn, type PinnedKind } from './pins.ts';
export {
  type DecodedRecord,
  decodeRecord,
  type EntryKind,
  encodeRecord,
  type LinkRecord,
  MAX_RECORD,
  type MapRecord,
  type PinRecord,
  type ProgramRecord,
  RECORD_VERSION,
  type RecordFiles,
  type StoreRecord,
} from './record.ts';
export { RECORD_MAP_NAME, recordAmongMaps } from './record-map.ts';
export { type Contents, placesOf, type SaveStep } from './save.ts';
export {
  type BrokenEntry,
  DEFAULT_STORE_ROOT,
  describeEntry,
  Store,
  type StoreEntry,
  type StoreOptions,
} from './store.ts';
export { type EntryUser, type Guard, requireUnused, usersOf } from './users.ts';
