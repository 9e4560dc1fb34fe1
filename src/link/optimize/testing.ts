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
import { valueAt } from '../../bytes/index.ts';
import { formatJump, JUMP_OPERATORS } from '../../isa/disasm-jump.ts';
import * as isa from '../../isa/opcodes.ts';
import { Graph, type Terminator } from './ir/graph.ts';
import { type Ins, OP_FRAME_ADDRESS } from './ir/ins.ts';
import {
  insOf,
  isNarrow,
  keyOf,
  lineOf,
  named,
  node,
  noteOf,
  notes,
  operand,
  REGISTER,
  register,
  textOfIns,
} from './ir/testing.ts';

export { insOf, node, textOfIns };

/** Terminators by name of their targets, until all labels are known. */
type Ending =
  | { readonly kind: 'exit'; readonly line: LineRecord | null }
  | { readonly kind: 'jump'; readonly target: string }
  | { readonly kind: 'branch'; readonly ins: Ins; readonly taken: string; readonly next: string };

const BRANCH = new RegExp(`^if ${REGISTER} (\\S+) (\\S+) goto (\\w+)(?: else (\\w+))?$`);

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
