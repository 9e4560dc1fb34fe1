/** Elements of maps of entries, read, written and deleted by keys and values as users write them. */

import { type Btf, type BtfId, encodeValue, parseLiteral, skipModifiers } from '../../btf/index.ts';
import { alignUp } from '../../bytes/index.ts';
import { counted, quote, RootletError, usageError, within } from '../../diag/index.ts';
import { HOST_ORDER, isPerCpu } from '../../kernel/index.ts';
import { untypedBytes } from '../../load/index.ts';
import {
  BPF_EXIST,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_QUEUE,
  BPF_MAP_TYPE_STACK,
  BPF_NOEXIST,
  E2BIG,
  EEXIST,
  ENOENT,
} from '../../uapi/index.ts';
import { requireElements, requireRemovable } from './access.ts';
import type { EntryMap } from './view.ts';

/** Which elements may be written: any, only new ones, only those that are there. */
export type PutMode = 'any' | 'new' | 'existing';

export interface PutRequest {
  readonly key: string | undefined;
  readonly value: string;
  readonly mode: PutMode;
  /** The CPU whose value is written; undefined: all of them. */
  readonly cpu: number | undefined;
  readonly dryRun: boolean;
}

/** What became of an element. */
export interface ElementChange {
  readonly key: Uint8Array;
  /** Undefined where there was none. */
  readonly before: Uint8Array | undefined;
  /** Undefined where there is none now. */
  readonly after: Uint8Array | undefined;
  readonly notes: readonly string[];
}

/** An element. Throws `value-element` when there is none, `value-mismatch`, `value-literal`. */
export function getElement(
  map: EntryMap,
  key: string | undefined,
  cpu: number | undefined,
): { key: Uint8Array; value: Uint8Array } {
  const bytes = keyBytes(map, key);
  const value = map.map.lookup(bytes);
  if (value === undefined) throw noElement(map, key);
  return { key: bytes, value: cpu === undefined ? value : ofCpu(map, value, cpu) };
}

/** The value of one CPU. */
function ofCpu(map: EntryMap, value: Uint8Array, cpu: number): Uint8Array {
  const { valueSize } = map.definition;
  const step = stepOf(map, cpu);
  return value.subarray(cpu * step, cpu * step + valueSize);
}

/** Bytes from one CPU's value to the next. Throws `value-element` for a CPU that there is not. */
function stepOf({ name, map, definition }: EntryMap, cpu: number): number {
  if (!isPerCpu(definition.type))
    throw usageError('value-element', `map ${quote(name)} has one value for all CPUs`);
  const step = alignUp(definition.valueSize, 8);
  if (cpu * step < map.valueLength) return step;
  throw usageError('value-element', `there is no CPU ${cpu}: there are 0 to ${map.valueLength / step - 1}`);
}

/** Writes an element. Throws `value-read-only`, `value-element`, `value-mismatch`, `value-literal`. */
export function putElement(map: EntryMap, request: PutRequest): ElementChange {
  requireElements(map);
  const key = keyBytes(map, request.key);
  const value = parseLiteral(request.value);
  const one = within('value', () => bytesOf(map, 'value', value));
  const before = isQueue(map) ? undefined : map.map.lookup(key);
  requireMode(map, request, before);
  const after = withCpus(map, one, request.cpu, before);
  if (!request.dryRun) write(map, request, key, after);
  return { key, before, after, notes: [...cpuNotes(map, request, before), ...missingNotes(map, value)] };
}

/** Deletes an element; of a queue or stack the first. Throws `value-read-only`, `value-element`. */
export function deleteElement(map: EntryMap, key: string | undefined, dryRun: boolean): ElementChange {
  requireRemovable(map);
  const bytes = keyBytes(map, key);
  const before = map.map.lookup(bytes);
  if (before === undefined) throw noElement(map, key);
  if (!dryRun && isQueue(map)) map.map.lookupAndDelete(bytes);
  else if (!dryRun && !map.map.delete(bytes)) throw noElement(map, key);
  return { key: bytes, before, after: undefined, notes: [] };
}

// --- keys and values ----------------------------------------------------------------------------------------------

const QUEUES = [BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK, BPF_MAP_TYPE_BLOOM_FILTER];

function isQueue({ definition }: EntryMap): boolean {
  return QUEUES.includes(definition.type);
}

const ARRAYS = [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY];

/** A map without keys takes none. */
function keyBytes(map: EntryMap, key: string | undefined): Uint8Array {
  const { name, definition } = map;
  if (definition.keySize === 0) {
    if (key === undefined) return new Uint8Array(0);
    throw usageError('value-element', `map ${quote(name)} has no keys`, { hint: 'leave the key out' });
  }
  if (key === undefined) throw usageError('value-element', `map ${quote(name)} needs a key`);
  const bytes = within('key', () => bytesOf(map, 'key', parseLiteral(key)));
  if (ARRAYS.includes(definition.type)) requireIndex(map, bytes);
  return bytes;
}

function requireIndex({ name, definition }: EntryMap, key: Uint8Array): void {
  const index = new DataView(key.buffer, key.byteOffset).getUint32(0, HOST_ORDER === 'little');
  if (index < definition.maxEntries) return;
  const range = `0 to ${definition.maxEntries - 1}`;
  throw usageError('value-element', `map ${quote(name)} has no element ${index}: it has ${range}`);
}

/** Of a key, or of a value of one CPU. */
function bytesOf({ definition, types }: EntryMap, what: 'key' | 'value', value: unknown): Uint8Array {
  const size = what === 'key' ? definition.keySize : definition.valueSize;
  const type = what === 'key' ? definition.keyType : definition.valueType;
  if (value instanceof Uint8Array) {
    if (value.length === size) return value;
    throw usageError('value-mismatch', `${counted(value.length, 'byte')} are given, and it has ${size}`);
  }
  if (types !== undefined && type !== 0) {
    const bytes = new Uint8Array(size);
    encodeValue({ btf: types.btf, order: HOST_ORDER }, type, value, bytes);
    return bytes;
  }
  const plain = untypedBytes(value, size, HOST_ORDER);
  if (plain !== undefined) return plain;
  throw usageError(
    'value-mismatch',
    `its type is not known, and this is not a number of ${counted(size, 'byte')}`,
    {
      hint: 'give its bytes as hex:0a0b...',
    },
  );
}

/** The value of one CPU for all, or for one of them beside what the others have. */
function withCpus(
  map: EntryMap,
  one: Uint8Array,
  cpu: number | undefined,
  before: Uint8Array | undefined,
): Uint8Array {
  const { valueLength } = map.map;
  if (cpu !== undefined) {
    const step = stepOf(map, cpu);
    const all = before === undefined ? new Uint8Array(valueLength) : before.slice();
    all.set(one, cpu * step);
    return all;
  }
  if (!isPerCpu(map.definition.type)) return one;
  const all = new Uint8Array(valueLength);
  for (let at = 0; at < valueLength; at += alignUp(one.length, 8)) all.set(one, at);
  return all;
}

// --- writing ------------------------------------------------------------------------------------------------------

function requireMode(map: EntryMap, { mode, key }: PutRequest, before: Uint8Array | undefined): void {
  if (mode === 'existing' && before === undefined) throw noElement(map, key);
  if (mode === 'new' && before !== undefined) throw elementExists(map, key);
}

const MODE_FLAGS = { any: 0, new: BPF_NOEXIST, existing: BPF_EXIST } as const;

/** The kernel decides again: others may have written meanwhile. */
function write(map: EntryMap, { mode, key: text }: PutRequest, key: Uint8Array, value: Uint8Array): void {
  try {
    map.map.update(key, value, MODE_FLAGS[mode]);
  } catch (error) {
    const errno = error instanceof RootletError ? error.problems[0]?.errno : undefined;
    if (errno === EEXIST) throw elementExists(map, text);
    if (errno === ENOENT) throw noElement(map, text);
    throw errno === E2BIG ? full(map) : error;
  }
}

function cpuNotes(map: EntryMap, { cpu }: PutRequest, before: Uint8Array | undefined): string[] {
  if (cpu === undefined || before === undefined) return [];
  return [
    `the values of the other CPUs of ${map.name} are written as they were read: the kernel takes all at once`,
  ];
}

/** Members and elements that a value leaves out are 0, as in C. */
function missingNotes({ name, types, definition }: EntryMap, value: unknown): string[] {
  const type = types === undefined ? undefined : resolved(types.btf, definition.valueType);
  if (type?.kind === 'array' && Array.isArray(value) && Object.keys(value).length < type.length)
    return [`elements of the value of ${name} that are not given are 0`];
  if (type?.kind !== 'struct' || typeof value !== 'object' || value === null || Array.isArray(value))
    return [];
  if (value instanceof Uint8Array) return [];
  const left = type.members.filter(member => member.name !== '' && !Object.hasOwn(value, member.name));
  const names = left.map(member => member.name).join(', ');
  return names === '' ? [] : [`members of the value of ${name} that are not given are 0: ${names}`];
}

function resolved(btf: Btf, id: BtfId) {
  const skipped = id === 0 ? 0 : skipModifiers(btf, id);
  return skipped === 0 ? undefined : btf.type(skipped);
}

function noElement({ name }: EntryMap, key: string | undefined) {
  const which = key === undefined ? 'is empty' : `has no element ${key}`;
  return usageError('value-element', `map ${quote(name)} ${which}`);
}

function elementExists({ name }: EntryMap, key: string | undefined) {
  return usageError(
    'value-element',
    `map ${quote(name)} has ${key === undefined ? 'an element' : `element ${key}`} already`,
    {
      hint: 'without --noexist its value is replaced',
    },
  );
}

function full({ name, definition }: EntryMap) {
  return usageError('value-element', `map ${quote(name)} is full: it has ${definition.maxEntries} elements`, {
    hint: 'rootlet replace NAME --max-entries MAP=N makes it larger',
  });
}
