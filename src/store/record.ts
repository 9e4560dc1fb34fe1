/**
 * What is known of an entry, as the bytes of one map element: header, JSON, files.
 *
 * Other programs of the same user may have put anything there: every length and every field is checked.
 * The format is private to rootlet; a reader refuses unknown versions.
 */

import { encodeText, viewOf } from '../bytes/index.ts';
import { inputError, platformError, type RootletError } from '../diag/index.ts';
import {
  countFrom,
  Fields,
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  type Wanted,
} from './fields.ts';
import { isMapPin, isPinOf, type PinPrefix } from './names.ts';

export type { JsonObject, JsonValue } from './fields.ts';

/** Objects are loaded for others to bind to; hooks are attached. */
export type EntryKind = 'object' | 'hook';

/** A pinned thing of an entry. */
export interface PinRecord {
  /** In the object. */
  readonly name: string;
  /** Path in the generation's directory. */
  readonly pin: string;
  /** The kernel's. */
  readonly id: number;
}

/** What is known of as text. */
export interface StoreRecord {
  readonly version: 1;
  readonly kind: EntryKind;
  readonly name: string;
  /** File that it was made from, as given. */
  readonly source: string;
  /** Seconds since 1970 when it was made; null when unknown. */
  readonly time: number | null;
  readonly programs: readonly (PinRecord & {
    readonly tag: string;
    /** BPF_PROG_TYPE_… */
    readonly type: number;
  })[];
  readonly maps: readonly (PinRecord & {
    /** Component that it belongs to; null for maps of the entry itself. */
    readonly component: string | null;
    /** Its name in the component; `name` where there is none. */
    readonly map: string;
    /** Whether it belongs to an outgoing version of the component. */
    readonly previous: boolean;
  })[];
  readonly links: readonly (PinRecord & {
    /** What it is attached to, as text. */
    readonly place: string;
  })[];
  /** Belongs to the layer above. */
  readonly data: JsonObject;
}

export type ProgramRecord = StoreRecord['programs'][number];
export type MapRecord = StoreRecord['maps'][number];
export type LinkRecord = StoreRecord['links'][number];

export const RECORD_VERSION = 1;
/** Magic, version, bytes of JSON, bytes of files. All little-endian on every machine. */
const HEADER_SIZE = 24;
const MAGIC = encodeText('rootlet\0');
/** More is taken for damage. */
export const MAX_RECORD = 256 * 1024 * 1024;

/** Files that an entry keeps with its record, by names of the layer above. */
export type RecordFiles = ReadonlyMap<string, Uint8Array>;

/** Raw BTF of what an entry pins, by the ids of BTF objects: for processes that cannot open them. */
export type RecordTypes = ReadonlyMap<number, Uint8Array>;

/** Begins the names of types among the files; the layer above gives no such name. */
const TYPES = 'types:';

export function encodeRecord(
  record: StoreRecord,
  given: RecordFiles,
  types: RecordTypes = new Map(),
): Uint8Array {
  const files = new Map([...given, ...[...types].map(([id, bytes]) => [`${TYPES}${id}`, bytes] as const)]);
  const sizes = [...files].map(([name, bytes]) => [name, bytes.length]);
  const json = encodeText(JSON.stringify({ record, files: sizes }));
  const total = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  const out = new Uint8Array(HEADER_SIZE + json.length + total);
  const view = viewOf(out);
  out.set(MAGIC);
  view.setUint32(8, RECORD_VERSION, true);
  view.setUint32(12, json.length, true);
  view.setUint32(16, total, true);
  out.set(json, HEADER_SIZE);
  let at = HEADER_SIZE + json.length;
  for (const bytes of files.values()) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

export interface DecodedRecord {
  readonly record: StoreRecord;
  /** Views of the input. */
  readonly files: RecordFiles;
  readonly types: RecordTypes;
}

/**
 * Throws `store-record-version` for records of other versions, `store-record` for everything else that is not
 * a record.
 */
export function decodeRecord(bytes: Uint8Array): DecodedRecord {
  const { json, payload } = splitRecord(bytes);
  const document = Fields.of(parseJson(json), 'document', damagedField);
  const record = recordFrom(document.object('record'));
  const all = [...filesFrom(document.get('files'), payload)];
  const isTypes = (name: string): boolean => name.startsWith(TYPES);
  return {
    record,
    files: new Map(all.filter(([name]) => !isTypes(name))),
    types: new Map(
      all.flatMap(([name, bytes]) => (isTypes(name) ? [[Number(name.slice(TYPES.length)), bytes]] : [])),
    ),
  };
}

function splitRecord(bytes: Uint8Array): { json: Uint8Array; payload: Uint8Array } {
  if (bytes.length < HEADER_SIZE || MAGIC.some((byte, at) => bytes[at] !== byte))
    throw damaged('its header is not valid');
  const view = viewOf(bytes);
  const version = view.getUint32(8, true);
  if (version !== RECORD_VERSION) {
    throw inputError('store-record-version', [], `the record has version ${version}, not ${RECORD_VERSION}`, {
      hint: 'it was written by another version of rootlet: use that one, or remove the entry with "rootlet unload --force"',
    });
  }
  const jsonLength = view.getUint32(12, true);
  const total = view.getUint32(16, true);
  if (HEADER_SIZE + jsonLength + total !== bytes.length) throw damaged('its lengths do not fit');
  const end = HEADER_SIZE + jsonLength;
  return { json: bytes.subarray(HEADER_SIZE, end), payload: bytes.subarray(end) };
}

function parseJson(bytes: Uint8Array): JsonValue {
  try {
    // results of JSON.parse are JSON
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch {
    throw damaged('its JSON cannot be read');
  }
}

function recordFrom(fields: Fields): StoreRecord {
  const kind = fields.get('kind');
  if (kind !== 'object' && kind !== 'hook') throw damaged('its kind is not known');
  return {
    version: 1,
    kind,
    name: fields.text('name'),
    source: fields.text('source'),
    time: fields.countOrNull('time'),
    programs: fields.objects('programs').map(programFrom),
    maps: fields.objects('maps').map(mapFrom),
    links: fields.objects('links').map(linkFrom),
    data: dataFrom(fields.get('data')),
  };
}

function pinFrom(fields: Fields, prefix: PinPrefix): PinRecord {
  const name = fields.text('name');
  const pin = fields.text('pin');
  if (!isPinOf(pin, prefix, name)) throw damaged('it names a pin that the store does not make');
  return { name, pin, id: fields.count('id') };
}

function programFrom(fields: Fields): ProgramRecord {
  return {
    ...pinFrom(fields, 'prog'),
    tag: fields.text('tag'),
    type: fields.count('type'),
  };
}

/** Older records know no components. */
function mapFrom(fields: Fields): MapRecord {
  const component = fields.get('component') ?? null;
  if (component === null) {
    const pin = pinFrom(fields, 'map');
    return { ...pin, component, map: pin.name, previous: false };
  }
  if (typeof component !== 'string') throw damaged('its field "component" is not a string');
  const previous = fields.flag('previous');
  const map = fields.text('map');
  const pin = fields.text('pin');
  if (!isMapPin(pin, { component, map, previous }))
    throw damaged('it names a pin that the store does not make');
  const id = fields.count('id');
  return { name: fields.text('name'), pin, id, component, map, previous };
}

function linkFrom(fields: Fields): LinkRecord {
  return { ...pinFrom(fields, 'link'), place: fields.text('place') };
}

function filesFrom(value: JsonValue | undefined, payload: Uint8Array): RecordFiles {
  if (!isList(value)) throw damaged('its list of files is missing');
  const files = new Map<string, Uint8Array>();
  let at = 0;
  for (const entry of value) {
    const [name, size] = isList(entry) ? entry : [];
    const length = countFrom(size, 'files', damagedField);
    if (typeof name !== 'string' || length > payload.length - at)
      throw damaged('its list of files does not fit');
    files.set(name, payload.subarray(at, at + length));
    at += length;
  }
  if (at !== payload.length) throw damaged('its list of files does not fit');
  return files;
}

/** Own properties as a plain object: the layer above reads it. */
function dataFrom(value: JsonValue | undefined): JsonObject {
  if (!isObject(value)) throw damagedField('data', 'object');
  return Object.fromEntries(Object.entries(value));
}

function damagedField(name: string, wanted: Wanted): RootletError {
  if (wanted === 'object') return damaged(`its ${name} is missing`);
  if (wanted === 'list') return damaged(`its list of ${name} is missing`);
  return damaged(`its field "${name}" is not a ${wanted}`);
}

function damaged(message: string): RootletError {
  return platformError('store-record', [], `the record cannot be read: ${message}`, {
    hint: 'another process wrote here; "rootlet unload --force" removes the entry',
  });
}
