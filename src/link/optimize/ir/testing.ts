/**
 * Instructions of the optimizer as text, for tests: the syntax of the disassembler with virtual registers `v0`, `v1`, …
 * (32 bits: `wv0`), a frame address as `v0 = r10 - 8`, and the number of arguments after the name of a call.
 */

import type { LineRecord } from '../../../btf/index.ts';
import { elementAt, valueAt } from '../../../bytes/index.ts';
import { ALU_OPERATORS, formatAlu } from '../../../isa/disasm-alu.ts';
import {
  ATOMIC_OPERATORS,
  formatLoad,
  formatStore,
  formatStoreImmediate,
} from '../../../isa/disasm-memory.ts';
import { helperId, helperName } from '../../../isa/index.ts';
import * as isa from '../../../isa/opcodes.ts';
import { FIRST_VIRTUAL, type Ins, OP_FRAME_ADDRESS } from './ins.ts';

export const REGISTER = '(w?v\\d+|[rw]\\d+)';
const N = '(-?\\w+)';
const SIZE = '(?:\\(?([us](?:8|16|32|64)) \\*\\))';
const PLACE = `\\(?${REGISTER} ([+-]) (\\d+)\\)?`;
const SIZES = new Map([
  ['8', isa.BPF_B],
  ['16', isa.BPF_H],
  ['32', isa.BPF_W],
  ['64', isa.BPF_DW],
]);

/** A node from its fields. */
export function node(fields: Partial<Ins>): Ins {
  const none = { opcode: 0, dst: 0, src: 0, offset: 0, imm: 0, high: 0, args: 0 };
  return { ...none, reference: null, core: null, line: null, ...fields };
}

/** The number of a register. */
export function register(name: string): number {
  const number = Number(name.replace(/^\D+/, ''));
  return name.includes('v') ? FIRST_VIRTUAL + number : number;
}

function sizeOf(type: string): number {
  return valueAt(SIZES, type.slice(1));
}

/** The key of the first value that is searched. */
export function keyOf<T>(map: ReadonlyMap<number, T>, found: (value: T) => boolean): number {
  for (const [key, value] of map) if (found(value)) return key;
  throw new Error('no such operator');
}

/** Whether the name is that of 32 bits. */
export function isNarrow(name: string): boolean {
  return name.startsWith('w');
}

/** Fields of a second operand: register or number. */
export function operand(text: string): Partial<Ins> & { readonly source: number } {
  return /^[vrw]/.test(text)
    ? { src: register(text), source: isa.BPF_X }
    : { imm: Number(text), source: isa.BPF_K };
}

function arithmetic(dst: string, operation: number, second: string, offset: number): Partial<Ins> {
  const { source, ...fields } = operand(second);
  const insnClass = isNarrow(dst) ? isa.BPF_ALU : isa.BPF_ALU64;
  return { opcode: insnClass | operation | source, dst: register(dst), offset, ...fields };
}

function place(sign: string, offset: string): number {
  return sign === '-' ? -Number(offset) : Number(offset);
}

function atomic(opcode: number, dst: string, offset: number, src: string, imm: number): Partial<Ins> {
  return {
    opcode: isa.BPF_STX | isa.BPF_ATOMIC | opcode,
    dst: register(dst),
    src: register(src),
    offset,
    imm,
  };
}

function wide(dst: string, value: string): Partial<Ins> {
  const [, symbol, addend = '0'] = /^&(\d+)(?: \+ (\d+))?$/.exec(value) ?? [];
  const fields = { opcode: isa.OP_LD_IMM64, dst: register(dst) };
  if (symbol !== undefined) {
    const reference = {
      insnIndex: 0,
      kind: 'address',
      symbol: Number(symbol),
      addend: Number(addend),
    } as const;
    return { ...fields, reference };
  }
  const bits = BigInt.asUintN(64, BigInt(value));
  return { ...fields, imm: Number(BigInt.asIntN(32, bits)), high: Number(BigInt.asIntN(32, bits >> 32n)) };
}

function call(name: string, args: string): Partial<Ins> {
  const fields = { opcode: isa.OP_CALL, args: Number(args) };
  if (!name.startsWith('&')) {
    const imm = helperId(name);
    if (imm === undefined) throw new Error(`no helper ${name}`);
    return { ...fields, imm };
  }
  const reference = { insnIndex: 0, kind: 'call', symbol: Number(name.slice(1)), addend: 0 } as const;
  return { ...fields, src: isa.BPF_PSEUDO_CALL, imm: -1, reference };
}

type Form = readonly [RegExp, (...parts: string[]) => Partial<Ins>];

function form(pattern: string, build: (...parts: string[]) => Partial<Ins>): Form {
  return [new RegExp(`^${pattern}$`), build];
}

const FORMS: readonly Form[] = [
  form(`${REGISTER} = r10(?: ([+-]) (\\d+))?`, (dst = '', sign = '+', imm = '0') => ({
    opcode: OP_FRAME_ADDRESS,
    dst: register(dst),
    imm: place(sign, imm),
  })),
  form(`${REGISTER} = (.*) ll`, (dst = '', value = '') => wide(dst, value)),
  form(`${REGISTER} = -${REGISTER}`, (dst = '') => arithmetic(dst, isa.BPF_NEG, '0', 0)),
  form(`${REGISTER} = (?:${REGISTER}|${N})`, (dst = '', src, imm = '') =>
    arithmetic(dst, isa.BPF_MOV, src ?? imm, 0),
  ),
  form(`${REGISTER} = \\(s(8|16|32)\\)${REGISTER}`, (dst = '', bits, src = '') =>
    arithmetic(dst, isa.BPF_MOV, src, Number(bits)),
  ),
  form(`${REGISTER} = (le|be|bswap)(\\d+) ${REGISTER}`, (dst = '', kind, bits) => ({
    opcode: (kind === 'bswap' ? isa.BPF_ALU64 : isa.BPF_ALU) | isa.BPF_END | (kind === 'be' ? isa.BPF_X : 0),
    dst: register(dst),
    imm: Number(bits),
  })),
  form(
    `${REGISTER} = ${SIZE}${PLACE}`.replace('= ', '= \\*'),
    (dst = '', type = '', base = '', sign = '', offset = '') => ({
      opcode: isa.BPF_LDX | sizeOf(type) | (type.startsWith('s') ? isa.BPF_MEMSX : isa.BPF_MEM),
      dst: register(dst),
      src: register(base),
      offset: place(sign, offset),
    }),
  ),
  form(`\\*${SIZE}${PLACE} = (.*)`, (type = '', base = '', sign = '', offset = '', value = '') => {
    const { source, ...fields } = operand(value);
    const insnClass = source === isa.BPF_X ? isa.BPF_STX : isa.BPF_ST;
    const opcode = insnClass | isa.BPF_MEM | sizeOf(type);
    return { opcode, dst: register(base), offset: place(sign, offset), ...fields };
  }),
  form(
    `lock \\*${SIZE}${PLACE} (.=) ${REGISTER}`,
    (type = '', base = '', sign = '', offset = '', op = '', src = '') =>
      atomic(
        sizeOf(type),
        base,
        place(sign, offset),
        src,
        keyOf(ATOMIC_OPERATORS, ([symbol]) => symbol === op),
      ),
  ),
  form(
    `${REGISTER} = atomic_fetch_(\\w+)\\(${SIZE}${PLACE}, ${REGISTER}\\)`,
    (_, op, type = '', base = '', sign = '', offset = '', src = '') => {
      const operation = keyOf(ATOMIC_OPERATORS, ([, name]) => name === op) | isa.BPF_FETCH;
      return atomic(sizeOf(type), base, place(sign, offset), src, operation);
    },
  ),
  form(
    `${REGISTER} = xchg(_64|32_32)\\(${PLACE}, ${REGISTER}\\)`,
    (_, suffix, base = '', sign = '', offset = '', src = '') =>
      atomic(suffix === '_64' ? isa.BPF_DW : isa.BPF_W, base, place(sign, offset), src, isa.BPF_XCHG),
  ),
  form(
    `[rw]0 = cmpxchg(_64|32_32)\\(${PLACE}, [rw]0, ${REGISTER}\\)`,
    (suffix, base = '', sign = '', offset = '', src = '') =>
      atomic(suffix === '_64' ? isa.BPF_DW : isa.BPF_W, base, place(sign, offset), src, isa.BPF_CMPXCHG),
  ),
  form(
    `${REGISTER} = load_acquire\\(${SIZE}${PLACE}\\)`,
    (dst = '', type = '', base = '', sign = '', offset = '') =>
      atomic(sizeOf(type), dst, place(sign, offset), base, isa.BPF_LOAD_ACQ),
  ),
  form(
    `store_release\\(${SIZE}${PLACE}, ${REGISTER}\\)`,
    (type = '', base = '', sign = '', offset = '', src = '') =>
      atomic(sizeOf(type), base, place(sign, offset), src, isa.BPF_STORE_REL),
  ),
  form(`call (&?\\w+)/(\\d)`, (name = '', args = '') => call(name, args)),
  form(`${REGISTER} (s(?=[/%]))?([^=s ]+=|s>>=) (.*)`, (dst = '', sign, op = '', second = '') =>
    arithmetic(
      dst,
      keyOf(ALU_OPERATORS, operator => operator === op),
      second,
      sign === undefined ? 0 : 1,
    ),
  ),
];

/** Reads one instruction that is not a jump. */
export function insOf(text: string): Ins {
  const [code = '', note = ''] = text.split(/\s*;\s*/);
  for (const [pattern, build] of FORMS) {
    const match = pattern.exec(code.trim());
    if (match !== null) return node({ ...build(...match.slice(1)), ...notes(note) });
  }
  throw new Error(`not an instruction: ${text}`);
}

/** What follows the `;`. */
export function notes(text: string): Partial<Ins> {
  const access = /core (\S+)/.exec(text)?.[1];
  return {
    line: lineOf(text),
    core: access === undefined ? null : { insnIndex: 0, type: 1, access, kind: 0 },
  };
}

/** The line that notes name. */
export function lineOf(text: string): LineRecord | null {
  const line = /line (\d+)/.exec(text)?.[1];
  if (line === undefined) return null;
  return { insnIndex: 0, file: 'test.c', text: `line ${line}`, line: Number(line), column: 1 };
}

/** A node as text. */
export function textOfIns(ins: Ins): string {
  return named(codeOf(ins)) + noteOf(ins.line, ins.core);
}

/** Line and CO-RE record as notes. */
export function noteOf(line: LineRecord | null, core: Ins['core']): string {
  const parts = [line === null ? '' : `line ${line.line}`, core === null ? '' : `core ${core.access}`];
  const text = parts.filter(part => part !== '').join(' ');
  return text === '' ? '' : ` ; ${text}`;
}

/** Registers by their names in place of their numbers. */
export function named(text: string): string {
  return text.replace(/\b([rw])(\d+)\b/g, (all, letter: string, number: string) => {
    if (Number(number) < FIRST_VIRTUAL) return all;
    return `${letter === 'w' ? 'w' : ''}v${Number(number) - FIRST_VIRTUAL}`;
  });
}

function codeOf(ins: Ins): string {
  const { opcode, dst, imm, high, reference, args } = ins;
  if (opcode === OP_FRAME_ADDRESS) return `r${dst} = r10 ${imm < 0 ? '-' : '+'} ${Math.abs(imm)}`;
  if (opcode === isa.OP_CALL) {
    const target = reference === null ? (helperName(imm) ?? imm) : `&${reference.symbol}`;
    return `call ${target}/${args}`;
  }
  if (opcode === isa.OP_LD_IMM64) {
    if (reference !== null) return `r${dst} = &${reference.symbol} + ${reference.addend} ll`;
    const value = (BigInt.asUintN(32, BigInt(high)) << 32n) | BigInt.asUintN(32, BigInt(imm));
    return `r${dst} = 0x${value.toString(16)} ll`;
  }
  const format = elementAt(
    [noText, formatLoad, formatStoreImmediate, formatStore, formatAlu, noText, noText, formatAlu],
    opcode & 7,
  );
  return format(ins) ?? `unknown 0x${opcode.toString(16)}`;
}

function noText(): undefined {
  return undefined;
}
