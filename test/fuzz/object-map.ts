/**
 * Where the fields of an object are, by kind: headers, symbols, relocations, instructions, types, records, strings and
 * contents. It is made once of each valid object; corruptions choose among its fields.
 */

import { parseBtf } from '../../src/btf/binary/parse.ts';
import { toRaw } from '../../src/btf/model/to-raw.ts';
import { type ByteOrder, viewOf } from '../../src/bytes/cursor.ts';
import { Elf64Ehdr, Elf64Shdr } from '../../src/elf/constants.ts';
import type { ElfFile, ElfSection } from '../../src/elf/model.ts';
import { parseElf } from '../../src/elf/parse.ts';

/** What the value of a field means, which decides what else it is tried with. */
export type Meaning =
  | 'number'
  | 'section'
  | 'symbol'
  | 'type'
  | 'elf-string'
  | 'btf-string'
  | 'info'
  | 'opcode'
  | 'registers'
  | 'byte';

export interface Field {
  readonly at: number;
  readonly width: number;
  readonly meaning: Meaning;
}

/** Records of one size, which can be copied over each other and added. */
export interface Table {
  readonly name: string;
  /** Section header, by number. */
  readonly section: number;
  readonly at: number;
  readonly stride: number;
  readonly count: number;
}

export type Group =
  | 'header'
  | 'symbols'
  | 'relocations'
  | 'code'
  | 'types'
  | 'records'
  | 'strings'
  | 'contents';

export class ObjectMap {
  readonly order: ByteOrder;
  readonly file: ElfFile;
  /** Offset of the section headers. */
  readonly headers: number;
  readonly fields: ReadonlyMap<Group, readonly Field[]>;
  readonly tables: readonly Table[];
  readonly btf: ElfSection | undefined;
  /** Offset in the file, size in bytes of each type, by id from 1. */
  readonly types: readonly { readonly at: number; readonly size: number }[];
  /** Of the strings of types, in the file. */
  readonly strings: { readonly at: number; readonly size: number };

  constructor(name: string, bytes: Uint8Array) {
    this.file = parseElf({ name, bytes });
    this.order = this.file.byteOrder;
    this.headers = Number(Elf64Ehdr.decode(viewOf(bytes), 0, this.order).e_shoff);
    this.btf = this.file.sections.find(section => section.name === '.BTF');
    const { types, strings } = this.#places(bytes);
    this.types = types;
    this.strings = strings;
    const tables: Table[] = [];
    const fields = new Map<Group, Field[]>();
    const add = (group: Group, list: readonly Field[]): void => {
      if (list.length > 0) fields.set(group, [...(fields.get(group) ?? []), ...list]);
    };
    add('header', headerFields(this.headers, this.file.sections.length));
    this.file.sections.forEach((section, index) => {
      for (const [group, list] of sectionFields(section)) add(group, list);
      const stride = STRIDES.get(section.type);
      if (stride !== undefined && section.size >= stride)
        tables.push({
          name: section.name,
          section: index,
          at: section.fileOffset,
          stride,
          count: section.size / stride,
        });
    });
    add(
      'types',
      types.flatMap(({ at, size }) => typeFields(bytes, at, size, this.order)),
    );
    add('records', this.#recordFields(bytes));
    this.fields = fields;
    this.tables = tables;
  }

  #places(bytes: Uint8Array): Pick<ObjectMap, 'types' | 'strings'> {
    const none = { types: [], strings: { at: 0, size: 0 } };
    const { btf } = this;
    if (btf === undefined || btf.size < 24) return none;
    const view = viewOf(bytes);
    const little = this.order === 'little';
    const word = (at: number): number => view.getUint32(btf.fileOffset + at, little);
    const body = btf.fileOffset + word(4);
    const { start, count } = toRaw(parseBtf(btf.bytes, this.order));
    const types = Array.from({ length: count }, (_, index) => {
      const [from = 0, to = 0] = [start[index + 1], start[index + 2]];
      return { at: body + word(8) + 4 * from, size: 4 * (to - from) };
    });
    return { types, strings: { at: body + word(16), size: word(20) } };
  }

  /** Words of `.BTF.ext`: the header, and three blocks of runs. */
  #recordFields(bytes: Uint8Array): Field[] {
    const ext = this.file.sections.find(section => section.name === '.BTF.ext');
    if (ext === undefined || ext.size < 24) return [];
    const view = viewOf(bytes);
    const little = this.order === 'little';
    const length = view.getUint32(ext.fileOffset + 4, little);
    const fields = words(ext.fileOffset + 4, Math.floor((length - 4) / 4), 'number');
    for (let block = 0; 8 + 8 * block < length; block++) {
      let at = ext.fileOffset + length + view.getUint32(ext.fileOffset + 8 + 8 * block, little);
      const end = at + view.getUint32(ext.fileOffset + 12 + 8 * block, little);
      if (end <= at) continue;
      const size = view.getUint32(at, little);
      fields.push({ at, width: 4, meaning: 'number' });
      for (at += 4; at + 8 <= end; ) {
        const count = view.getUint32(at + 4, little);
        fields.push({ at, width: 4, meaning: 'btf-string' }, { at: at + 4, width: 4, meaning: 'number' });
        at += 8;
        for (let left = count; left > 0 && at + size <= end; left--, at += size)
          for (const [index, meaning] of RECORD_WORDS[block]?.entries() ?? [])
            fields.push({ at: at + 4 * index, width: 4, meaning });
      }
    }
    return fields;
  }
}

const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_REL = 9;
const EXECUTABLE = 4;
const STRIDES: ReadonlyMap<number, number> = new Map([
  [SHT_SYMTAB, 24],
  [SHT_REL, 16],
]);

/** Functions, lines, CO-RE relocations. */
const RECORD_WORDS: readonly (readonly Meaning[])[] = [
  ['number', 'type'],
  ['number', 'btf-string', 'btf-string', 'number'],
  ['number', 'type', 'btf-string', 'number'],
];

function words(at: number, count: number, meaning: Meaning): Field[] {
  return Array.from({ length: count }, (_, index) => ({ at: at + 4 * index, width: 4, meaning }));
}

function headerFields(headers: number, sections: number): Field[] {
  const fields: Field[] = [
    [4, 1],
    [5, 1],
    [6, 1],
    [16, 2],
    [18, 2],
    [20, 4],
    [40, 8],
    [48, 4],
    [52, 2],
    [58, 2],
    [60, 2],
    [62, 2],
  ].map(([at = 0, width = 1]) => ({ at, width, meaning: 'number' }));
  for (let index = 0; index < sections; index++) {
    const at = headers + index * Elf64Shdr.size;
    for (const [offset, width, meaning] of SECTION_FIELDS) fields.push({ at: at + offset, width, meaning });
  }
  return fields;
}

const SECTION_FIELDS: readonly (readonly [number, number, Meaning])[] = [
  [0, 4, 'elf-string'],
  [4, 4, 'number'],
  [8, 8, 'number'],
  [24, 8, 'number'],
  [32, 8, 'number'],
  [40, 4, 'section'],
  [44, 4, 'section'],
  [48, 8, 'number'],
  [56, 8, 'number'],
];

const SYMBOL_FIELDS: readonly (readonly [number, number, Meaning])[] = [
  [0, 4, 'elf-string'],
  [4, 1, 'info'],
  [5, 1, 'info'],
  [6, 2, 'section'],
  [8, 8, 'number'],
  [16, 8, 'number'],
];

const RELOCATION_FIELDS: readonly (readonly [number, number, Meaning])[] = [
  [0, 8, 'number'],
  [8, 4, 'info'],
  [12, 4, 'symbol'],
];

const INSN_FIELDS: readonly (readonly [number, number, Meaning])[] = [
  [0, 1, 'opcode'],
  [1, 1, 'registers'],
  [2, 2, 'number'],
  [4, 4, 'number'],
];

function repeated(
  section: ElfSection,
  stride: number,
  shape: readonly (readonly [number, number, Meaning])[],
): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at + stride <= section.size; at += stride)
    for (const [offset, width, meaning] of shape)
      fields.push({ at: section.fileOffset + at + offset, width, meaning });
  return fields;
}

function sectionFields(section: ElfSection): readonly (readonly [Group, readonly Field[]])[] {
  const { type, flags, name, size, fileOffset } = section;
  if (type === SHT_SYMTAB) return [['symbols', repeated(section, 24, SYMBOL_FIELDS)]];
  if (type === SHT_REL) return [['relocations', repeated(section, 16, RELOCATION_FIELDS)]];
  if (type === SHT_STRTAB) return [['strings', bytesOf(fileOffset, size)]];
  if (type !== 1) return [];
  if ((flags & EXECUTABLE) !== 0) return [['code', repeated(section, 8, INSN_FIELDS)]];
  if (name.startsWith('.debug')) return [];
  return name.startsWith('.BTF') ? [] : [['contents', bytesOf(fileOffset, size)]];
}

function bytesOf(at: number, size: number): Field[] {
  return Array.from({ length: Math.min(size, 2048) }, (_, index) => ({
    at: at + index,
    width: 1,
    meaning: 'byte',
  }));
}

const KIND = {
  struct: 4,
  union: 5,
  enum: 6,
  prototype: 13,
  variable: 14,
  section: 15,
  tag: 17,
  enum64: 19,
  array: 3,
  int: 1,
};

/** Meanings of the words of an element, by kind. */
const ELEMENTS: ReadonlyMap<number, readonly Meaning[]> = new Map([
  [KIND.struct, ['btf-string', 'type', 'number']],
  [KIND.union, ['btf-string', 'type', 'number']],
  [KIND.enum, ['btf-string', 'number']],
  [KIND.prototype, ['btf-string', 'type']],
  [KIND.section, ['type', 'number', 'number']],
  [KIND.enum64, ['btf-string', 'number', 'number']],
  [KIND.array, ['type', 'type', 'number']],
  [KIND.int, ['number']],
  [KIND.variable, ['number']],
  [KIND.tag, ['number']],
]);
/** Kinds whose third word is a size. */
const SIZED = new Set([KIND.int, KIND.struct, KIND.union, KIND.enum, KIND.section, KIND.enum64, 16]);

function typeFields(bytes: Uint8Array, at: number, size: number, order: ByteOrder): Field[] {
  const kind = (viewOf(bytes).getUint32(at + 4, order === 'little') >>> 24) & 31;
  const fields: Field[] = [
    { at, width: 4, meaning: 'btf-string' },
    { at: at + 4, width: 4, meaning: 'info' },
    { at: at + 8, width: 4, meaning: SIZED.has(kind) ? 'number' : 'type' },
  ];
  const element = ELEMENTS.get(kind) ?? [];
  for (let place = at + 12; element.length > 0 && place < at + size; place += 4 * element.length)
    for (const [index, meaning] of element.entries())
      fields.push({ at: place + 4 * index, width: 4, meaning });
  return fields;
}
