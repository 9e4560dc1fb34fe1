/** Elements of maps and values of variables of an entry, as they are now. */

import { type DecodedValue, decodeValue } from '../../btf/index.ts';
import { quote, RootletError, usageError } from '../../diag/index.ts';
import { type BpfMap, HOST_ORDER, readBatches } from '../../kernel/index.ts';
import {
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PROG_ARRAY,
} from '../../uapi/index.ts';
import type { FormatContext, MapContents } from '../../vm/index.ts';
import { pathText, type Step } from './find.ts';
import type { EntryMap, EntryVariable, EntryView } from './view.ts';

/** Types for `formatMapContents` and its kin. */
export function formatContext({ types }: EntryMap): FormatContext {
  return { btf: types?.btf ?? null, byteOrder: HOST_ORDER };
}

/** What there is to show of a map; elements are read when they are asked for. */
export function contentsOf(view: EntryView, { name, definition, map }: EntryMap): MapContents {
  const nameOf = holds(map) === undefined ? undefined : (value: Uint8Array) => heldName(view, map, value);
  return {
    name,
    definition,
    variables: null,
    ...elementsOf(map),
    ...(nameOf === undefined ? {} : { nameOf }),
  };
}

/** Types without keys (rings, arenas, queues, storages) refuse to list them. */
export function elementsOf(map: BpfMap): Pick<MapContents, 'entries' | 'unlisted'> {
  try {
    map.nextKey(undefined);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return { entries: () => [], unlisted: error.problems.map(({ message }) => message).join('; ') };
  }
  return { entries: () => map.entries() };
}

/** Number of elements; undefined for a map whose elements cannot be listed. */
export function countElements(map: BpfMap): number | undefined {
  if (elementsOf(map).unlisted !== undefined) return undefined;
  try {
    let count = 0;
    for (const batch of readBatches(map, { size: 4096 })) count += batch.count;
    return count;
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return countKeys(map); // the type has no batches
  }
}

function countKeys(map: BpfMap): number {
  let count = 0;
  let key = map.nextKey(undefined);
  for (; key !== undefined && count < map.maxEntries; key = map.nextKey(key))
    if (map.lookup(key) !== undefined) count++;
  return count;
}

// --- programs and maps in maps ------------------------------------------------------------------------------------

function holds({ type }: BpfMap): 'program' | 'map' | undefined {
  if (type === BPF_MAP_TYPE_PROG_ARRAY) return 'program';
  return type === BPF_MAP_TYPE_ARRAY_OF_MAPS || type === BPF_MAP_TYPE_HASH_OF_MAPS ? 'map' : undefined;
}

/** `program judge (id 42)`: elements of such maps are read as ids. */
function heldName({ entry }: EntryView, map: BpfMap, value: Uint8Array): string {
  const kind = holds(map) ?? 'program';
  const id = new DataView(value.buffer, value.byteOffset).getUint32(0, HOST_ORDER === 'little');
  const known = kind === 'program' ? entry.record.programs : entry.record.maps;
  const name = known.find(one => one.id === id)?.name;
  return name === undefined ? `${kind} ${id}` : `${kind} ${quote(name)} (id ${id})`;
}

// --- variables ----------------------------------------------------------------------------------------------------

const FIRST = new Uint8Array(4);

/** The bytes of a data section. */
export function sectionBytes({ map }: EntryMap): Uint8Array {
  return map.lookup(FIRST) ?? new Uint8Array(map.valueSize);
}

/** The value of a variable in the bytes of its section. */
export function variableValue(variable: EntryVariable, section: Uint8Array): DecodedValue {
  const { offset, size, type, in: map } = variable;
  const bytes = section.subarray(offset, offset + size);
  return decodeValue(map.types?.btf ?? null, type, bytes, HOST_ORDER);
}

/** A part of a value. Throws `value-unknown`, with what there is. */
export function partOf(name: string, value: DecodedValue, path: readonly Step[]): DecodedValue {
  let part = value;
  for (const [at, step] of path.entries()) {
    const next = stepInto(part, step);
    if (next === undefined) throw noPart(`${name}${pathText(path.slice(0, at))}`, part, step);
    part = next;
  }
  return part;
}

function stepInto(value: DecodedValue, step: Step): DecodedValue | undefined {
  if (value.kind === 'cut') return value;
  if (typeof step === 'number') return value.kind === 'array' ? elementOf(value.items, step) : undefined;
  return value.kind === 'fields' ? value.fields.find(({ name }) => name === step)?.value : undefined;
}

/** Of an array of which not all is read, any element may be there. */
function elementOf(items: readonly DecodedValue[], at: number): DecodedValue | undefined {
  const last = items.at(-1);
  return items[at] ?? (last?.kind === 'cut' ? last : undefined);
}

function noPart(name: string, value: DecodedValue, step: Step) {
  const what = typeof step === 'number' ? `element ${step}` : `member ${quote(step)}`;
  return usageError('value-unknown', `${quote(name)} has no ${what}`, { hint: partsHint(value) });
}

function partsHint(value: DecodedValue): string {
  if (value.kind === 'fields') return `its members are ${value.fields.map(({ name }) => name).join(', ')}`;
  if (value.kind === 'array') return `it has ${value.items.length} elements, from 0`;
  return 'it is neither a structure nor an array';
}
