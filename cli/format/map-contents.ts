/** Map contents by names and types: keys and values through BTF, globals as `name = value`. */

import { type Btf, type BtfId, formatDeclaration, sizeOfType, skipModifiers } from '../../src/btf/index.ts';
import { printable } from '../../src/diag/index.ts';
import { type BtfValue, decodeValue } from '../../src/load/index.ts';
import {
  type BpfObject,
  layoutSections,
  type MapDefinition,
  parseMapDefinition,
  sectionOf,
} from '../../src/object/index.ts';
import { mapTypeName } from '../../src/object/uapi.ts';
import type { ShownMap } from '../runner.ts';

export interface ShownEntry {
  readonly key: BtfValue;
  readonly value: BtfValue;
}

export interface MapContents {
  readonly name: string;
  /** `hash`, `array`, … or `globals`. */
  readonly type: string;
  /** Elements that are not all zero. */
  readonly entries: readonly ShownEntry[];
  /** Elements of which every byte is zero. */
  readonly zero: number;
}

/** What is in the maps, in the order in which the object defines them. */
export function readMaps(object: BpfObject, maps: readonly ShownMap[]): MapContents[] {
  const definitions = new Map(
    object.symbols.flatMap(symbol =>
      symbol.kind === 'map' ? [[symbol.name, parseMapDefinition(object, symbol)] as const] : [],
    ),
  );
  return maps.map(map => {
    const definition = definitions.get(map.name);
    return definition === undefined ? readGlobals(object, map) : readEntries(object, map, definition);
  });
}

function readEntries(object: BpfObject, map: ShownMap, definition: MapDefinition): MapContents {
  const entries: ShownEntry[] = [];
  let zero = 0;
  for (const [key, value] of map.entries()) {
    if (value.every(byte => byte === 0) && definition.type !== BPF_MAP_TYPE_HASH) zero++;
    else
      entries.push({
        key: decode(object, definition.keyType, key),
        value: decodeAll(object, definition, value),
      });
  }
  return { name: map.name, type: mapTypeName(definition.type), entries, zero };
}

const BPF_MAP_TYPE_HASH = 1;

/** The value, or one for each processor where the bytes are several of them. */
function decodeAll(object: BpfObject, definition: MapDefinition, bytes: Uint8Array): BtfValue {
  const stride = Math.ceil(definition.valueSize / 8) * 8;
  if (bytes.length <= definition.valueSize || definition.valueSize === 0)
    return decode(object, definition.valueType, bytes);
  return Array.from({ length: Math.floor(bytes.length / stride) }, (_, cpu) =>
    decode(object, definition.valueType, bytes.subarray(cpu * stride, cpu * stride + definition.valueSize)),
  );
}

/** Bytes as a value of the type; without one, as hexadecimal digits. */
function decode(object: BpfObject, type: BtfId, bytes: Uint8Array): BtfValue {
  if (object.btf !== null && type !== 0 && sizeOfType(object.btf, type) <= bytes.length) {
    return named(object.btf, type, decodeValue({ btf: object.btf, order: object.byteOrder }, type, bytes));
  }
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/** Numbers of enumerations as their names, at the top. */
function named(btf: Btf, id: BtfId, value: BtfValue): BtfValue {
  const skipped = skipModifiers(btf, id);
  const type = skipped === 0 ? undefined : btf.type(skipped);
  if (
    (type?.kind !== 'enum' && type?.kind !== 'enum64') ||
    (typeof value !== 'number' && typeof value !== 'bigint')
  )
    return value;
  return type.values.find(entry => entry.value === BigInt(value))?.name ?? value;
}

function readGlobals(object: BpfObject, map: ShownMap): MapContents {
  const layout = layoutSections(object);
  const [, bytes = new Uint8Array(0)] = [...map.entries()][0] ?? [];
  const entries = object.symbols.flatMap((symbol, index): ShownEntry[] => {
    if (symbol.kind !== 'variable' || symbol.name === '' || sectionOf(object, symbol)?.name !== map.name)
      return [];
    const offset = layout.offsets[index] ?? 0;
    return [
      { key: symbol.name, value: decode(object, symbol.btfId, bytes.subarray(offset, offset + symbol.size)) },
    ];
  });
  return { name: map.name, type: 'globals', entries, zero: 0 };
}

// --- text ---------------------------------------------------------------------------------------------------------

export function formatMaps(object: BpfObject, maps: readonly MapContents[]): string {
  return maps.map(map => formatMap(object, map)).join('\n');
}

function formatMap(object: BpfObject, map: MapContents): string {
  const rows = map.entries.map(
    entry =>
      `  ${map.type === 'globals' ? declared(object, map, entry) : `[${formatValue(entry.key)}]`} = ${formatValue(entry.value)}`,
  );
  const rest = map.zero === 0 ? [] : [`  ${map.zero} more elements are zero`];
  const empty = rows.length + rest.length === 0 ? ['  empty'] : [];
  return [`${map.name} (${map.type}):`, ...rows, ...rest, ...empty].map(printable).join('\n');
}

/** A variable with its type, as C declares it. */
function declared(object: BpfObject, map: MapContents, entry: ShownEntry): string {
  const name = String(entry.key);
  const symbol = object.symbols.find(
    candidate =>
      candidate.kind === 'variable' &&
      candidate.name === name &&
      sectionOf(object, candidate)?.name === map.name,
  );
  const variable =
    object.btf === null || symbol === undefined || symbol.btfId === 0
      ? undefined
      : object.btf.type(symbol.btfId);
  return object.btf === null || variable?.kind !== 'var'
    ? name
    : formatDeclaration(object.btf, variable.type, name);
}

/** How many elements of an array are shown before the rest is only counted. */
const SHOWN_ELEMENTS = 16;

function formatValue(value: BtfValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return formatArray(value);
  return `{ ${Object.entries(value)
    .map(([name, member]) => `${name}: ${formatValue(member)}`)
    .join(', ')} }`;
}

/** Only what is not zero, each with its index, when most of it is. */
function formatArray(values: readonly BtfValue[]): string {
  const isZero = (value: BtfValue): boolean => value === 0 || value === 0n || value === false;
  const present = values.flatMap((value, index) => (isZero(value) ? [] : [{ value, index }]));
  if (values.length <= SHOWN_ELEMENTS) return `[${values.map(formatValue).join(', ')}]`;
  const shown = present
    .slice(0, SHOWN_ELEMENTS)
    .map(({ value, index }) => `[${index}] = ${formatValue(value)}`);
  const more = present.length > shown.length ? [`${present.length - shown.length} more`] : [];
  return `{ ${[...shown, ...more, `the other ${values.length - present.length} are 0`].join(', ')} }`;
}
