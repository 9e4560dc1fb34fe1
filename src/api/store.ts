/**
 * Entry point `rootlet/store`: what stays in the kernel under a name: pins and records on a bpf file system.
 * For Linux.
 *
 * @module rootlet/store
 */

export {
  type BrokenEntry,
  type Contents,
  DEFAULT_STORE_ROOT,
  type EntryKind,
  type JsonObject,
  type JsonValue,
  type PinRecord,
  type RecordFiles,
  Store,
  type StoreEntry,
  type StoreOptions,
  type StoreRecord,
} from '../store/index.ts';
