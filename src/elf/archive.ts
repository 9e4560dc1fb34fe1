/**
 * `ar` archives: the GNU, BSD and thin formats, with their symbol indexes.
 *
 * Only the container: members are passed as bytes, which of them a link needs is up to the linker. Thin
 * archives hold names of files instead of contents; reading those files is the caller's.
 */

import { type InputFile, requireFile } from '../bytes/index.ts';
import { type CodeOf, inputError, quote } from '../diag/index.ts';
import { type RawIndexEntry, readBsdIndex, readGnuIndex } from './archive-index.ts';
import { identify } from './identify.ts';

/** A member of an archive. */
export interface ArchiveMember {
  /** As stored; in a thin archive the path of the file, relative to the archive. */
  readonly name: string;
  /** A view of the archive; null in a thin archive. */
  readonly bytes: Uint8Array | null;
  /** Byte offset of the member's header, which is how the index names it. */
  readonly offset: number;
}

/** An `ar` archive. */
export interface Archive {
  /** In file order, without the index and the name table. */
  readonly members: readonly ArchiveMember[];
  /**
   * Defined global symbols to positions in `members`, as the index says; the first mention of a name counts.
   */
  readonly symbols: ReadonlyMap<string, number>;
  /** Without an index `symbols` is empty, and symbols have to be read from the members. */
  readonly hasIndex: boolean;
  readonly thin: boolean;
  readonly format: 'gnu' | 'bsd';
}

const MAGIC_SIZE = 8;
const HEADER_SIZE = 60;
const NAME_SIZE = 16;
const SIZE_AT = 48;
const SIZE_DIGITS = 10;
const END_AT = 58;

/** Parses an archive. Its name is first in every message. Throws `RootletError` with a code `archive-...`. */
export function parseArchive(file: InputFile): Archive {
  requireFile('parseArchive: file', file);
  const { name, bytes } = file;
  const identity = identify(bytes);
  if (identity.kind !== 'archive' && identity.kind !== 'thin-archive') {
    throw inputError('archive-magic', [name], `is ${identity.description}, not an archive`);
  }
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const reader = new ArchiveReader(plain, name, identity.kind === 'thin-archive');
  for (let at = MAGIC_SIZE; at < plain.length; ) at = reader.readMember(at);
  return reader.finish();
}

interface MemberHeader {
  readonly at: number;
  /** The name field without the blanks after it. */
  readonly rawName: string;
  readonly size: number;
}

class ArchiveReader {
  readonly #bytes: Uint8Array;
  readonly #file: string;
  readonly #thin: boolean;
  readonly #members: ArchiveMember[] = [];
  #longNames: Uint8Array | null = null;
  #index: { readonly at: number; readonly entries: readonly RawIndexEntry[] } | null = null;
  #bsd = false;

  constructor(bytes: Uint8Array, file: string, thin: boolean) {
    this.#bytes = bytes;
    this.#file = file;
    this.#thin = thin;
  }

  /** Reads the member whose header is at `at`; returns the offset of the next header. */
  readMember(at: number): number {
    const header = this.#readHeader(at);
    const special = isGnuSpecial(header.rawName);
    const external = this.#thin && !special;
    const start = at + HEADER_SIZE;
    if (!external && header.size > this.#bytes.length - start) {
      const message = `member of ${header.size} bytes goes beyond the end of the archive`;
      throw this.#error('archive-truncated', at, message);
    }
    const contents = external ? null : this.#bytes.subarray(start, start + header.size);
    if (special && contents !== null) this.#readSpecial(header, contents);
    else this.#addMember(header, contents);
    const end = external ? start : start + header.size;
    return end + (end % 2);
  }

  finish(): Archive {
    const positions = new Map(this.#members.map((member, position) => [member.offset, position]));
    const symbols = new Map<string, number>();
    for (const { symbol, offset } of this.#index?.entries ?? []) {
      const position = positions.get(offset);
      if (position === undefined) {
        const message = `according to the index, ${quote(symbol)} is in the member at ${offset}, where none begins`;
        throw this.#error('archive-index', this.#index?.at ?? 0, message);
      }
      if (!symbols.has(symbol)) symbols.set(symbol, position);
    }
    return {
      members: this.#members,
      symbols,
      hasIndex: this.#index !== null,
      thin: this.#thin,
      format: this.#bsd ? 'bsd' : 'gnu',
    };
  }

  #readHeader(at: number): MemberHeader {
    if (this.#bytes.length - at < HEADER_SIZE) {
      const message = `${this.#bytes.length - at} bytes are left where a member header of 60 should be`;
      throw this.#error('archive-truncated', at, message);
    }
    if (this.#bytes[at + END_AT] !== 0x60 || this.#bytes[at + END_AT + 1] !== 0x0a) {
      throw this.#error('archive-header', at, 'member header does not end with its magic bytes');
    }
    const size = decimal(this.#field(at + SIZE_AT, SIZE_DIGITS));
    if (size === undefined)
      throw this.#error('archive-header', at, 'size of the member is not a decimal number');
    return { at, rawName: this.#field(at, NAME_SIZE), size };
  }

  /** A text field without the blanks after it; not yet judged as UTF-8. */
  #field(at: number, size: number): string {
    let end = at + size;
    while (end > at && this.#bytes[end - 1] === 0x20) end--;
    return latin1(this.#bytes.subarray(at, end));
  }

  #readSpecial(header: MemberHeader, contents: Uint8Array): void {
    if (header.rawName === '//') {
      if (this.#longNames !== null) throw this.#error('archive-names', header.at, 'has two name tables');
      this.#longNames = contents;
      return;
    }
    this.#setIndex(header, readGnuIndex(contents, header.rawName === '/SYM64/' ? 8 : 4));
  }

  #setIndex(header: MemberHeader, index: readonly RawIndexEntry[] | string): void {
    if (typeof index === 'string') throw this.#error('archive-index', header.at, index);
    if (this.#index !== null) throw this.#error('archive-index', header.at, 'has a second symbol index');
    this.#index = { at: header.at, entries: index };
  }

  #addMember(header: MemberHeader, contents: Uint8Array | null): void {
    if (header.rawName.startsWith('#1/')) {
      this.#addBsdMember(header, contents);
      return;
    }
    const raw = header.rawName;
    const bsdIndex = bsdIndexWidth(raw);
    if (bsdIndex !== 0 && contents !== null && this.#members.length === 0) {
      this.#bsd = true;
      this.#setIndex(header, readBsdIndex(contents, bsdIndex));
      return;
    }
    if (raw.startsWith('/')) {
      this.#members.push({ name: this.#longName(header), bytes: contents, offset: header.at });
      return;
    }
    if (!raw.endsWith('/')) this.#bsd = true;
    const name = this.#text(header, this.#bytes.subarray(header.at, header.at + raw.length));
    this.#members.push({
      name: raw.endsWith('/') ? name.slice(0, -1) : name,
      bytes: contents,
      offset: header.at,
    });
  }

  /** `#1/20`: the name is the first 20 bytes of the contents, filled up with NULs. */
  #addBsdMember(header: MemberHeader, contents: Uint8Array | null): void {
    const length = decimal(header.rawName.slice('#1/'.length));
    if (length === undefined || contents === null || length > contents.length) {
      throw this.#error(
        'archive-names',
        header.at,
        `name ${quote(header.rawName)} does not fit in its member`,
      );
    }
    this.#bsd = true;
    const end = contents.subarray(0, length).indexOf(0);
    const name = this.#text(header, contents.subarray(0, end < 0 ? length : end));
    const bytes = contents.subarray(length);
    const width = bsdIndexWidth(name);
    if (width !== 0 && this.#members.length === 0) this.#setIndex(header, readBsdIndex(bytes, width));
    else this.#members.push({ name, bytes, offset: header.at });
  }

  /** `/18`: the name is at offset 18 of the name table, up to a line end with a slash before it. */
  #longName(header: MemberHeader): string {
    const offset = decimal(header.rawName.slice(1));
    if (offset === undefined) {
      const nested = header.rawName.includes(':');
      const message = nested
        ? `member ${quote(header.rawName)} is in another archive`
        : `member name ${quote(header.rawName)} is not supported`;
      const hint = 'thin archives of archives are not supported; put the objects into one archive';
      throw this.#error('archive-names', header.at, message, nested ? { hint } : {});
    }
    if (this.#longNames === null || offset >= this.#longNames.length) {
      const size =
        this.#longNames === null ? 'which the archive does not have' : `of ${this.#longNames.length} bytes`;
      throw this.#error('archive-names', header.at, `name at ${offset} is outside the name table ${size}`);
    }
    const end = this.#longNames.indexOf(0x0a, offset);
    if (end < 0)
      throw this.#error('archive-names', header.at, `name at ${offset} of the name table has no end`);
    const name = this.#text(header, this.#longNames.subarray(offset, end));
    return name.endsWith('/') ? name.slice(0, -1) : name;
  }

  #text(header: MemberHeader, bytes: Uint8Array): string {
    if (bytes.length === 0 || (bytes.length === 1 && bytes[0] === 0x2f)) {
      throw this.#error('archive-names', header.at, 'member has no name');
    }
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.#error('archive-names', header.at, 'name of the member is not valid UTF-8');
    }
  }

  #error(
    code: CodeOf<'input'>,
    offset: number,
    message: string,
    extras: { readonly hint?: string } = {},
  ): Error {
    return inputError(code, [this.#file], message, { offset, ...extras });
  }
}

function isGnuSpecial(rawName: string): boolean {
  return rawName === '/' || rawName === '//' || rawName === '/SYM64/';
}

/** Bytes of a number in the index of that name, 0 for the name of an ordinary member. */
function bsdIndexWidth(name: string): 0 | 4 | 8 {
  if (name === '__.SYMDEF' || name === '__.SYMDEF SORTED') return 4;
  return name === '__.SYMDEF_64' || name === '__.SYMDEF_64 SORTED' ? 8 : 0;
}

/** A number of decimal digits only; undefined for anything else. */
function decimal(text: string): number | undefined {
  if (text === '' || text.length > SIZE_DIGITS) return undefined;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
