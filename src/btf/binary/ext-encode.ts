/**
 * `.BTF.ext` bytes, and the `.BTF` that it shares its strings with. Records have the sizes that every loader
 * since Linux 5.0 accepts.
 */

import { type ByteOrder, ByteWriter, bytesOf, type Contents, noElement } from '../../bytes/index.ts';
import { BTF_MAGIC, BTF_VERSION, CORE_RELO_SIZE, FUNC_INFO_SIZE, INSN_SIZE } from '../../uapi/index.ts';
import { type Btf, StringMapper, StringPool, toRaw } from '../model/index.ts';
import { btfContents, wordsWithStrings } from './encode.ts';
import type { BtfExt, SectionLines } from './ext.ts';
import { LINE_WORDS, PackedLines, placeWord } from './lines.ts';
import { wordsIntoBytes } from './word-bytes.ts';

const HEADER_SIZE = 32;

/**
 * `.BTF` and `.BTF.ext`, which share the strings of the former; `ext` is null when there is no record.
 * Records are grouped by section in the order in which sections appear, and ordered by offset in it.
 */
export function encodeBtfWithExt(
  btf: Btf,
  ext: BtfExt,
  order: ByteOrder,
): { readonly btf: Uint8Array; readonly ext: Uint8Array | null } {
  const contents = btfWithExtContents(btf, ext, order);
  return { btf: bytesOf(contents.btf), ext: contents.ext === null ? null : bytesOf(contents.ext) };
}

/** The same, to be written where it will be. */
export function btfWithExtContents(
  btf: Btf,
  ext: BtfExt,
  order: ByteOrder,
): { readonly btf: Contents; readonly ext: Contents | null } {
  const raw = toRaw(btf);
  const strings = new StringPool(raw.strings.length);
  const words = wordsWithStrings(raw, strings);
  const blocks = [
    encodeBlock(ext.funcs, FUNC_INFO_SIZE, strings, order, (writer, info) => writer.u32(info.type)),
    encodeLines(ext.lines, strings, order),
    encodeBlock(ext.core, CORE_RELO_SIZE, strings, order, (writer, relo) => {
      writer.u32(relo.type);
      writer.u32(strings.add(relo.access));
      writer.u32(relo.kind);
    }),
  ];
  const empty = blocks.every(block => block.length === 0);
  return { btf: btfContents(words, strings, order), ext: empty ? null : extContents(blocks, order) };
}

interface Placed {
  readonly section: string;
  readonly byteOffset: number;
}

function encodeBlock<T extends Placed>(
  records: readonly T[],
  recordSize: number,
  strings: StringPool,
  order: ByteOrder,
  write: (writer: ByteWriter, record: T) => void,
): Uint8Array {
  const writer = new ByteWriter(order, records.length * recordSize + 64);
  if (records.length === 0) return writer.finish();
  writer.u32(recordSize);
  for (const [section, members] of groupBySection(records)) {
    writer.u32(strings.add(section));
    writer.u32(members.length);
    for (const record of members) {
      writer.u32(record.byteOffset);
      write(writer, record);
    }
  }
  return writer.finish();
}

function groupBySection<T extends Placed>(records: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const record of records) {
    const group = groups.get(record.section);
    if (group === undefined) groups.set(record.section, [record]);
    else group.push(record);
  }
  for (const group of groups.values()) group.sort((a, b) => a.byteOffset - b.byteOffset);
  return groups;
}

// --- lines --------------------------------------------------------------------------------------------------------

function encodeLines(all: readonly SectionLines[], strings: StringPool, order: ByteOrder): Uint8Array {
  const groups = groupBySection(all.filter(part => part.lines.length > 0));
  const total = all.reduce((sum, part) => sum + part.lines.length, 0);
  if (total === 0) return new Uint8Array(0);
  const writer = new LineWriter(1 + groups.size * 2 + total * LINE_WORDS, strings);
  for (const [section, parts] of groups) writer.section(section, parts);
  return wordsIntoBytes(writer.words, order);
}

class LineWriter {
  readonly words: Uint32Array;
  readonly #strings: StringPool;
  readonly #mapper: StringMapper;
  #at = 0;

  constructor(wordCount: number, strings: StringPool) {
    this.words = new Uint32Array(wordCount);
    this.#strings = strings;
    this.#mapper = new StringMapper(strings, new Uint8Array(0));
    this.#push(LINE_WORDS * 4);
  }

  section(name: string, parts: readonly SectionLines[]): void {
    this.#push(this.#strings.add(name));
    this.#push(parts.reduce((sum, part) => sum + part.lines.length, 0));
    for (const part of parts) {
      if (part.lines instanceof PackedLines) this.#packed(part.byteOffset, part.lines);
      else this.#records(part);
    }
  }

  #packed(byteOffset: number, lines: PackedLines): void {
    this.#mapper.use(lines.strings);
    const { words } = lines;
    const end = lines.first + lines.length * LINE_WORDS;
    for (let from = lines.first; from < end; from += LINE_WORDS) {
      this.#push((words[from] ?? noElement(words, from)) - lines.byteOffset + byteOffset);
      this.#push(this.#mapper.map(words[from + 1] ?? noElement(words, from + 1)));
      this.#push(this.#mapper.map(words[from + 2] ?? noElement(words, from + 2)));
      this.#push(words[from + 3] ?? noElement(words, from + 3));
    }
  }

  #records(part: SectionLines): void {
    for (const { insnIndex, file, text, line, column } of part.lines) {
      this.#push(part.byteOffset + insnIndex * INSN_SIZE);
      this.#push(this.#strings.add(file));
      this.#push(this.#strings.add(text));
      this.#push(placeWord(line, column));
    }
  }

  #push(word: number): void {
    this.words[this.#at++] = word;
  }
}

// --- the section --------------------------------------------------------------------------------------------------

function extContents(blocks: readonly Uint8Array[], order: ByteOrder): Contents {
  return {
    length: HEADER_SIZE + blocks.reduce((sum, block) => sum + block.length, 0),
    writeTo(bytes) {
      bytes.set(extHeader(blocks, order));
      let at = HEADER_SIZE;
      for (const block of blocks) {
        bytes.set(block, at);
        at += block.length;
      }
    },
  };
}

function extHeader(blocks: readonly Uint8Array[], order: ByteOrder): Uint8Array {
  const writer = new ByteWriter(order, HEADER_SIZE);
  writer.u16(BTF_MAGIC);
  writer.u8(BTF_VERSION);
  writer.u8(0);
  writer.u32(HEADER_SIZE);
  let offset = 0;
  for (const block of blocks) {
    writer.u32(offset);
    writer.u32(block.length);
    offset += block.length;
  }
  return writer.finish();
}
