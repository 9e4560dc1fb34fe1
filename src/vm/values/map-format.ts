/**
 * Contents of maps through BTF, for users and as JSON. For the machine's maps and, with the same input, the
 * kernel's.
 */

import {
  type Btf,
  type BtfId,
  type DecodedValue,
  decodeValue,
  formatDeclaration,
  formatType,
  type JsonValue,
  runsOf,
  valueJson,
  valueText,
} from '../../btf/index.ts';
import { alignUp, given } from '../../bytes/index.ts';
import { joinLines, printable } from '../../diag/index.ts';
import type { BpfObject, MapDefinition } from '../../object/index.ts';
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, mapTypeName } from '../../uapi/index.ts';
import type { GlobalVariable } from '../state/index.ts';

/** What there is to show of a map: of the machine's, or with the same fields of any other. */
export interface MapContents {
  readonly name: string;
  readonly definition: MapDefinition;
  /** For a section of global variables: what is in its one value. */
  readonly variables: readonly GlobalVariable[] | null;
  /** Values longer than in the definition are several, one for each CPU. */
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** Why the elements cannot be listed, as those of rings and arenas; `entries` has none then. */
  readonly unlisted?: string;
  /** What a value means that is only a number: the program or the map in a slot. */
  readonly nameOf?: (value: Uint8Array) => string | undefined;
}

/** What the types and values of an object's maps are read with. */
export type FormatContext = Pick<BpfObject, 'btf' | 'byteOrder'>;

/** Zero elements of longer arrays are counted, not shown. */
const SHORT_ARRAY = 16;
const MAX_SHOWN = 10_000;

interface Shown {
  readonly entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
  readonly zero: number;
  readonly more: number;
}

function shownEntries(map: MapContents): Shown {
  const { type, maxEntries } = map.definition;
  const array = type === BPF_MAP_TYPE_ARRAY || type === BPF_MAP_TYPE_PERCPU_ARRAY;
  const skipsZeros = array && maxEntries > SHORT_ARRAY;
  const entries: { key: Uint8Array; value: Uint8Array }[] = [];
  let zero = 0;
  let more = 0;
  for (const [key, value] of map.entries()) {
    if (skipsZeros && value.every(byte => byte === 0)) zero++;
    else if (entries.length >= MAX_SHOWN) more++;
    else entries.push({ key, value });
  }
  return { entries, zero, more };
}

/** Several lines without a newline at the end: what the map is, then its elements indented. */
export function formatMapContents(context: FormatContext, map: MapContents): string {
  if (map.variables !== null) return formatVariables(context, map, map.variables);
  const { entries, zero, more } = shownEntries(map);
  const lines = entries.flatMap(({ key, value }) =>
    elementLines(context, map, key, value).map(text => `  ${text}`),
  );
  if (more > 0) lines.push(`  … and ${more} more`);
  if (zero > 0) lines.push(`  ${zero} ${entries.length > 0 ? 'more ' : ''}elements are zero`);
  if (lines.length === 0)
    lines.push(map.unlisted === undefined ? '  empty' : `  not listed: ${map.unlisted}`);
  return joinLines([mapTitle(context, map), ...lines]);
}

/** `rules (hash, __be32 → struct rule):` */
export function mapTitle(context: FormatContext, { name, definition }: MapContents): string {
  return `${name} (${kindText(context, definition)}):`;
}

/** `[5] = {.hits = 3}`; of a map with a value for each CPU one line for each, equal neighbours together. */
export function elementLines(
  context: FormatContext,
  map: Pick<MapContents, 'definition' | 'nameOf'>,
  key: Uint8Array,
  value: Uint8Array,
): string[] {
  const { definition } = map;
  const keyText = key.length === 0 ? '' : `[${valueText(decode(context, definition.keyType, key))}]`;
  const named = map.nameOf?.(value);
  if (named !== undefined) return [assigned(keyText, printable(named))];
  const decoded = decodeElement(context, definition, value);
  if (decoded.kind !== 'cpus') return [assigned(keyText, valueText(decoded.value))];
  const texts = decoded.values.map(valueText);
  return runsOf(texts).map(run => assigned(`${keyText} ${cpuText(run, texts.length)}`.trimStart(), run.text));
}

function assigned(name: string, value: string): string {
  return name === '' ? value : `${name} = ${value}`;
}

function cpuText({ first, last }: { readonly first: number; readonly last: number }, all: number): string {
  if (first === 0 && last === all - 1 && all > 1) return 'on all CPUs';
  return first === last ? `on CPU ${first}` : `on CPUs ${first} to ${last}`;
}

/** `hash, __be32 → struct rule`; without the types when the definition gives only sizes. */
function kindText({ btf }: FormatContext, { type, keyType, valueType }: MapDefinition): string {
  if (btf === null || valueType === 0) return mapTypeName(type);
  const value = formatType(btf, valueType);
  return `${mapTypeName(type)}, ${keyType === 0 ? value : `${formatType(btf, keyType)} → ${value}`}`;
}

function decode(context: FormatContext, type: BtfId, bytes: Uint8Array): DecodedValue {
  return decodeValue(context.btf, type, bytes, context.byteOrder);
}

type Element =
  | { readonly kind: 'one'; readonly value: DecodedValue }
  | { readonly kind: 'cpus'; readonly values: readonly DecodedValue[] };

/** Longer values than in the definition are several, one for each CPU. */
function decodeElement(
  context: FormatContext,
  { valueType, valueSize }: MapDefinition,
  bytes: Uint8Array,
): Element {
  if (valueSize === 0 || bytes.length <= valueSize)
    return { kind: 'one', value: decode(context, valueType, bytes) };
  const stride = alignUp(valueSize, 8);
  const values = Array.from({ length: Math.floor(bytes.length / stride) }, (_, cpu) =>
    decode(context, valueType, bytes.subarray(cpu * stride, cpu * stride + valueSize)),
  );
  return { kind: 'cpus', values };
}

/** A value as JSON; of a map with a value for each CPU a list of them. */
export function elementJson(
  context: FormatContext,
  map: Pick<MapContents, 'definition' | 'nameOf'>,
  value: Uint8Array,
): JsonValue {
  const name = map.nameOf?.(value);
  if (name !== undefined) return name;
  const decoded = decodeElement(context, map.definition, value);
  return decoded.kind === 'cpus' ? decoded.values.map(valueJson) : valueJson(decoded.value);
}

/** A key as JSON; undefined for a map without keys. */
export function keyJson(
  context: FormatContext,
  { keyType }: MapDefinition,
  key: Uint8Array,
): JsonValue | undefined {
  return key.length === 0 ? undefined : valueJson(decode(context, keyType, key));
}

function formatVariables(
  context: FormatContext,
  map: MapContents,
  variables: readonly GlobalVariable[],
): string {
  const bytes = firstValue(map);
  const lines = namedVariables(variables).map(
    variable =>
      `  ${declarationText(context, variable)} = ${valueText(decodeVariable(context, variable, bytes))}`,
  );
  if (lines.length === 0) lines.push('  no named variables');
  return joinLines([`${map.name} (global variables):`, ...lines]);
}

function firstValue(map: MapContents): Uint8Array {
  for (const [, value] of map.entries()) return value;
  return new Uint8Array(0);
}

/** The variable as C declares it. */
export function declarationText({ btf }: FormatContext, { name, btfId }: GlobalVariable): string {
  const type = btf === null || btfId === 0 ? undefined : btf.type(btfId);
  if (btf === null || type?.kind !== 'var') return printable(name);
  return printable(formatDeclaration(btf, type.type, name));
}

/** Constants of the compiler, such as strings, have no name worth showing. */
function namedVariables(variables: readonly GlobalVariable[]): readonly GlobalVariable[] {
  return variables.filter(variable => variable.name !== '' && variable.btfId !== 0);
}

function decodeVariable(context: FormatContext, variable: GlobalVariable, section: Uint8Array): DecodedValue {
  return decode(context, variable.btfId, section.subarray(variable.offset, variable.offset + variable.size));
}

/** As `formatMapContents`, as a JSON value. */
export function mapContentsJson(context: FormatContext, map: MapContents): JsonValue {
  const { definition } = map;
  const base = { name: map.name, type: mapTypeName(definition.type), maxEntries: definition.maxEntries };
  if (map.variables !== null) {
    const bytes = firstValue(map);
    // a list, not an object: static variables of several components may have one name
    const variables = namedVariables(map.variables).map(variable => ({
      name: variable.name,
      offset: variable.offset,
      value: valueJson(decodeVariable(context, variable, bytes)),
    }));
    return { name: map.name, type: 'globals', variables };
  }
  const { entries, zero, more } = shownEntries(map);
  return {
    ...base,
    ...mapTypesJson(context.btf, definition),
    entries: entries.map(({ key, value }) => ({
      ...given({ key: keyJson(context, definition, key) }),
      value: elementJson(context, map, value),
    })),
    ...(zero > 0 ? { zeroElements: zero } : {}),
    ...(more > 0 ? { notShown: more } : {}),
    ...given({ unlisted: map.unlisted }),
  };
}

/** The types of key and value as C; nothing where they are not known. */
export function mapTypesJson(
  btf: Btf | null,
  { keyType, valueType }: Pick<MapDefinition, 'keyType' | 'valueType'>,
): { keyType?: string; valueType?: string } {
  if (btf === null || valueType === 0) return {};
  return {
    ...(keyType === 0 ? {} : { keyType: formatType(btf, keyType) }),
    valueType: formatType(btf, valueType),
  };
}
