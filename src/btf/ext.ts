/**
 * `.BTF.ext`: what the compiler knows about instructions. Function types, source lines and CO-RE relocations, each
 * with the byte offset of an instruction in a named section.
 *
 * Compatibility: records may be longer than we know (newer compilers) and the header shorter (before CO-RE). Written
 * records have the sizes that every loader since Linux 5.0 takes. CO-RE access paths are checked strictly: some
 * kernels trust them.
 */

import { type ByteOrder, ByteWriter, requireRange } from '../bytes/index.ts';
import { inputError, quote, within } from '../diag/index.ts';
import { joinBtf, wordsWithStrings } from './encode.ts';
import { BTF_MAGIC, BTF_VERSION, parseHeaderStart, requireMagic, requireZeros } from './header.ts';
import type { RawBtf } from './raw.ts';
import { StringPool } from './string-pool.ts';
import { toRaw } from './to-raw.ts';
import type { Btf, BtfId } from './types.ts';
import { BTF_KIND } from './types.ts';

/** The function that starts at `byteOffset` of the section. */
export interface FuncInfo {
  readonly section: string;
  readonly byteOffset: number;
  /** FUNC type. */
  readonly type: BtfId;
}

export interface LineInfo {
  readonly section: string;
  readonly byteOffset: number;
  readonly file: string;
  /** Source text of the line as the compiler recorded it. */
  readonly text: string;
  /** From 1; 22 bits. */
  readonly line: number;
  /** From 1; 10 bits. */
  readonly column: number;
}

export interface CoreRelo {
  readonly section: string;
  readonly byteOffset: number;
  readonly type: BtfId;
  /** Indexes from `type` inwards, such as `0:1:2`. */
  readonly access: string;
  /** enum bpf_core_relo_kind, 0 to 12. */
  readonly kind: number;
}

/** All records, in file order. */
export interface BtfExt {
  readonly funcs: readonly FuncInfo[];
  readonly lines: readonly LineInfo[];
  readonly core: readonly CoreRelo[];
}

const FUNC_INFO_SIZE = 8;
const LINE_INFO_SIZE = 16;
const CORE_RELO_SIZE = 16;
/** Header up to and including line_info; the CO-RE block came later. */
const HEADER_WITHOUT_CORE = 24;
const HEADER_SIZE = 32;
const INSN_SIZE = 8;
/** enum bpf_core_relo_kind ends with BPF_CORE_TYPE_MATCHES. */
const LAST_CORE_KIND = 12;
/** BPF_CORE_SPEC_MAX_LEN of kernel and libbpf. */
const MAX_ACCESS_DEPTH = 64;
const MAX_LINE = 0x3fffff;
const MAX_COLUMN = 0x3ff;

/** One record of any block, before it is given a meaning. */
interface RawRecord {
  readonly section: string;
  /** Offset of the record in `.BTF.ext`. */
  readonly at: number;
  readonly byteOffset: number;
}

interface ExtReader {
  readonly view: DataView;
  readonly little: boolean;
  readonly btf: RawBtf;
  readonly headerLength: number;
}

/** Records of a `.BTF.ext` section whose strings and types are `btf`. Places start with `section ".BTF.ext"`. */
export function parseBtfExt(bytes: Uint8Array, order: ByteOrder, btf: Btf): BtfExt {
  return within('section ".BTF.ext"', () => {
    const view = requireMagic(bytes, order);
    const headerLength = parseHeaderStart(bytes, view, order);
    requireZeros(bytes, HEADER_SIZE, headerLength);
    const reader: ExtReader = { view, little: order === 'little', btf: toRaw(btf), headerLength };
    const core = headerLength >= HEADER_SIZE;
    return {
      funcs: within('func_info', () =>
        readBlock(reader, 8, FUNC_INFO_SIZE).map(record => funcInfo(reader, record)),
      ),
      lines: within('line_info', () =>
        readBlock(reader, 16, LINE_INFO_SIZE).map(record => lineInfo(reader, record)),
      ),
      core: within('core_relo', () =>
        core
          ? readBlock(reader, HEADER_WITHOUT_CORE, CORE_RELO_SIZE).map(record => coreRelo(reader, record))
          : [],
      ),
    };
  });
}

function u32At(reader: ExtReader, at: number): number {
  return reader.view.getUint32(at, reader.little);
}

/** All records of the block whose offset and length are at `field` of the header. */
function readBlock(reader: ExtReader, field: number, minimumSize: number): RawRecord[] {
  const length = u32At(reader, field + 4);
  if (length === 0) return [];
  const start = reader.headerLength + u32At(reader, field);
  requireRange(reader.view.byteLength, start, length, 'block');
  if (length < 4) throw extError('btf-ext-truncated', 'block ends inside its record size', start);
  const recordSize = u32At(reader, start);
  if (recordSize < minimumSize || recordSize % 4 !== 0) {
    const message = `record size ${recordSize} is not a multiple of 4 from ${minimumSize} on`;
    throw extError('btf-ext-record-size', message, start);
  }
  const records: RawRecord[] = [];
  const end = start + length;
  for (let at = start + 4; at < end; ) at = readSection(reader, at, end, recordSize, records);
  return records;
}

function readSection(
  reader: ExtReader,
  at: number,
  end: number,
  recordSize: number,
  records: RawRecord[],
): number {
  if (end - at < 8) throw extError('btf-ext-truncated', 'block ends inside a section header', at);
  const section = stringAt(reader, at);
  const count = u32At(reader, at + 4);
  const first = at + 8;
  if (count > Math.floor((end - first) / recordSize)) {
    const message = `${count} records of ${recordSize} bytes do not fit in the ${end - first} bytes that are left`;
    throw extError('btf-ext-truncated', message, at);
  }
  for (let i = 0; i < count; i++) {
    const record = first + i * recordSize;
    const byteOffset = u32At(reader, record);
    if (byteOffset % INSN_SIZE !== 0) {
      const message = `${byteOffset} in section ${quote(section)} is not the offset of an instruction`;
      throw extError('btf-ext-insn-offset', message, record);
    }
    records.push({ section, at: record, byteOffset });
  }
  return first + count * recordSize;
}

function stringAt(reader: ExtReader, at: number): string {
  const offset = u32At(reader, at);
  if (offset < reader.btf.strings.length) return reader.btf.string(offset);
  const size = reader.btf.strings.length;
  throw extError('btf-string-offset', `string at ${offset} is outside the ${size} bytes of strings`, at);
}

function funcInfo(reader: ExtReader, record: RawRecord): FuncInfo {
  const type = typeAt(reader, record.at + 4);
  if (reader.btf.kindOf(type) !== BTF_KIND.FUNC) {
    throw extError('btf-ext-func-type', `type ${type} is not a function`, record.at);
  }
  return { section: record.section, byteOffset: record.byteOffset, type };
}

function typeAt(reader: ExtReader, at: number): BtfId {
  const type = u32At(reader, at);
  if (type >= 1 && type <= reader.btf.count) return type;
  throw extError('btf-type-id', `refers to type ${type}; ids run from 1 to ${reader.btf.count}`, at);
}

function lineInfo(reader: ExtReader, { section, byteOffset, at }: RawRecord): LineInfo {
  const place = u32At(reader, at + 12);
  const file = stringAt(reader, at + 4);
  const text = stringAt(reader, at + 8);
  return { section, byteOffset, file, text, line: place >>> 10, column: place & MAX_COLUMN };
}

function coreRelo(reader: ExtReader, { section, byteOffset, at }: RawRecord): CoreRelo {
  const type = typeAt(reader, at + 4);
  const access = stringAt(reader, at + 8);
  const kind = u32At(reader, at + 12);
  if (kind > LAST_CORE_KIND)
    throw extError('btf-core-kind', `CO-RE relocation kind ${kind} is not known`, at);
  if (!isAccessPath(access)) {
    const message = `access ${quote(access)} is not 1 to ${MAX_ACCESS_DEPTH} numbers with colons between`;
    throw extError('btf-core-access', message, at);
  }
  return { section, byteOffset, type, access, kind };
}

/** Decimal numbers of up to 9 digits, at most `MAX_ACCESS_DEPTH`, with single colons between. */
function isAccessPath(access: string): boolean {
  const parts = access.length > MAX_ACCESS_DEPTH * 10 ? [] : access.split(':');
  return parts.length >= 1 && parts.length <= MAX_ACCESS_DEPTH && parts.every(isIndex);
}

function isIndex(part: string): boolean {
  if (part.length === 0 || part.length > 9) return false;
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

function extError(code: string, message: string, offset: number): ReturnType<typeof inputError> {
  return inputError(code, [], message, { offset });
}

// --- encode -------------------------------------------------------------------------------------------------------

/**
 * `.BTF` and `.BTF.ext`, which share the strings of the former; `ext` is null when there is no record. Records are
 * grouped by section in the order in which sections appear, and ordered by offset in it.
 */
export function encodeBtfWithExt(
  btf: Btf,
  ext: BtfExt,
  order: ByteOrder,
): { readonly btf: Uint8Array; readonly ext: Uint8Array | null } {
  const strings = new StringPool();
  const words = wordsWithStrings(btf, strings);
  const blocks = [
    encodeBlock(ext.funcs, FUNC_INFO_SIZE, strings, order, (writer, info) => writer.u32(info.type)),
    encodeBlock(ext.lines, LINE_INFO_SIZE, strings, order, (writer, info) => {
      writer.u32(strings.add(info.file));
      writer.u32(strings.add(info.text));
      writer.u32(Math.min(info.line, MAX_LINE) * 1024 + Math.min(info.column, MAX_COLUMN));
    }),
    encodeBlock(ext.core, CORE_RELO_SIZE, strings, order, (writer, relo) => {
      writer.u32(relo.type);
      writer.u32(strings.add(relo.access));
      writer.u32(relo.kind);
    }),
  ];
  const empty = blocks.every(block => block.length === 0);
  return { btf: joinBtf(words, strings, order), ext: empty ? null : joinExt(blocks, order) };
}

function encodeBlock<T extends { readonly section: string; readonly byteOffset: number }>(
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

function groupBySection<T extends { readonly section: string; readonly byteOffset: number }>(
  records: readonly T[],
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const record of records) {
    const group = groups.get(record.section);
    if (group === undefined) groups.set(record.section, [record]);
    else group.push(record);
  }
  for (const group of groups.values()) group.sort((a, b) => a.byteOffset - b.byteOffset);
  return groups;
}

function joinExt(blocks: readonly Uint8Array[], order: ByteOrder): Uint8Array {
  const writer = new ByteWriter(order, HEADER_SIZE + blocks.reduce((sum, block) => sum + block.length, 0));
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
  for (const block of blocks) writer.bytes(block);
  return writer.finish();
}
