/**
 * Graphs as text, for tests: `graphOf` reads it, `textOf` writes it.
 *
 * The syntax is that of the disassembler, with virtual registers `v0`, `v1`, … (32 bits: `wv0`), labels, a frame
 * address as `v0 = r10 - 8`, and the number of arguments after the name of a call:
 *
 * ```
 *   v0 = r1
 *   v1 = *(u32 *)(v0 + 4) ; line 7
 *   if wv1 == 2 goto out
 *   call bpf_ktime_get_ns/0
 *   v1 = r0
 * out:
 *   r0 = v1
 *   exit
 * ```
 *
 * A block ends at a jump or before a label; `if … goto A else B` names both targets. Symbols are numbers:
 * `call &3/2`, `v0 = &3 + 8 ll`. Notes follow a `;`: `line N`, `core ACCESS`.
 */

import type { LineRecord } from '../../btf/index.ts';
import { elementAt, valueAt } from '../../bytes/index.ts';
import { ALU_OPERATORS, formatAlu } from '../../isa/disasm-alu.ts';
import { formatJump, JUMP_OPERATORS } from '../../isa/disasm-jump.ts';
import { ATOMIC_OPERATORS, formatLoad, formatStore, formatStoreImmediate } from '../../isa/disasm-memory.ts';
import { helperId, helperName } from '../../isa/index.ts';
import * as isa from '../../isa/opcodes.ts';
import { Graph, type Terminator } from './ir/graph.ts';
import { FIRST_VIRTUAL, type Ins, OP_FRAME_ADDRESS } from './ir/ins.ts';

// --- reading ---------------------------------------------------------------------------------------------------

const R = '(w?v\\d+|[rw]\\d+)';
const N = '(-?\\w+)';
const SIZE = '(?:\\(?([us](?:8|16|32|64)) \\*\\))';
const PLACE = `\\(?${R} ([+-]) (\\d+)\\)?`;
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

function register(name: string): number {
  const number = Number(name.replace(/^\D+/, ''));
  return name.includes('v') ? FIRST_VIRTUAL + number : number;
}

function sizeOf(type: string): number {
  return valueAt(SIZES, type.slice(1));
}

function keyOf<T>(map: ReadonlyMap<number, T>, found: (value: T) => boolean): number {
  for (const [key, value] of map) if (found(value)) return key;
  throw new Error('no such operator');
}

function isNarrow(name: string): boolean {
  return name.startsWith('w');
}

/** Fields of a second operand: register or number. */
function operand(text: string): Partial<Ins> & { readonly source: number } {
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
  form(`${R} = r10(?: ([+-]) (\\d+))?`, (dst = '', sign = '+', imm = '0') => ({
    opcode: OP_FRAME_ADDRESS,
    dst: register(dst),
    imm: place(sign, imm),
  })),
  form(`${R} = (.*) ll`, (dst = '', value = '') => wide(dst, value)),
  form(`${R} = -${R}`, (dst = '') => arithmetic(dst, isa.BPF_NEG, '0', 0)),
  form(`${R} = (?:${R}|${N})`, (dst = '', src, imm = '') => arithmetic(dst, isa.BPF_MOV, src ?? imm, 0)),
  form(`${R} = \\(s(8|16|32)\\)${R}`, (dst = '', bits, src = '') =>
    arithmetic(dst, isa.BPF_MOV, src, Number(bits)),
  ),
  form(`${R} = (le|be|bswap)(\\d+) ${R}`, (dst = '', kind, bits) => ({
    opcode: (kind === 'bswap' ? isa.BPF_ALU64 : isa.BPF_ALU) | isa.BPF_END | (kind === 'be' ? isa.BPF_X : 0),
    dst: register(dst),
    imm: Number(bits),
  })),
  form(
    `${R} = ${SIZE}${PLACE}`.replace('= ', '= \\*'),
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
    `lock \\*${SIZE}${PLACE} (.=) ${R}`,
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
    `${R} = atomic_fetch_(\\w+)\\(${SIZE}${PLACE}, ${R}\\)`,
    (_, op, type = '', base = '', sign = '', offset = '', src = '') => {
      const operation = keyOf(ATOMIC_OPERATORS, ([, name]) => name === op) | isa.BPF_FETCH;
      return atomic(sizeOf(type), base, place(sign, offset), src, operation);
    },
  ),
  form(
    `${R} = xchg(_64|32_32)\\(${PLACE}, ${R}\\)`,
    (_, suffix, base = '', sign = '', offset = '', src = '') =>
      atomic(suffix === '_64' ? isa.BPF_DW : isa.BPF_W, base, place(sign, offset), src, isa.BPF_XCHG),
  ),
  form(
    `[rw]0 = cmpxchg(_64|32_32)\\(${PLACE}, [rw]0, ${R}\\)`,
    (suffix, base = '', sign = '', offset = '', src = '') =>
      atomic(suffix === '_64' ? isa.BPF_DW : isa.BPF_W, base, place(sign, offset), src, isa.BPF_CMPXCHG),
  ),
  form(`${R} = load_acquire\\(${SIZE}${PLACE}\\)`, (dst = '', type = '', base = '', sign = '', offset = '') =>
    atomic(sizeOf(type), dst, place(sign, offset), base, isa.BPF_LOAD_ACQ),
  ),
  form(`store_release\\(${SIZE}${PLACE}, ${R}\\)`, (type = '', base = '', sign = '', offset = '', src = '') =>
    atomic(sizeOf(type), base, place(sign, offset), src, isa.BPF_STORE_REL),
  ),
  form(`call (&?\\w+)/(\\d)`, (name = '', args = '') => call(name, args)),
  form(`${R} (s(?=[/%]))?([^=s ]+=|s>>=) (.*)`, (dst = '', sign, op = '', second = '') =>
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

function notes(text: string): Partial<Ins> {
  const access = /core (\S+)/.exec(text)?.[1];
  return {
    line: lineOf(text),
    core: access === undefined ? null : { insnIndex: 0, type: 1, access, kind: 0 },
  };
}

function lineOf(text: string): LineRecord | null {
  const line = /line (\d+)/.exec(text)?.[1];
  if (line === undefined) return null;
  return { insnIndex: 0, file: 'test.c', text: `line ${line}`, line: Number(line), column: 1 };
}

/** Terminators by name of their targets, until all labels are known. */
type Ending =
  | { readonly kind: 'exit'; readonly line: LineRecord | null }
  | { readonly kind: 'jump'; readonly target: string }
  | { readonly kind: 'branch'; readonly ins: Ins; readonly taken: string; readonly next: string };

const BRANCH = new RegExp(`^if ${R} (\\S+) (\\S+) goto (\\w+)(?: else (\\w+))?$`);

function endingOf(text: string, following: string): Ending | undefined {
  const [code = '', note = ''] = text.trim().split(/\s*;\s*/);
  if (code === 'exit') return { kind: 'exit', line: lineOf(note) };
  const target = /^goto (\w+)$/.exec(code)?.[1];
  if (target !== undefined) return { kind: 'jump', target };
  const match = BRANCH.exec(code);
  if (match === null) return undefined;
  const [, dst = '', operator, second = '', taken = '', next = following] = match;
  const { source, ...fields } = operand(second);
  const operation = keyOf(JUMP_OPERATORS, found => found === operator);
  const opcode = (isNarrow(dst) ? isa.BPF_JMP32 : isa.BPF_JMP) | operation | source;
  return {
    kind: 'branch',
    ins: node({ opcode, dst: register(dst), ...fields, ...notes(note) }),
    taken,
    next,
  };
}

interface TextBlock {
  readonly label: string;
  readonly ins: Ins[];
  ending: Ending | undefined;
}

function textBlocks(text: string): TextBlock[] {
  let current: TextBlock = { label: '#0', ins: [], ending: undefined };
  const blocks = [current];
  const start = (label: string): void => {
    current = { label, ins: [], ending: undefined };
    blocks.push(current);
  };
  for (const line of text.split('\n').map(each => each.trim())) {
    if (line === '') continue;
    const label = /^(\w+):$/.exec(line)?.[1];
    const fallsTo = `#${blocks.length}`;
    if (label !== undefined) {
      const isEmpty = current.label.startsWith('#') && current.ins.length === 0 && blocks.length > 1;
      if (isEmpty && current.ending === undefined) current.ending = { kind: 'jump', target: label };
      start(label);
      continue;
    }
    if (current.ending !== undefined) start(fallsTo);
    current.ending = endingOf(line, `#${blocks.length}`);
    if (current.ending === undefined) current.ins.push(insOf(line));
  }
  return blocks;
}

/** The graph of a text. Block 0 is its first one; the frame reaches to the lowest offset from r10. */
export function graphOf(text: string): Graph {
  const graph = new Graph();
  const blocks = textBlocks(text);
  const labels = new Map<string, number>();
  blocks.forEach(({ label }, index) => {
    labels.set(label, index);
  });
  blocks.forEach((_, index) => {
    if (!labels.has(`#${index}`)) labels.set(`#${index}`, index);
  });
  for (const [index, { ins, ending }] of blocks.entries())
    graph.addBlock(ins, resolved(ending ?? { kind: 'jump', target: `#${index + 1}` }, labels));
  measure(graph);
  return graph;
}

function resolved(ending: Ending, labels: ReadonlyMap<string, number>): Terminator {
  if (ending.kind === 'exit') return ending;
  if (ending.kind === 'jump') return { kind: 'jump', target: valueAt(labels, ending.target) };
  const { ins, taken, next } = ending;
  return { kind: 'branch', ins, taken: valueAt(labels, taken), next: valueAt(labels, next) };
}

function measure(graph: Graph): void {
  let low = 0;
  for (const { ins, terminator } of graph.blocks)
    for (const each of terminator.kind === 'branch' ? [...ins, terminator.ins] : ins) {
      graph.registers = Math.max(graph.registers, each.dst + 1, each.src + 1);
      low = Math.min(low, frameOffset(each));
    }
  graph.frame = Math.ceil(-low / 8) * 8;
}

function frameOffset({ opcode, dst, src, offset, imm }: Ins): number {
  if (opcode === OP_FRAME_ADDRESS) return imm;
  const isMemory = (opcode & 7) <= isa.BPF_STX && opcode !== isa.OP_LD_IMM64;
  return isMemory && (dst === 10 || src === 10) ? offset : 0;
}

// --- writing ---------------------------------------------------------------------------------------------------

/** The graph as text: the blocks that are reached in reverse postorder, as `b0`, `b1`, … without the first label. */
export function textOf(graph: Graph): string {
  const order = graph.order();
  const name = (block: number): string => `b${order.indexOf(block)}`;
  return order
    .flatMap((block, at) => {
      const { ins, terminator } = graph.block(block);
      const label = at === 0 ? [] : [`${name(block)}:`];
      return [...label, ...[...ins.map(textOfIns), ending(terminator, name)].map(line => `  ${line}`)];
    })
    .join('\n');
}

/** Without leading and trailing white space of lines, to compare with `textOf`. */
export function dedented(text: string): string {
  return textOf(graphOf(text));
}

function ending(terminator: Terminator, name: (block: number) => string): string {
  if (terminator.kind === 'exit') return `exit${noteOf(terminator.line, null)}`;
  if (terminator.kind === 'jump') return `goto ${name(terminator.target)}`;
  const { ins, taken, next } = terminator;
  const test = named(formatJump({ ...ins, offset: 0 }, undefined) ?? '').replace(/ goto .*/, '');
  return `${test} goto ${name(taken)} else ${name(next)}${noteOf(ins.line, ins.core)}`;
}

/** A node as text. */
export function textOfIns(ins: Ins): string {
  return named(codeOf(ins)) + noteOf(ins.line, ins.core);
}

function noteOf(line: LineRecord | null, core: Ins['core']): string {
  const parts = [line === null ? '' : `line ${line.line}`, core === null ? '' : `core ${core.access}`];
  const text = parts.filter(part => part !== '').join(' ');
  return text === '' ? '' : ` ; ${text}`;
}

function named(text: string): string {
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
