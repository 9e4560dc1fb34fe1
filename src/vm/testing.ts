/**
 * What tests of the machine share: objects made of plain instructions, and a second, slow implementation of
 * the instruction set to compare with. Not exported from the package.
 */

import type { LineRecord } from '../btf/binary/lines.ts';
import type { ByteOrder } from '../bytes/cursor.ts';
import { encodeInsns, type Insn } from '../isa/opcodes.ts';
import type { BpfObject, CodeReference, FunctionSymbol } from '../object/model/model.ts';

export interface TestFunction {
  readonly name: string;
  readonly insns: readonly Insn[];
  /** Calls and addresses of functions, by instruction. */
  readonly refers?: Readonly<Record<number, { readonly kind: CodeReference['kind']; readonly name: string }>>;
  /** Default `.text`, except for the first function, which is the program. */
  readonly section?: string;
  readonly lines?: readonly LineRecord[];
}

/** An object without types whose first function is an XDP program. */
export function testObject(functions: readonly TestFunction[], byteOrder: ByteOrder = 'little'): BpfObject {
  const names = [...new Set(functions.map((fn, index) => fn.section ?? (index === 0 ? 'xdp' : '.text')))];
  return {
    name: 'test.o',
    byteOrder,
    flags: 0,
    sections: names.map(name => ({ name, type: 1, flags: 6, align: 8, entsize: 0, role: 'code' })),
    symbols: functions.map((fn, index): FunctionSymbol => {
      const section = fn.section ?? (index === 0 ? 'xdp' : '.text');
      const refers = Object.entries(fn.refers ?? {});
      return {
        kind: 'function',
        name: fn.name,
        binding: 'global',
        visibility: 'default',
        section: names.indexOf(section),
        origin: { file: 'test.o', offset: 0 },
        code: encodeInsns(fn.insns, byteOrder),
        references: refers.map(([slot, { kind, name }]) => ({
          insnIndex: Number(slot),
          kind,
          symbol: functions.findIndex(candidate => candidate.name === name),
          addend: 0,
        })),
        btfId: 0,
        lines: fn.lines ?? [],
        coreRecords: [],
      };
    }),
    btf: null,
  };
}

/** Numbers from a seed: xorshift32. */
export function randomSource(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return below => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/**
 * Runs instructions that touch only registers and the stack, as specified by RFC 9669; r0 at exit. The
 * stack's bytes are those below r10, and r10 is 0 here. Slow and plain on purpose: it shares nothing with the
 * compiler.
 */
export function interpret(insns: readonly Insn[], byteOrder: ByteOrder): bigint {
  const registers = new Array<bigint>(11).fill(0n);
  const stack = new DataView(new ArrayBuffer(512));
  const little = byteOrder === 'little';
  for (let pc = 0, steps = 0; ; pc++, steps++) {
    const current = insns[pc];
    if (current === undefined || steps > 1_000_000) throw new Error('the reference ran away');
    const { opcode, dst, src, offset, imm } = current;
    const insnClass = opcode & 7;
    if (opcode === 0x95) return registers[0] ?? 0n;
    if (opcode === 0x18) {
      const high = BigInt.asUintN(32, BigInt(insns[++pc]?.imm ?? 0));
      registers[dst] = (high << 32n) | BigInt.asUintN(32, BigInt(imm));
    } else if (insnClass === 4 || insnClass === 7) {
      registers[dst] = alu(current, registers, little);
    } else if (insnClass === 5 || insnClass === 6) {
      if (opcode === 0x06) pc += imm;
      else if (taken(current, registers)) pc += offset;
    } else memory(current, registers, stack, little, src);
  }
}

const u = BigInt.asUintN;
const s = BigInt.asIntN;

function operand({ opcode, src, imm }: Insn, registers: readonly bigint[]): bigint {
  return (opcode & 8) !== 0 ? (registers[src] ?? 0n) : u(64, BigInt(imm));
}

function alu(current: Insn, registers: readonly bigint[], little: boolean): bigint {
  const { opcode, dst, offset, imm } = current;
  const bits = (opcode & 7) === 7 ? 64 : 32;
  const a = u(bits, registers[dst] ?? 0n);
  const b = u(bits, operand(current, registers));
  switch (opcode >> 4) {
    case 0x0:
      return u(bits, a + b);
    case 0x1:
      return u(bits, a - b);
    case 0x2:
      return u(bits, a * b);
    case 0x3:
      if (b === 0n) return 0n;
      return offset === 1 ? u(bits, s(bits, a) / s(bits, b)) : a / b;
    case 0x4:
      return a | b;
    case 0x5:
      return a & b;
    case 0x6:
      return u(bits, a << (b % BigInt(bits)));
    case 0x7:
      return a >> (b % BigInt(bits));
    case 0x8:
      return u(bits, -a);
    case 0x9:
      if (b === 0n) return a;
      return offset === 1 ? u(bits, s(bits, a) % s(bits, b)) : a % b;
    case 0xa:
      return a ^ b;
    case 0xb:
      return offset === 0 ? b : u(bits, s(offset, b));
    case 0xc:
      return u(bits, s(bits, a) >> (b % BigInt(bits)));
    default:
      return swapped(registers[dst] ?? 0n, imm, bits === 64 || ((opcode & 8) !== 0) === little);
  }
}

function swapped(value: bigint, bits: number, swap: boolean): bigint {
  const low = u(bits, value);
  if (!swap) return low;
  let result = 0n;
  for (let i = 0; i < bits; i += 8) result = (result << 8n) | ((low >> BigInt(i)) & 0xffn);
  return result;
}

function taken(current: Insn, registers: readonly bigint[]): boolean {
  const bits = (current.opcode & 7) === 6 ? 32 : 64;
  const a = u(bits, registers[current.dst] ?? 0n);
  const b = u(bits, operand(current, registers));
  switch (current.opcode >> 4) {
    case 0x0:
      return true;
    case 0x1:
      return a === b;
    case 0x2:
      return a > b;
    case 0x3:
      return a >= b;
    case 0x4:
      return (a & b) !== 0n;
    case 0x5:
      return a !== b;
    case 0x6:
      return s(bits, a) > s(bits, b);
    case 0x7:
      return s(bits, a) >= s(bits, b);
    case 0xa:
      return a < b;
    case 0xb:
      return a <= b;
    case 0xc:
      return s(bits, a) < s(bits, b);
    default:
      return s(bits, a) <= s(bits, b);
  }
}

const SIZES: Readonly<Record<number, number>> = { 0: 4, 1: 2, 2: 1, 3: 8 };

function memory(current: Insn, registers: bigint[], stack: DataView, little: boolean, src: number): void {
  const { opcode, dst, offset, imm } = current;
  const size = SIZES[(opcode >> 3) & 3] ?? 0;
  const at = 512 + Number(s(64, registers[(opcode & 7) === 1 ? src : dst] ?? 0n)) + offset;
  const read = () => {
    let value = 0n;
    for (let i = 0; i < size; i++) {
      value = (value << 8n) | BigInt(stack.getUint8(little ? at + size - 1 - i : at + i));
    }
    return value;
  };
  const write = (value: bigint) => {
    for (let i = 0; i < size; i++) {
      stack.setUint8(little ? at + i : at + size - 1 - i, Number((value >> BigInt(8 * i)) & 0xffn));
    }
  };
  const mode = opcode >> 5;
  if ((opcode & 7) === 1) registers[dst] = mode === 4 ? u(64, s(size * 8, read())) : read();
  else if ((opcode & 7) === 2) write(BigInt(imm));
  else if (mode === 3) write(registers[src] ?? 0n);
  else atomic(imm, registers, dst, src, size * 8, read, write);
}

function atomic(
  operation: number,
  registers: bigint[],
  dst: number,
  src: number,
  bits: number,
  read: () => bigint,
  write: (value: bigint) => void,
): void {
  const b = u(bits, registers[src] ?? 0n);
  if (operation === 0x100) {
    // The load has its address in src; the caller gave that of dst, which tests make the same.
    registers[dst] = read();
    return;
  }
  if (operation === 0x110) {
    write(b);
    return;
  }
  const old = read();
  if (operation === 0xf1) {
    if (old === u(bits, registers[0] ?? 0n)) write(b);
    registers[0] = old;
    return;
  }
  const results: Readonly<Record<number, bigint>> = { 0: old + b, 64: old | b, 80: old & b, 160: old ^ b };
  write(operation === 0xe1 ? b : (results[operation & ~1] ?? 0n));
  if ((operation & 1) !== 0) registers[src] = old;
}

/** Packets for the fixtures `maps`, `xdp` and `skb`: random commands, of which many mean something. */
export function* commandPackets(
  fixture: 'maps' | 'xdp' | 'skb',
  seed: number,
  count: number,
): Generator<Uint8Array> {
  const random = randomSource(seed);
  for (let i = 0; i < count; i++) {
    const packet = new Uint8Array(fixture === 'maps' ? 14 + 8 * 32 : 60 + random(400));
    for (let at = 0; at < packet.length; at++) packet[at] = random(4) === 0 ? random(4) : random(256);
    if (fixture === 'maps') tameMapCommands(packet, random);
    if (fixture === 'skb') giveEthernetHeader(packet, random);
    yield packet;
  }
}

/** Flags are mostly valid. */
function tameMapCommands(packet: Uint8Array, random: (below: number) => number): void {
  for (let at = 14; at + 32 <= packet.length; at += 32) {
    if (random(3) !== 0) packet[at + 2] = random(3) === 0 ? random(4) : 0;
  }
}

const ETHER_TYPES = [0x0800, 0x86dd, 0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x0012];

/** Addresses and types that mean something, VLAN tags with an IP packet after them among them. */
function giveEthernetHeader(packet: Uint8Array, random: (below: number) => number): void {
  const view = new DataView(packet.buffer);
  const type = ETHER_TYPES[random(ETHER_TYPES.length)] ?? 0;
  view.setUint16(12, type);
  packet[0] = [0, 0, 0xff, 1, 2][random(5)] ?? 0;
  if (random(2) === 0) packet.fill(packet[0], 0, 6);
  if (type === 0x8100 || type === 0x88a8) view.setUint16(16, 0x0800);
}

/** One number for a sequence of byte strings and numbers: FNV-1a over all of them, and their lengths. */
export class Digest {
  #state = 0x811c9dc5;

  add(bytes: Uint8Array): void {
    this.#byte(bytes.length & 0xff);
    this.#byte(bytes.length >> 8);
    for (const byte of bytes) this.#byte(byte);
  }

  addNumber(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#byte((value >>> shift) & 0xff);
  }

  #byte(byte: number): void {
    this.#state = Math.imul(this.#state ^ byte, 0x01000193);
  }

  toString(): string {
    return (this.#state >>> 0).toString(16).padStart(8, '0');
  }
}
