/** Maps and variables of entries as text and as data: what `show`, `map` and `set` print. */

import { formatDeclaration, type JsonValue, valueJson, valueText } from '../../src/btf/index.ts';
import { given } from '../../src/bytes/index.ts';
import { counted, joinBlocks, type Lines, line, printable } from '../../src/diag/index.ts';
import {
  contentsOf,
  countElements,
  type ElementChange,
  type EntryMap,
  type EntryVariable,
  type EntryView,
  formatContext,
  isConstant,
  partOf,
  pathText,
  type Step,
  sectionBytes,
  variableValue,
} from '../../src/dynamic/index.ts';
import { describeEntry } from '../../src/store/index.ts';
import { BPF_MAP_TYPE_RINGBUF, mapTypeName, progTypeName } from '../../src/uapi/index.ts';
import { elementJson, elementLines, keyJson, mapContentsJson, mapTypesJson } from '../../src/vm/index.ts';
import { programDetail } from './entry.ts';
import { table } from './table.ts';

/** Longer values are cut where there are others beside them. */
const MAX_VALUE = 100;

// --- an entry -----------------------------------------------------------------------------------------------------

/** What an entry has: programs, maps with the number of their elements, variables with their values. */
export function formatView(view: EntryView): Lines {
  const { entry, maps } = view;
  const programs = entry.record.programs.map(({ name, id, type, tag }) => [
    name,
    `id ${id}`,
    `${progTypeName(type)}, ${programDetail(entry, name, tag)}`,
  ]);
  return joinBlocks([
    line(`${describeEntry(entry)}: ${entry.record.source}, generation ${entry.generation}`),
    ...block('programs', programs),
    ...block('maps', maps.map(mapRow)),
    ...block('variables', variableRows(view)),
  ]);
}

function block(title: string, rows: readonly (readonly string[])[]): Lines[] {
  return rows.length === 0 ? [] : [line(`${title}:`), table(rows, '  ')];
}

function mapRow(map: EntryMap): string[] {
  const { name, map: opened } = map;
  return [name, `id ${opened.info().id}`, kindOf(map), countText(map)];
}

function kindOf({ definition, types }: EntryMap): string {
  const { keyType, valueType } = typeNames({ definition, types });
  const names = [keyType, valueType].filter(name => name !== undefined).join(' → ');
  const sizes = `key ${definition.keySize}, value ${definition.valueSize}`;
  return `${mapTypeName(definition.type)}, ${names === '' ? sizes : names}`;
}

/** Of rings and event arrays the type of records. */
function typeNames({ definition, types }: Pick<EntryMap, 'definition' | 'types'>) {
  const record = types === undefined ? 0 : types.record;
  const { keyType, valueType } = definition;
  return mapTypesJson(
    types?.btf ?? null,
    record === 0 ? { keyType, valueType } : { keyType: 0, valueType: record },
  );
}

function countText(map: EntryMap): string {
  const { types, isSection, definition } = map;
  if (isSection) return types?.variables === undefined ? '' : counted(types.variables.length, 'variable');
  const count = countElements(map.map);
  if (count === undefined)
    return counted(definition.maxEntries, definition.type === BPF_MAP_TYPE_RINGBUF ? 'byte' : 'entry');
  return `${count} of ${counted(definition.maxEntries, 'element')}`;
}

function variableRows({ variables, maps }: EntryView): string[][] {
  const qualified = variables.some(({ name, variable }) => name !== variable);
  return maps.flatMap(map => {
    const own = variables.filter(variable => variable.in === map);
    const bytes = own.length === 0 ? new Uint8Array(0) : sectionBytes(map);
    return own.map(variable => [
      ...(qualified ? [variable.name] : []),
      `${declarationOf(variable)} = ${shortened(valueText(variableValue(variable, bytes)))}`,
    ]);
  });
}

function shortened(text: string): string {
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}…`;
}

/** As C declares it; the name alone where its type is not known. */
export function declarationOf({ in: map, variable, type }: EntryVariable): string {
  const { types } = map;
  return printable(
    types === undefined || type === 0 ? variable : formatDeclaration(types.btf, type, variable),
  );
}

// --- JSON ---------------------------------------------------------------------------------------------------------

export function viewJson(view: EntryView): Readonly<Record<string, unknown>> {
  const { entry, maps } = view;
  return {
    entry: entryOf(view),
    programs: entry.record.programs.map(({ name, id, type, tag }) => ({
      name,
      id,
      type: progTypeName(type),
      tag,
    })),
    maps: maps.map(mapFacts),
    variables: view.variables.map(variable => variableJson(variable, [])),
    notes: notesOn(view, maps),
  };
}

/** Which entry a document is about. */
export function entryOf({ entry }: EntryView): Readonly<Record<string, unknown>> {
  const { kind, name, generation, record } = entry;
  return { kind, name, source: record.source, generation };
}

/** Type, sizes and number of elements of a map. */
export function mapFacts(map: EntryMap): Readonly<Record<string, unknown>> {
  const { name, record, definition, types, isSection } = map;
  const { keyType, valueType } = typeNames({ definition, types });
  return {
    name,
    component: record.component,
    id: map.map.info().id,
    type: mapTypeName(definition.type),
    keySize: definition.keySize,
    valueSize: definition.valueSize,
    maxEntries: definition.maxEntries,
    elements: isSection ? null : (countElements(map.map) ?? null),
    keyType: keyType ?? null,
    valueType: valueType ?? null,
    types: types?.from ?? null,
    section: isSection,
  };
}

/** A map with its elements. */
export function mapJson(view: EntryView, map: EntryMap): Readonly<Record<string, unknown>> {
  const contents = mapContentsJson(formatContext(map), contentsOf(view, map));
  const shown = typeof contents === 'object' && contents !== null ? contents : {};
  return { ...shown, ...mapFacts(map) };
}

export function variableJson(
  variable: EntryVariable,
  path: readonly Step[],
): Readonly<Record<string, unknown>> {
  const { name, component, section, offset, size } = variable;
  return {
    name,
    component,
    section,
    declaration: declarationOf(variable),
    constant: isConstant(variable.in),
    offset,
    size,
    ...(path.length === 0 ? {} : { part: pathText(path) }),
    value: valueAt(variable, path),
  };
}

function valueAt(variable: EntryVariable, path: readonly Step[]): JsonValue {
  return valueJson(partOf(variable.name, variableValue(variable, sectionBytes(variable.in)), path));
}

/** `__u32 limit = 5`; of a part `cfg.limit = 5`. */
export function variableText(variable: EntryVariable, path: readonly Step[]): string {
  const whole = variableValue(variable, sectionBytes(variable.in));
  const name = path.length === 0 ? declarationOf(variable) : `${variable.name}${pathText(path)}`;
  return `${name} = ${valueText(partOf(variable.name, whole, path))}`;
}

/** What is not known of what is shown. */
export function notesOn(view: EntryView, maps: readonly EntryMap[]): string[] {
  const untyped = maps.filter(({ types, definition }) => types === undefined && definition.valueSize > 0);
  const names = untyped.map(({ name }) => name).join(', ');
  return [
    ...(names === '' ? [] : [`the types of ${names} are not known: keys and values are numbers or bytes`]),
    ...(view.typesHidden
      ? ['the types in the kernel can be read with CAP_SYS_ADMIN alone: those of the file are used']
      : []),
  ];
}

// --- elements -----------------------------------------------------------------------------------------------------

/** Key and value of an element; no key where the map has none. */
export function elementFacts(
  view: EntryView,
  map: EntryMap,
  key: Uint8Array,
  value: Uint8Array,
): Readonly<Record<string, unknown>> {
  const context = formatContext(map);
  return {
    ...given({ key: keyJson(context, map.definition, key) }),
    value: elementJson(context, contentsOf(view, map), value),
  };
}

export function changeJson(
  view: EntryView,
  map: EntryMap,
  { key, before, after }: ElementChange,
): Readonly<Record<string, unknown>> {
  const context = formatContext(map);
  const contents = contentsOf(view, map);
  const json = (value: Uint8Array | undefined): JsonValue =>
    value === undefined ? null : elementJson(context, contents, value);
  return {
    entry: entryOf(view),
    map: map.name,
    ...given({ key: keyJson(context, map.definition, key) }),
    before: json(before),
    after: json(after),
  };
}

/** What an element was, and what it is now. */
export function changeText(
  view: EntryView,
  map: EntryMap,
  { key, before, after }: ElementChange,
  dryRun: boolean,
): string[] {
  const context = formatContext(map);
  const contents = contentsOf(view, map);
  const lines = (value: Uint8Array | undefined, verb: string): string[] =>
    value === undefined
      ? []
      : elementLines(context, contents, key, value).map(text => `${verb} ${map.name}${joined(text)}`);
  const [was, is] = dryRun ? ['is', 'would be'] : ['was', 'is'];
  if (after === undefined) return lines(before, dryRun ? 'would delete' : 'deleted');
  return [...lines(before, was), ...lines(after, is)];
}

function joined(text: string): string {
  return text.startsWith('[') ? text : ` ${text}`;
}
