/** Corruptions of objects that keep their structure: fields, records, tables, whole sections. */

import { viewOf } from '../../src/bytes/cursor.ts';
import { Elf64Shdr } from '../../src/elf/constants.ts';
import type { SeededRandom } from '../hostile/random.ts';
import { type Edit, endOf, joined } from './edits.ts';
import type { Field, Group, Meaning, ObjectMap, Table } from './object-map.ts';
import type { SeedObject } from './seeds.ts';

/** Where corruptions are, and how often. */
const WEIGHTS: readonly (readonly [Group, number])[] = [
  ['types', 22],
  ['code', 18],
  ['symbols', 14],
  ['relocations', 12],
  ['records', 12],
  ['header', 8],
  ['strings', 5],
  ['contents', 4],
];
const TOTAL = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

/** Changes of an object. `donor` gives sections to it. */
export function corruptObject(random: SeededRandom, victim: SeedObject, donor: SeedObject): Edit[] {
  const edits: Edit[] = [];
  let size = victim.bytes.length;
  for (let count = 1 + random.below(3); count > 0; count--) {
    const added = oneCorruption(random, victim, donor, size);
    for (const edit of added) if (edit.kind === 'append') size = endOf(size) + edit.bytes.length;
    edits.push(...added);
  }
  return edits;
}

function oneCorruption(random: SeededRandom, victim: SeedObject, donor: SeedObject, size: number): Edit[] {
  switch (random.below(20)) {
    case 0:
      return copyRecord(random, victim.map);
    case 1:
      return growTable(random, victim, size);
    case 2:
      return growTypes(random, victim, donor, size);
    case 3:
      return takeSection(random, victim, donor, size);
    case 4:
      return random.below(8) === 0
        ? [{ kind: 'delete', at: random.below(victim.bytes.length), size: victim.bytes.length }]
        : growStrings(random, victim, size);
    default:
      return [breakField(random, victim)];
  }
}

function groupOf(random: SeededRandom, map: ObjectMap): readonly Field[] {
  let left = random.below(TOTAL);
  for (const [group, weight] of WEIGHTS) {
    if (left < weight) return map.fields.get(group) ?? map.fields.get('header') ?? [];
    left -= weight;
  }
  return [];
}

export function breakField(random: SeededRandom, { bytes, map }: SeedObject): Edit {
  const field = random.pick(groupOf(random, map));
  const little = map.order === 'little';
  const now = readNumber(bytes, field.at, field.width, little);
  const value = valueFor(random, map, bytes, field, now);
  return { kind: 'set', at: field.at, bytes: numberBytes(value, field.width, little) };
}

const EDGES: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xff00n,
  0xfff1n,
  0xfff2n,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xfffffff8n,
  0xffffffffn,
  0x1fffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffb8n,
];

function valueFor(
  random: SeededRandom,
  map: ObjectMap,
  bytes: Uint8Array,
  field: Field,
  now: bigint,
): bigint {
  if (random.below(3) > 0) {
    const own = meantValue(random, map, field.meaning, now);
    if (own !== undefined) return own;
  }
  switch (random.below(6)) {
    case 0:
      return now + BigInt(random.pick([1, -1, 4, -4, 8, -8, 16, 24]));
    case 1:
      return now ^ (1n << BigInt(random.below(field.width * 8)));
    case 2:
      return random.pick(EDGES);
    case 3:
      return BigInt(random.below(64));
    case 4:
      return readNumber(bytes, random.below(bytes.length - field.width), field.width, map.order === 'little');
    default:
      return BigInt(random.next());
  }
}

const OPCODES = [
  0x18, 0x85, 0x05, 0x06, 0x15, 0x16, 0x95, 0x8d, 0x0d, 0x00, 0x61, 0x7b, 0xb7, 0xdb, 0xe5, 0xd4, 0xdc,
];
const INFOS = [0, 1, 2, 3, 4, 5, 6, 10, 0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x22, 0x30];

/** Another value of the same meaning; undefined where that is any number. */
function meantValue(random: SeededRandom, map: ObjectMap, meaning: Meaning, now: bigint): bigint | undefined {
  switch (meaning) {
    case 'section':
      return BigInt(random.below(map.file.sections.length + 1));
    case 'symbol':
      return BigInt(random.below(map.file.symbols.length + 1));
    case 'type':
      return BigInt(random.below(map.types.length + 2));
    case 'elf-string':
      return BigInt(random.below(256));
    case 'btf-string':
      return BigInt(random.below(Math.max(map.strings.size, 1)));
    case 'info':
      return random.below(2) === 0
        ? BigInt(random.pick(INFOS))
        : (now & ~0x1f00_0000n) | (BigInt(random.below(22)) << 24n);
    case 'opcode':
      return BigInt(random.pick(OPCODES));
    case 'registers':
      return BigInt(random.pick([0, 0x01, 0x10, 0x11, 0x20, 0x21, 0x30, 0xa1, 0xff]));
    default:
      return undefined;
  }
}

/** A record becomes a copy of another. */
function copyRecord(random: SeededRandom, map: ObjectMap): Edit[] {
  if (map.tables.length === 0 || random.below(3) === 0) return copyType(random, map);
  const { at, stride, count } = random.pick(map.tables);
  return [
    {
      kind: 'copy',
      from: at + stride * random.below(count),
      to: at + stride * random.below(count),
      size: stride,
    },
  ];
}

function copyType(random: SeededRandom, { types }: ObjectMap): Edit[] {
  if (types.length === 0) return [];
  const to = random.pick(types);
  const from = random.pick(types);
  return [{ kind: 'copy', from: from.at, to: to.at, size: Math.min(from.size, to.size) }];
}

/** A section with other contents, which are added at the end of the file. */
function replaceSection(map: ObjectMap, section: number, contents: Uint8Array, size: number): Edit[] {
  const header = map.headers + section * Elf64Shdr.size;
  const little = map.order === 'little';
  return [
    { kind: 'append', bytes: contents },
    { kind: 'set', at: header + 24, bytes: numberBytes(BigInt(endOf(size)), 8, little) },
    { kind: 'set', at: header + 32, bytes: numberBytes(BigInt(contents.length), 8, little) },
  ];
}

/** More symbols or relocations, like those that there are. */
function growTable(random: SeededRandom, victim: SeedObject, size: number): Edit[] {
  const { map, bytes } = victim;
  if (map.tables.length === 0) return [breakField(random, victim)];
  const table = random.pick(map.tables);
  const parts = [bytes.subarray(table.at, table.at + table.stride * table.count)];
  for (let count = 1 + random.below(4); count > 0; count--) parts.push(likeRecord(random, victim, table));
  return replaceSection(map, table.section, joined(...parts), size);
}

function likeRecord(random: SeededRandom, { bytes, map }: SeedObject, table: Table): Uint8Array {
  const from = table.at + table.stride * random.below(table.count);
  const record = bytes.slice(from, from + table.stride);
  const [at = 0, width = 1] = random.pick(table.stride === 24 ? SYMBOL_PARTS : RELOCATION_PARTS);
  const value = random.below(2) === 0 ? BigInt(random.below(64)) : random.pick(EDGES);
  record.set(numberBytes(value, width, map.order === 'little'), at);
  return record;
}

const SYMBOL_PARTS = [[0, 4], [4, 1], [5, 1], [6, 2], [8, 8], [16, 8]]; // biome-ignore format: fields
const RELOCATION_PARTS = [[0, 8], [8, 4], [12, 4]]; // biome-ignore format: fields

/** More types: copies of types of this object or of another. */
function growTypes(random: SeededRandom, victim: SeedObject, donor: SeedObject, size: number): Edit[] {
  const from = random.below(2) === 0 || donor.map.order !== victim.map.order ? victim : donor;
  if (from.map.types.length === 0 || victim.map.btf === undefined) return [breakField(random, victim)];
  const more = Array.from({ length: 1 + random.below(4) }, () => {
    const { at, size: length } = random.pick(from.map.types);
    return from.bytes.subarray(at, at + length);
  });
  return changedBtf(victim, size, joined(...more), new Uint8Array(0));
}

const TEXTS = [
  '0:0:0:0:0:0:0:0',
  '99999999999:1',
  '0:-1',
  ':',
  '.maps',
  'license',
  '__proto__',
  'é\u0080',
  '\u001b[31m',
  '.text',
];

/** More strings of types, and a record or name that uses one. */
function growStrings(random: SeededRandom, victim: SeedObject, size: number): Edit[] {
  const { map } = victim;
  const named = [...(map.fields.get('records') ?? []), ...(map.fields.get('types') ?? [])].filter(
    field => field.meaning === 'btf-string',
  );
  if (map.btf === undefined || named.length === 0) return [breakField(random, victim)];
  const text = random.below(6) === 0 ? 'x'.repeat(1 + random.below(3000)) : random.pick(TEXTS);
  const value = numberBytes(
    BigInt(map.strings.size + random.below(2) * random.below(text.length)),
    4,
    map.order === 'little',
  );
  const field = random.pick(named);
  return [
    { kind: 'set', at: field.at, bytes: value },
    ...changedBtf(victim, size, new Uint8Array(0), Buffer.from(`${text}\0`)),
  ];
}

/** `.BTF` with more types and strings, after those that there are. */
function changedBtf(
  { bytes, map }: SeedObject,
  size: number,
  types: Uint8Array,
  strings: Uint8Array,
): Edit[] {
  const { btf } = map;
  const section = btf === undefined ? -1 : map.file.sections.indexOf(btf);
  if (btf === undefined || section < 0) return [];
  const little = map.order === 'little';
  const header = bytes.slice(btf.fileOffset, btf.fileOffset + 24);
  const view = viewOf(header);
  const typeSize = view.getUint32(12, little);
  view.setUint32(12, typeSize + types.length, little);
  view.setUint32(16, typeSize + types.length, little);
  view.setUint32(20, map.strings.size + strings.length, little);
  const body = btf.fileOffset + 24;
  const text = bytes.subarray(map.strings.at, map.strings.at + map.strings.size);
  const contents = joined(header, bytes.subarray(body, body + typeSize), types, text, strings);
  return replaceSection(map, section, contents, size);
}

/** The contents of a section of another object in place of one of the same name, or of any. */
function takeSection(random: SeededRandom, victim: SeedObject, donor: SeedObject, size: number): Edit[] {
  const theirs = donor.map.file.sections.filter(section => section.size > 0 && section.bytes !== undefined);
  if (theirs.length === 0) return [breakField(random, victim)];
  const given = random.pick(theirs);
  const same = victim.map.file.sections.findIndex(section => section.name === given.name);
  const section = same >= 0 && random.below(8) > 0 ? same : random.below(victim.map.file.sections.length);
  const contents = donor.bytes.slice(given.fileOffset, given.fileOffset + given.size);
  return replaceSection(victim.map, section, contents, size);
}

function readNumber(bytes: Uint8Array, at: number, width: number, little: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < width; i++)
    value = (value << 8n) | BigInt(bytes[at + (little ? width - 1 - i : i)] ?? 0);
  return value;
}

function numberBytes(value: bigint, width: number, little: boolean): Uint8Array {
  const bytes = new Uint8Array(width);
  for (let i = 0; i < width; i++)
    bytes[little ? i : width - 1 - i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

/** Changes of a file without known structure: bytes, words, pieces. */
export function corruptBytes(random: SeededRandom, bytes: Uint8Array): Edit[] {
  return Array.from({ length: 1 + random.below(4) }, (): Edit => {
    const at = random.below(Math.max(bytes.length, 1));
    switch (random.below(6)) {
      case 0:
        return { kind: 'delete', at, size: 1 + random.below(64) };
      case 1:
        return { kind: 'insert', at, bytes: bytes.slice(at, at + 1 + random.below(64)) };
      case 2:
        return { kind: 'copy', from: at, to: random.below(bytes.length), size: 1 + random.below(64) };
      case 3: {
        const word = at & ~3;
        return { kind: 'set', at: word, bytes: numberBytes(random.pick(EDGES), 4, random.below(2) === 0) };
      }
      case 4:
        return {
          kind: 'set',
          at,
          bytes: Buffer.from(random.pick(['0', '9', '/', '`', '\n', ' ', '-', '~'])),
        };
      default:
        return { kind: 'set', at, bytes: Uint8Array.of(random.below(256)) };
    }
  });
}
