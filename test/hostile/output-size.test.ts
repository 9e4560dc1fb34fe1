/**
 * How long outputs are of inputs that are made for it: names that begin inside of others are written by themselves, those
 * of types up to 64 bytes, those of symbols as far as the limit `names` allows.
 */

import { expect, test } from 'vitest';
import { encodeText } from '../../src/bytes/cursor.ts';
import { LIMITS } from '../../src/diag/limits.ts';
import { writeElf } from '../../src/elf/write.ts';
import { link } from '../../src/link/link.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { BTF_KIND, BTF_MAGIC, BTF_VERSION } from '../../src/uapi/btf.ts';
import { ElfPatcher, section, symbol } from './elf-sample.ts';
import { SeededRandom } from './random.ts';

const HEADER = 24;
/** Strings of which ends are named, and how many ends of each. */
const STRINGS = 400;
const ENDS = 27;
const LENGTH = 64;

/** One enum, whose enumerators have names that are ends of long strings. */
function sharedEnds(): Uint8Array {
  const random = new SeededRandom(3);
  const letters = Array.from({ length: STRINGS * LENGTH }, () => String.fromCharCode(97 + random.below(26)));
  const strings = `\0${letters.map((letter, at) => (at % LENGTH === LENGTH - 1 ? `${letter}\0` : letter)).join('')}`;
  const values = Array.from({ length: STRINGS * ENDS }, (_, at) => [
    1 + Math.floor(at / ENDS) * (LENGTH + 1) + (at % ENDS),
    at,
  ]);
  const words = [0, (BTF_KIND.ENUM << 24) | values.length, 4, ...values.flat()];
  const bytes = new Uint8Array(HEADER + 4 * words.length + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, BTF_MAGIC, true);
  view.setUint8(2, BTF_VERSION);
  [HEADER, 0, 4 * words.length, 4 * words.length, strings.length].forEach((word, at) => {
    view.setUint32(4 + 4 * at, word, true);
  });
  words.forEach((word, at) => {
    view.setInt32(HEADER + 4 * at, word, true);
  });
  bytes.set(encodeText(strings), HEADER + 4 * words.length);
  return bytes;
}

/** `symbols` variables whose names are ends of a name of `length` bytes. */
function fileOf(btf: Uint8Array | null, symbols: number, length: number): Uint8Array {
  const long = 'a'.repeat(length);
  const bytes = writeElf({
    byteOrder: 'little',
    flags: 0,
    sections: [
      section(long, 4 * symbols),
      ...(btf === null ? [] : [section('.BTF', 0, { flags: 0, bytes: btf, size: btf.length })]),
    ],
    symbols: Array.from({ length: symbols }, (_, at) => symbol(`${at}`, 1, 4 * at, 4)),
    relocations: new Map(),
  });
  const elf = new ElfPatcher(bytes, 'little');
  const view = new DataView(elf.bytes.buffer);
  const table = Number(view.getBigUint64(elf.sectionHeaderAt(btf === null ? 2 : 3) + 24, true));
  for (let at = 1; at <= symbols; at++) view.setUint32(table + 24 * at, at, true);
  return elf.bytes;
}

test.each([
  ['names of types', 1, 10, 5, 6],
  ['names of symbols', 4, 10_000, 3, 6],
])('%s: a documented multiple', (_, symbols, length, least, most) => {
  const bytes = fileOf(symbols === 1 ? sharedEnds() : null, symbols, length);
  const result = link([{ name: 'a.o', bytes }], { partial: true });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  const size = writeObject(result.object).length;
  expect(size).toBeGreaterThan(least * bytes.length);
  expect(size).toBeLessThan(most * bytes.length + 4096);
});

test('both together', () => {
  const btf = sharedEnds();
  const length = 3000;
  const symbols = Math.floor((LIMITS.names.value * (btf.length + 12_000)) / length);
  const bytes = fileOf(btf, symbols, length);
  const result = link([{ name: 'a.o', bytes }], { partial: true });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  const size = writeObject(result.object).length;
  expect(size).toBeGreaterThan(7 * bytes.length);
  expect(size).toBeLessThan(10 * bytes.length + 4096);
});
