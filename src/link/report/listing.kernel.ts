/**
 * Lines of a listing out of pieces of text: cells padded to the widest of their column, two spaces between.
 *
 * Separate from tables of strings (`cli/format/table.ts`), which lay out the same way, because an object may have
 * tens of thousands of symbols: here no line, cell or number becomes a string. What has to be escaped, or may be
 * wider or narrower than its bytes, is refused: strings are for that.
 *
 * A listing is a block of words, `LISTING`. A row has as many words as `shape`: the address of a text that a NUL ends
 * (negative: one of `texts`, as the complement of its offset), or a number.
 */

import { byte, fill, setByte, setWord, word } from '../../image/memory.ts';

/** Words of a listing. */
export const LISTING = {
  rows: 0, // word index of the first row
  count: 1, // rows
  shape: 2, // word index of what each piece of a row is (`PIECE`)
  pieces: 3, // words of a row
  widths: 4, // word index of the widths of columns
  columns: 5,
  texts: 6, // byte address of texts that are not from the object
  indent: 7, // spaces before each line
  end: 8, // byte address of the end of what was written last
} as const;

/** What a piece is, as bits. */
export const PIECE = {
  number: 1, // a number, which is refused from 2^31 on; else a text
  cell: 2, // it begins a cell
} as const;

/** A longer piece is refused, and so is a listing whose lines would be longer: sizes stay in 32 bits. */
const LONGEST_PIECE = 0x10000;
/** Of a number below 2^31. */
const MOST_DIGITS = 10;

/** Fills in the widths of columns; 0: not a listing for this kernel. */
export function measureListing(listing: number): number {
  const count = word(listing + LISTING.count);
  const pieces = word(listing + LISTING.pieces);
  let row = word(listing + LISTING.rows);
  for (let index = 0; index < count; index = index + 1) {
    if (measureRow(listing, row) === 0) return 0;
    row = row + pieces;
  }
  return 1;
}

function measureRow(listing: number, row: number): number {
  const shape = word(listing + LISTING.shape);
  const pieces = word(listing + LISTING.pieces);
  let column = word(listing + LISTING.widths) - 1;
  let width = 0;
  for (let piece = 0; piece < pieces; piece = piece + 1) {
    const kind = word(shape + piece);
    if ((kind & PIECE.cell) !== 0) {
      column = column + 1;
      width = 0;
    }
    const size = sizeOfPiece(listing, kind, word(row + piece));
    if (size < 0) return 0;
    width = width + size;
    if (width > word(column)) setWord(column, width);
  }
  return 1;
}

/** Characters of a piece; -1 where it cannot be written as it is. */
function sizeOfPiece(listing: number, kind: number, value: number): number {
  if ((kind & PIECE.number) !== 0) return digitsOf(value);
  const text = addressOf(listing, value);
  let at = text;
  let letter = byte(at);
  while (letter >= 0x20 && letter < 0x7f) {
    at = at + 1;
    letter = byte(at);
  }
  return letter !== 0 || at - text > LONGEST_PIECE ? -1 : at - text;
}

function addressOf(listing: number, text: number): number {
  return text < 0 ? word(listing + LISTING.texts) + (text ^ -1) : text;
}

function digitsOf(value: number): number {
  if (value < 0) return -1;
  let digits = 1;
  while (digits < MOST_DIGITS && value >= powerOfTen(digits)) digits = digits + 1;
  return digits;
}

function powerOfTen(exponent: number): number {
  let power = 1;
  for (let count = 0; count < exponent; count = count + 1) power = Math.imul(power, 10);
  return power;
}

/** Bytes that the longest line may take. Valid once the listing is measured. */
export function lineRoom(listing: number): number {
  const widths = word(listing + LISTING.widths);
  const columns = word(listing + LISTING.columns);
  let room = word(listing + LISTING.indent) + 1;
  for (let column = 0; column < columns; column = column + 1) room = room + word(widths + column) + 2;
  return room;
}

/**
 * Writes lines from row `from` on to an address, as many as `room` bytes have place for, at least one. Returns the next
 * row; LISTING.end is where the text ends.
 */
export function writeListing(listing: number, from: number, to: number, room: number): number {
  const count = word(listing + LISTING.count);
  const pieces = word(listing + LISTING.pieces);
  const last = to + room - lineRoom(listing);
  let row = word(listing + LISTING.rows) + Math.imul(from, pieces);
  let index = from;
  let at = to;
  while (index < count && (at <= last || index === from)) {
    at = writeLine(listing, row, at);
    row = row + pieces;
    index = index + 1;
  }
  setWord(listing + LISTING.end, at);
  return index;
}

/** A line and its line feed; returns the address after it. */
function writeLine(listing: number, row: number, to: number): number {
  const shape = word(listing + LISTING.shape);
  const pieces = word(listing + LISTING.pieces);
  const widths = word(listing + LISTING.widths);
  let at = spaces(to, word(listing + LISTING.indent));
  let column = -1;
  let cellEnd = at;
  for (let piece = 0; piece < pieces; piece = piece + 1) {
    const kind = word(shape + piece);
    if ((kind & PIECE.cell) !== 0) {
      if (column >= 0) at = spaces(at, cellEnd + 2 - at);
      column = column + 1;
      cellEnd = at + word(widths + column);
    }
    const value = word(row + piece);
    if ((kind & PIECE.number) !== 0) at = putNumber(at, value);
    else at = putText(at, addressOf(listing, value));
  }
  while (at > to && byte(at - 1) === 0x20) at = at - 1;
  setByte(at, 0x0a);
  return at + 1;
}

function spaces(at: number, count: number): number {
  fill(at, 0x20, count);
  return at + count;
}

function putText(to: number, text: number): number {
  let at = to;
  let from = text;
  let letter = byte(from);
  while (letter !== 0) {
    setByte(at, letter);
    at = at + 1;
    from = from + 1;
    letter = byte(from);
  }
  return at;
}

/** The subset of TypeScript has no division. */
function putNumber(to: number, value: number): number {
  let at = to;
  let rest = value;
  for (let left = digitsOf(value) - 1; left >= 0; left = left - 1) {
    const power = powerOfTen(left);
    let digit = 0x30;
    while (rest >= power) {
      rest = rest - power;
      digit = digit + 1;
    }
    setByte(at, digit);
    at = at + 1;
  }
  return at;
}
