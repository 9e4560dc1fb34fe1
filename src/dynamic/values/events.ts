/** Records of ring buffers and perf event arrays of entries, with the C type that they have. */

import {
  type Btf,
  type BtfId,
  decodeValue,
  formatType,
  hexText,
  type JsonValue,
  sizeOfType,
  valueJson,
} from '../../btf/index.ts';
import { didYouMean, quote, usageError } from '../../diag/index.ts';
import { HOST_ORDER, PerfBuffer, RingBuffer } from '../../kernel/index.ts';
import { BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_RINGBUF, mapTypeName } from '../../uapi/index.ts';
import type { EntryMap, EntryView } from './view.ts';

/** A record as a program wrote it. */
export interface EventRecordBytes {
  readonly data: Uint8Array;
  /** Of a perf event array; null for a ring buffer. */
  readonly cpu: number | null;
}

/** A buffer that is read; closing it leaves the map open. */
export interface EventSource {
  /** What is there, at most `limit`. Never waits. */
  read(limit: number): readonly EventRecordBytes[];
  /** How many were lost so far; null where the kernel does not count. */
  lost(): number | null;
  close(): void;
}

/** Throws `value-unknown` for a map of another type, `kernel-ring-buffer`, `kernel-perf-buffer`. */
export function openEvents({ name, map, definition }: EntryMap): EventSource {
  if (definition.type === BPF_MAP_TYPE_RINGBUF) return ringSource(new RingBuffer(map));
  if (definition.type === BPF_MAP_TYPE_PERF_EVENT_ARRAY) return perfSource(new PerfBuffer(map));
  throw usageError(
    'value-unknown',
    `map ${quote(name)} has no records: it is of type ${mapTypeName(definition.type)}`,
    {
      hint: 'records are in maps of types ringbuf and perf_event_array',
    },
  );
}

function ringSource(ring: RingBuffer): EventSource {
  return {
    read: limit => ring.read(limit).map(data => ({ data, cpu: null })),
    lost: () => null,
    close: () => ring.close(),
  };
}

/** What is read beyond a limit is given next. */
function perfSource(buffer: PerfBuffer): EventSource {
  const left: EventRecordBytes[] = [];
  return {
    read(limit) {
      left.push(...buffer.read());
      return left.splice(0, limit);
    },
    lost: () => buffer.lost,
    close: () => buffer.close(),
  };
}

// --- types --------------------------------------------------------------------------------------------------------

/** The type of the records of a map. */
export interface RecordType {
  readonly btf: Btf;
  readonly id: BtfId;
}

/**
 * The type that is asked for, among those of the map or of its file, else the value type of the map. Undefined when there is
 * none. Throws `value-unknown` for a name that is not of a type.
 */
export function recordType(view: EntryView, map: EntryMap, name: string | undefined): RecordType | undefined {
  if (name === undefined) {
    const { types } = map;
    return types === undefined || types.record === 0 ? undefined : { btf: types.btf, id: types.record };
  }
  const btf = map.types === undefined ? view.typesOfFile(map) : map.types.btf;
  const id = btf === null ? undefined : typeNamed(btf, name.replace(/^(?:struct|union) /, ''));
  if (btf !== null && id !== undefined) return { btf, id };
  throw usageError('value-unknown', `the types of map ${quote(map.name)} have no structure ${quote(name)}`, {
    ...didYouMean(name, btf === null ? [] : structNames(btf)),
  });
}

const KINDS = ['struct', 'union', 'typedef'] as const;

function typeNamed(btf: Btf, name: string): BtfId | undefined {
  return KINDS.flatMap(kind => idsOf(btf, kind, name))[0];
}

function* namedTypes(
  btf: Btf,
): Iterable<{ readonly id: BtfId; readonly kind: string; readonly name: string }> {
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if ((type.kind === 'struct' || type.kind === 'union' || type.kind === 'typedef') && type.name !== '')
      yield { id, kind: type.kind, name: type.name };
  }
}

function idsOf(btf: Btf, kind: string, name: string): BtfId[] {
  return [...namedTypes(btf)].flatMap(type => (type.kind === kind && type.name === name ? [type.id] : []));
}

function structNames(btf: Btf): string[] {
  return [...namedTypes(btf)].map(({ name }) => name);
}

/** Bytes that perf events may have after a record. */
const PADDING = 8;

/** A record as JSON; its bytes where it is shorter than its type, or has none. */
export function recordJson(
  { data, cpu }: EventRecordBytes,
  type: RecordType | undefined,
): Readonly<Record<string, JsonValue>> {
  const common = { ...(cpu === null ? {} : { cpu }), size: data.length };
  const size = type === undefined ? undefined : sizeOfType(type.btf, type.id);
  if (type === undefined || size === undefined || data.length < size)
    return { ...common, bytes: hexText(data).replaceAll(' ', '') };
  const rest = data.subarray(size);
  const isPadding = cpu !== null && rest.length < PADDING;
  return {
    ...common,
    type: formatType(type.btf, type.id),
    value: valueJson(decodeValue(type.btf, type.id, data.subarray(0, size), HOST_ORDER)),
    ...(rest.length === 0 || isPadding ? {} : { rest: hexText(rest).replaceAll(' ', '') }),
  };
}
