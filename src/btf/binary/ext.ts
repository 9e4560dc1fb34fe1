/**
 * `.BTF.ext`: what the compiler knows about instructions. Function types, source lines and CO-RE relocations,
 * each with the byte offset of an instruction in a named section.
 *
 * Compatibility: records may be longer than known (newer compilers) and the header shorter (before CO-RE).
 * CO-RE access paths are checked strictly: some kernels trust them.
 */

import { type ByteOrder, requireRange } from '../../bytes/index.ts';
import { type CodeOf, inputError, quote, within } from '../../diag/index.ts';
import { BTF_KIND, CORE_RELO_SIZE, FUNC_INFO_SIZE, INSN_SIZE, LINE_INFO_SIZE } from '../../uapi/index.ts';
import { type Btf, type BtfId, type RawBtf, toRaw } from '../model/index.ts';
import { parseHeaderStart, requireMagic, requireZeros } from './header.ts';
import { LINE_WORDS, type LineRecords, PackedLines, sortedByOffset } from './lines.ts';

/** The function that starts at `byteOffset` of the section. */
export interface FuncInfo {
  readonly section: string;
  readonly byteOffset: number;
  /** FUNC type. */
  readonly type: BtfId;
}

/** Lines of a section, or of a part of it. */
export interface SectionLines {
  readonly section: string;
  /** Where the instruction with index 0 is in the section. */
  readonly byteOffset: number;
  readonly lines: LineRecords;
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

/** All records; functions and relocations in file order. */
export interface BtfExt {
  readonly funcs: readonly FuncInfo[];
  readonly lines: readonly SectionLines[];
  readonly core: readonly CoreRelo[];
}

/** Records as they were read: one list of lines for each section. */
export interface ParsedExt extends BtfExt {
  readonly lines: readonly (SectionLines & { readonly lines: PackedLines })[];
}

/** Header up to and including line_info; the CO-RE block came later. */
const HEADER_WITHOUT_CORE = 24;
const HEADER_SIZE = 32;
/** enum bpf_core_relo_kind ends with BPF_CORE_TYPE_MATCHES. */
const LAST_CORE_KIND = 12;
/** BPF_CORE_SPEC_MAX_LEN of kernel and libbpf. */
const MAX_ACCESS_DEPTH = 64;

/** The records of one section in one block. */
interface RecordRun {
  readonly section: string;
  /** Offset of the first record in `.BTF.ext`. */
  readonly at: number;
  readonly count: number;
  readonly recordSize: number;
}

interface ExtReader {
  readonly view: DataView;
  readonly little: boolean;
  readonly btf: RawBtf;
  readonly headerLength: number;
}

/**
 * Records of a `.BTF.ext` section whose strings and types are `btf`. Places start with `section ".BTF.ext"`.
 */
export function parseBtfExt(bytes: Uint8Array, order: ByteOrder, btf: Btf): ParsedExt {
  return within('section ".BTF.ext"', () => {
    const view = requireMagic(bytes, order);
    const headerLength = parseHeaderStart(bytes, view, order);
    requireWhole(headerLength);
    requireZeros(bytes, HEADER_SIZE, headerLength);
    const reader: ExtReader = { view, little: order === 'little', btf: toRaw(btf), headerLength };
    const core = headerLength >= HEADER_SIZE;
    return {
      funcs: within('func_info', () =>
        readRecords(reader, readRuns(reader, 8, FUNC_INFO_SIZE), (at, place) => funcInfo(reader, at, place)),
      ),
      lines: within('line_info', () => readLines(reader, readRuns(reader, 16, LINE_INFO_SIZE))),
      core: within('core_relo', () =>
        core
          ? readRecords(reader, readRuns(reader, HEADER_WITHOUT_CORE, CORE_RELO_SIZE), (at, place) =>
              coreRelo(reader, at, place),
            )
          : [],
      ),
    };
  });
}

function requireWhole(headerLength: number): void {
  if (headerLength % 4 === 0) return;
  throw inputError('btf-header', [], `header length ${headerLength} is not a multiple of 4`, { offset: 4 });
}

function u32At(reader: ExtReader, at: number): number {
  return reader.view.getUint32(at, reader.little);
}

/** All records of the block whose offset and length are at `field` of the header. */
function readRuns(reader: ExtReader, field: number, minimumSize: number): RecordRun[] {
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
  const runs: RecordRun[] = [];
  const end = start + length;
  for (let at = start + 4; at < end; ) {
    const run = readRun(reader, at, end, recordSize);
    runs.push(run);
    at = run.at + run.count * recordSize;
  }
  return runs;
}

function readRun(reader: ExtReader, at: number, end: number, recordSize: number): RecordRun {
  if (end - at < 8) throw extError('btf-ext-truncated', 'block ends inside a section header', at);
  const section = stringAt(reader, at);
  const count = u32At(reader, at + 4);
  const first = at + 8;
  if (count > Math.floor((end - first) / recordSize)) {
    const message = `${count} records of ${recordSize} bytes do not fit in the ${end - first} bytes that are left`;
    throw extError('btf-ext-truncated', message, at);
  }
  return { section, at: first, count, recordSize };
}

/** What every record starts with. */
interface RecordPlace {
  readonly section: string;
  readonly byteOffset: number;
}

function readRecords<T>(
  reader: ExtReader,
  runs: readonly RecordRun[],
  read: (at: number, place: RecordPlace) => T,
): T[] {
  const records: T[] = [];
  for (const { section, at: first, count, recordSize } of runs) {
    for (let i = 0; i < count; i++) {
      const at = first + i * recordSize;
      records.push(read(at, { section, byteOffset: insnOffset(reader, at, section) }));
    }
  }
  return records;
}

function insnOffset(reader: ExtReader, at: number, section: string): number {
  const byteOffset = u32At(reader, at);
  if (byteOffset % INSN_SIZE === 0) return byteOffset;
  const message = `${byteOffset} in section ${quote(section)} is not the offset of an instruction`;
  throw extError('btf-ext-insn-offset', message, at);
}

function stringAt(reader: ExtReader, at: number): string {
  return reader.btf.string(stringOffsetAt(reader, at));
}

function stringOffsetAt(reader: ExtReader, at: number): number {
  const offset = u32At(reader, at);
  const size = reader.btf.strings.length;
  if (offset < size) return offset;
  throw extError('btf-string-offset', `string at ${offset} is outside the ${size} bytes of strings`, at);
}

function funcInfo(reader: ExtReader, at: number, place: RecordPlace): FuncInfo {
  const type = typeAt(reader, at + 4);
  if (reader.btf.kindOf(type) !== BTF_KIND.FUNC) {
    throw extError('btf-ext-func-type', `type ${type} is not a function`, at);
  }
  return { section: place.section, byteOffset: place.byteOffset, type };
}

function typeAt(reader: ExtReader, at: number): BtfId {
  const type = u32At(reader, at);
  if (type >= 1 && type <= reader.btf.count) return type;
  throw extError('btf-type-id', `refers to type ${type}; ids run from 1 to ${reader.btf.count}`, at);
}

/** The runs of one section become one, wherever they stood. */
function readLines(reader: ExtReader, runs: readonly RecordRun[]): ParsedExt['lines'] {
  const sections = new Map<string, RecordRun[]>();
  for (const run of runs) {
    const known = sections.get(run.section);
    if (known === undefined) sections.set(run.section, [run]);
    else known.push(run);
  }
  return [...sections].map(([section, members]) => {
    const words = sortedByOffset(lineWords(reader, members));
    const range = { first: 0, end: words.length / LINE_WORDS, byteOffset: 0 };
    return { section, byteOffset: 0, lines: new PackedLines(words, reader.btf.strings, range) };
  });
}

function lineWords(reader: ExtReader, runs: readonly RecordRun[]): Uint32Array {
  const words = new Uint32Array(runs.reduce((sum, run) => sum + run.count, 0) * LINE_WORDS);
  let to = 0;
  for (const { section, at: first, count, recordSize } of runs) {
    const end = first + count * recordSize;
    for (let at = first; at < end; at += recordSize, to += LINE_WORDS) {
      words[to] = insnOffset(reader, at, section);
      words[to + 1] = stringOffsetAt(reader, at + 4);
      words[to + 2] = stringOffsetAt(reader, at + 8);
      words[to + 3] = u32At(reader, at + 12);
    }
  }
  return words;
}

function coreRelo(reader: ExtReader, at: number, place: RecordPlace): CoreRelo {
  const type = typeAt(reader, at + 4);
  const access = stringAt(reader, at + 8);
  const kind = u32At(reader, at + 12);
  if (kind > LAST_CORE_KIND)
    throw extError('btf-core-kind', `CO-RE relocation kind ${kind} is not known`, at);
  if (!isAccessPath(access)) {
    const message = `access ${quote(access)} is not 1 to ${MAX_ACCESS_DEPTH} numbers with colons between`;
    throw extError('btf-core-access', message, at);
  }
  return { section: place.section, byteOffset: place.byteOffset, type, access, kind };
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

function extError(code: CodeOf<'input'>, message: string, offset: number): ReturnType<typeof inputError> {
  return inputError(code, [], message, { offset });
}
