/** The header of `.BTF`, which describes the rest of the section. */

import { type ByteOrder, viewOf } from '../../bytes/index.ts';
import { type CodeOf, inputError } from '../../diag/index.ts';
import { BTF_MAGIC, BTF_VERSION } from '../../uapi/index.ts';

const SWAPPED_MAGIC = 0x9feb;
/** Bytes of the header that every reader supports, and that is written. */
export const BTF_HEADER_SIZE = 24;
/** The header with a layout section (2026): two more words. */
const LAYOUT_HEADER_SIZE = 32;

/**
 * Largest section that is read. The kernel takes 16 MiB; beyond this, a file is made to exhaust memory.
 */
const MAX_SECTION_SIZE = 64 << 20;

/** Absolute byte ranges in the section. */
export interface BtfSections {
  readonly typeStart: number;
  readonly typeEnd: number;
  readonly stringStart: number;
  readonly stringEnd: number;
}

/** Throws `btf-magic` unless `bytes` start with the magic number in this byte order. */
export function requireMagic(bytes: Uint8Array, order: ByteOrder): DataView {
  const view = viewOf(bytes);
  if (bytes.length > MAX_SECTION_SIZE) {
    throw headerError('btf-too-large', `${bytes.length} bytes are more than ${MAX_SECTION_SIZE}`);
  }
  if (bytes.length < 8) throw headerError('btf-header', `${bytes.length} bytes are too few for a header`);
  const magic = view.getUint16(0, order === 'little');
  if (magic === BTF_MAGIC) return view;
  const hint =
    magic === SWAPPED_MAGIC ? `the types are ${order === 'little' ? 'big' : 'little'}-endian` : undefined;
  throw headerError('btf-magic', `magic number is 0x${magic.toString(16)} instead of 0xeb9f`, hint);
}

/** Version, flags and header length, as `.BTF` and `.BTF.ext` both have them; returns the header length, any number. */
export function parseHeaderStart(bytes: Uint8Array, view: DataView, order: ByteOrder): number {
  const version = view.getUint8(2);
  if (version !== BTF_VERSION) throw headerError('btf-version', `version ${version} is not known`);
  const flags = view.getUint8(3);
  if (flags !== 0) throw headerError('btf-flags', `flags 0x${flags.toString(16)} are not known`);
  const length = view.getUint32(4, order === 'little');
  if (length < BTF_HEADER_SIZE || length > bytes.length) {
    throw headerError('btf-header', `header length ${length} is not possible in ${bytes.length} bytes`);
  }
  return length;
}

export function parseHeader(bytes: Uint8Array, order: ByteOrder): BtfSections {
  const view = requireMagic(bytes, order);
  const length = parseHeaderStart(bytes, view, order);
  const field = (index: number): number => view.getUint32(8 + 4 * index, order === 'little');
  requireZeros(bytes, LAYOUT_HEADER_SIZE, length);
  const room = bytes.length - length;
  const [typeOffset, typeLength, stringOffset, stringLength] = [field(0), field(1), field(2), field(3)];
  requireInside('type', typeOffset, typeLength, room);
  requireInside('string', stringOffset, stringLength, room);
  if (typeOffset % 4 !== 0 || typeLength % 4 !== 0) {
    throw headerError(
      'btf-header',
      `type section (${typeLength} bytes at ${typeOffset}) is not a multiple of 4 bytes`,
    );
  }
  if (typeOffset + typeLength > stringOffset && stringOffset + stringLength > typeOffset && typeLength > 0) {
    throw headerError('btf-header', 'type section and string section overlap');
  }
  if (length >= LAYOUT_HEADER_SIZE) requireInside('layout', field(4), field(5), room);
  return {
    typeStart: length + typeOffset,
    typeEnd: length + typeOffset + typeLength,
    stringStart: length + stringOffset,
    stringEnd: length + stringOffset + stringLength,
  };
}

function requireInside(what: string, offset: number, length: number, room: number): void {
  if (offset + length <= room) return;
  throw headerError(
    'btf-header',
    `${what} section (${length} bytes at ${offset}) does not fit in the ${room} bytes after the header`,
  );
}

/** Unknown fields of a longer header must be unused, as the kernel requires as well. */
export function requireZeros(bytes: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    if (bytes[i] !== 0) throw headerError('btf-header', `header of ${to} bytes has an unknown field at ${i}`);
  }
}

function headerError(code: CodeOf<'input'>, message: string, hint?: string): ReturnType<typeof inputError> {
  return inputError(code, [], message, hint === undefined ? { offset: 0 } : { offset: 0, hint });
}
