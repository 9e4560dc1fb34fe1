/**
 * Symbol indexes of archives, GNU and BSD, with 32-bit and 64-bit numbers.
 *
 * Both functions return a message instead of the entries when the index breaks a rule; the caller knows the
 * place.
 */

import { viewOf } from '../bytes/index.ts';

export interface RawIndexEntry {
  readonly symbol: string;
  /** Byte offset of a member's header in the archive. */
  readonly offset: number;
}

type Index = readonly RawIndexEntry[] | string;

const TWO_32 = 0x100000000;

/** GNU: big-endian count, that many offsets, that many NUL-terminated names. */
export function readGnuIndex(bytes: Uint8Array, width: 4 | 8): Index {
  if (bytes.length < width) return 'symbol index has no room for its count';
  const view = viewOf(bytes);
  const count = readNumber(view, 0, width, false);
  if (count > (bytes.length - width) / width) {
    return `symbol index of ${bytes.length} bytes cannot hold ${count} entries`;
  }
  const entries: RawIndexEntry[] = [];
  let at = width + count * width;
  for (let i = 0; i < count; i++) {
    const end = bytes.indexOf(0, at);
    if (end < 0) return `name ${i} of the symbol index has no terminating NUL`;
    const symbol = decodeName(bytes.subarray(at, end));
    if (symbol === undefined) return `name ${i} of the symbol index is not valid UTF-8`;
    entries.push({ symbol, offset: readNumber(view, width + i * width, width, false) });
    at = end + 1;
  }
  return entries;
}

/**
 * BSD: size of the table, pairs of (name offset, member offset), size of the names, the names; in the byte
 * order of the machine that it was built for, which is guessed from the plausibility of the sizes.
 */
export function readBsdIndex(bytes: Uint8Array, width: 4 | 8): Index {
  if (bytes.length < 2 * width) return 'symbol index has no room for its sizes';
  const view = viewOf(bytes);
  const little = bsdShape(view, width, true);
  const shape = little ?? bsdShape(view, width, false);
  if (shape === undefined)
    return `symbol index of ${bytes.length} bytes does not hold the tables that it announces`;
  const isLittle = little !== undefined;
  const names = bytes.subarray(shape.names, shape.names + shape.nameSize);
  const entries: RawIndexEntry[] = [];
  // Each name is used once: together they may not outgrow their table.
  let budget = shape.nameSize + 1;
  for (let at = width; at < width + shape.tableSize; at += 2 * width) {
    const start = readNumber(view, at, width, isLittle);
    const end = start < names.length ? names.indexOf(0, start) : -1;
    if (end < 0) return `name at ${start} of the symbol index is not in its table of ${names.length} bytes`;
    budget -= end - start;
    if (budget < 0) return 'names of the symbol index overlap';
    const symbol = decodeName(names.subarray(start, end));
    if (symbol === undefined) return `name at ${start} of the symbol index is not valid UTF-8`;
    entries.push({ symbol, offset: readNumber(view, at + width, width, isLittle) });
  }
  return entries;
}

interface BsdShape {
  readonly tableSize: number;
  readonly names: number;
  readonly nameSize: number;
}

function bsdShape(view: DataView, width: 4 | 8, little: boolean): BsdShape | undefined {
  const tableSize = readNumber(view, 0, width, little);
  if (tableSize % (2 * width) !== 0 || tableSize > view.byteLength - 2 * width) return undefined;
  const names = width + tableSize + width;
  const nameSize = readNumber(view, names - width, width, little);
  return nameSize > view.byteLength - names ? undefined : { tableSize, names, nameSize };
}

/** Above 2^53 the number is inexact; it is then beyond every limit that it is compared with. */
function readNumber(view: DataView, at: number, width: 4 | 8, little: boolean): number {
  if (width === 4) return view.getUint32(at, little);
  const first = view.getUint32(at, little);
  const second = view.getUint32(at + 4, little);
  return little ? second * TWO_32 + first : first * TWO_32 + second;
}

function decodeName(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
