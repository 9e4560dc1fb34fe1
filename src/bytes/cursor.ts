/**
 * Reading untrusted bytes.
 *
 * `Buffer.subarray` clamps and `DataView` throws a `RangeError` without a place; both are wrong for hostile
 * input. Everything here checks bounds first and throws `RootletError` with the offset.
 */

import { inputError } from '../diag/index.ts';
import { noElement } from './at.ts';

/** Byte order of an object, a type section or a map. */
export type ByteOrder = 'little' | 'big';

/**
 * The bytes `[offset, offset + length)` of `bytes` as a view. Throws `bytes-truncated` when they are not all
 * there.
 */
export function slice(bytes: Uint8Array, offset: number, length: number, what: string): Uint8Array {
  requireRange(bytes.length, offset, length, what);
  return bytes.subarray(offset, offset + length);
}

/** Throws `bytes-truncated` unless `[offset, offset + length)` is inside `size` bytes. */
export function requireRange(size: number, offset: number, length: number, what: string): void {
  const sane = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (sane && offset + length <= size) return;
  throw inputError('bytes-truncated', [], `${what} (${length} bytes) does not fit in ${size} bytes`, {
    offset,
  });
}

/** A `DataView` over exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A byte order mark is a character like any other here: dropped, it would be missing when the text is written
 * back.
 */
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
const encoder = new TextEncoder();

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes UTF-8 of `text` at `offset`, where there is room for it; returns its length in bytes. */
export function encodeTextInto(text: string, target: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return encoder.encodeInto(text, target.subarray(offset)).written;
    target[offset + i] = code; // names nearly always are short and ASCII: faster by hand
  }
  return text.length;
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The NUL-terminated string at `offset`. Throws when the offset is outside or no NUL follows. */
export function cString(table: Uint8Array, offset: number, what: string): string {
  if (!(offset >= 0 && offset < table.length)) {
    throw inputError(
      'bytes-string-offset',
      [],
      `${what}: string offset ${offset} is outside its table of ${table.length} bytes`,
    );
  }
  const end = table.indexOf(0, offset);
  if (end < 0)
    throw inputError('bytes-string-unterminated', [], `${what}: string at ${offset} has no terminating NUL`);
  return decodeAscii(table, offset, end);
}

/** Short ASCII strings, which names nearly always are, decode faster by hand than through `TextDecoder`. */
function decodeAscii(table: Uint8Array, start: number, end: number): string {
  if (end - start > 24) return decoder.decode(table.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = table[i] ?? noElement(table, i);
    if (byte >= 0x80) return decoder.decode(table.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
