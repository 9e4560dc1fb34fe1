/**
 * Objects broken on purpose: one to three fields of headers, symbols, relocations, instructions, types and records set to
 * values that often break readers. Files stay whole, so that most of them get past the first checks.
 */

import { viewOf } from '../../src/bytes/cursor.ts';
import { Elf64Ehdr, Elf64Shdr } from '../../src/elf/constants.ts';
import type { ElfFile, ElfSection } from '../../src/elf/model.ts';
import { parseElf } from '../../src/elf/parse.ts';
import type { SeededRandom } from './random.ts';

export interface Corrupted {
  readonly bytes: Uint8Array;
  /** What was done to it. */
  readonly label: string;
}

/** A valid object with the places in it that can be broken. */
export class Corruptor {
  readonly name: string;
  readonly original: Uint8Array;
  readonly #file: ElfFile;
  readonly #headers: number;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.original = new Uint8Array(bytes);
    this.#file = parseElf({ name, bytes: this.original });
    this.#headers = Number(Elf64Ehdr.decode(viewOf(this.original), 0, this.#file.byteOrder).e_shoff);
  }

  corrupt(random: SeededRandom): Corrupted {
    const bytes = this.original.slice();
    const labels: string[] = [];
    for (let count = 1 + random.below(3); count > 0; count--) labels.push(this.#break(bytes, random));
    return { bytes, label: `${this.name}: ${labels.join(', ')}` };
  }

  #break(bytes: Uint8Array, random: SeededRandom): string {
    const kind = random.below(100);
    if (kind < 30) return this.#breakWord(bytes, random, this.#section('.BTF'), 24);
    if (kind < 40) return this.#breakWord(bytes, random, this.#section('.BTF.ext'), 0);
    if (kind < 43) return this.#breakWord(bytes, random, this.#section('.BTF'), 0, 24);
    if (kind < 58) return this.#breakRecord(bytes, random, SYMTAB, SYMBOL_FIELDS);
    if (kind < 70) return this.#breakRecord(bytes, random, REL, RELOCATION_FIELDS);
    if (kind < 88) return this.#breakInsn(bytes, random);
    if (kind < 94) return this.#breakHeader(bytes, random);
    return this.#breakByte(bytes, random);
  }

  #section(name: string): ElfSection | undefined {
    return this.#file.sections.find(section => section.name === name);
  }

  /** One word of a section, from `from` up to `to`. */
  #breakWord(
    bytes: Uint8Array,
    random: SeededRandom,
    section: ElfSection | undefined,
    from: number,
    to = section?.size ?? 0,
  ): string {
    if (section === undefined || to - from < 8) return 'nothing';
    const at = section.fileOffset + from + 4 * random.below(Math.floor((to - from) / 4));
    return `${section.name}+${at - section.fileOffset} ${this.#setField(bytes, random, at, 4)}`;
  }

  #breakRecord(
    bytes: Uint8Array,
    random: SeededRandom,
    type: number,
    fields: readonly (readonly [string, number, number])[],
  ): string {
    const tables = this.#file.sections.filter(section => section.type === type && section.size > 0);
    if (tables.length === 0) return 'nothing';
    const table = random.pick(tables);
    const record = random.below(table.size / table.entsize);
    const [name, offset, width] = random.pick(fields);
    const at = table.fileOffset + record * table.entsize + offset;
    return `${table.name}[${record}].${name} ${this.#setField(bytes, random, at, width)}`;
  }

  #breakInsn(bytes: Uint8Array, random: SeededRandom): string {
    const code = this.#file.sections.filter(section => (section.flags & 4) !== 0 && section.size > 0);
    if (code.length === 0) return 'nothing';
    const section = random.pick(code);
    const insn = random.below(section.size / 8);
    const at = section.fileOffset + insn * 8;
    const place = `${section.name} insn ${insn}`;
    switch (random.below(4)) {
      case 0:
        bytes[at] = random.pick([0x18, 0x85, 0x05, 0x06, 0x15, 0x16, 0x95, 0x8d, 0x0d, 0, random.below(256)]);
        return `${place} opcode ${bytes[at]}`;
      case 1:
        bytes[at + 1] = random.pick([0, 0x01, 0x10, 0x11, 0x20, 0xff, random.below(256)]);
        return `${place} registers ${bytes[at + 1]}`;
      case 2:
        return `${place} offset ${this.#setField(bytes, random, at + 2, 2)}`;
      default:
        return `${place} imm ${this.#setField(bytes, random, at + 4, 4)}`;
    }
  }

  #breakHeader(bytes: Uint8Array, random: SeededRandom): string {
    const index = random.below(this.#file.sections.length);
    const [name, offset, width] = random.pick(HEADER_FIELDS);
    const at = this.#headers + index * Elf64Shdr.size + offset;
    return `section ${index} ${name} ${this.#setField(bytes, random, at, width)}`;
  }

  #breakByte(bytes: Uint8Array, random: SeededRandom): string {
    const at = random.below(bytes.length);
    bytes[at] = random.below(256);
    return `byte ${at} = ${bytes[at]}`;
  }

  /** Little steps, other values of the same file, and the edges of 8, 16, 32 and 64 bits. */
  #setField(bytes: Uint8Array, random: SeededRandom, at: number, width: number): string {
    if (at + width > bytes.length) return 'nothing';
    const now = this.#get(bytes, at, width);
    const elsewhere = this.#get(bytes, random.below(Math.floor((bytes.length - width) / 4)) * 4, width);
    const value = BigInt.asUintN(
      width * 8,
      random.pick([
        now + 1n,
        now - 1n,
        now + 8n,
        now - 8n,
        now ^ (1n << BigInt(random.below(width * 8))),
        now ^ (1n << BigInt(random.below(width * 8))),
        elsewhere,
        BigInt(random.below(64)),
        BigInt(random.next()),
        ...EDGES,
      ]),
    );
    this.#set(bytes, at, width, value);
    return `${now} -> ${value}`;
  }

  #get(bytes: Uint8Array, at: number, width: number): bigint {
    let value = 0n;
    for (let i = 0; i < width; i++) {
      const from = at + (this.#file.byteOrder === 'big' ? i : width - 1 - i);
      value = (value << 8n) | BigInt(bytes[from] ?? 0);
    }
    return value;
  }

  #set(bytes: Uint8Array, at: number, width: number, value: bigint): void {
    for (let i = 0; i < width; i++) {
      const to = at + (this.#file.byteOrder === 'little' ? i : width - 1 - i);
      bytes[to] = Number((value >> BigInt(8 * i)) & 0xffn);
    }
  }
}

const SYMTAB = 2;
const REL = 9;

const EDGES: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xfff1n,
  0xfff2n,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x1fffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffb8n,
];

const SYMBOL_FIELDS = [
  ['st_name', 0, 4],
  ['st_info', 4, 1],
  ['st_other', 5, 1],
  ['st_shndx', 6, 2],
  ['st_value', 8, 8],
  ['st_size', 16, 8],
] as const;

const RELOCATION_FIELDS = [
  ['r_offset', 0, 8],
  ['r_info', 8, 8],
] as const;

const HEADER_FIELDS = [
  ['sh_name', 0, 4],
  ['sh_type', 4, 4],
  ['sh_flags', 8, 8],
  ['sh_size', 32, 8],
  ['sh_link', 40, 4],
  ['sh_info', 44, 4],
  ['sh_addralign', 48, 8],
  ['sh_entsize', 56, 8],
] as const;
