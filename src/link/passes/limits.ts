/**
 * What a kernel would refuse, said before anything is written.
 *
 * Over the call graph of every program (calls, and functions whose address is taken as call-backs): 8 frames, 512 bytes
 * of stack together, 256 functions, 64 maps; helpers that the licence does not allow. Stack depths are lower bounds, so
 * that nothing is refused which a kernel would take.
 *
 * Source: Linux kernel/bpf/verifier.c (check_max_stack_depth, MAX_USED_MAPS, BPF_MAX_SUBPROGS).
 */

import { type Problem, quote } from '../../diag/index.ts';
import {
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  CodeView,
  helperName,
  OP_CALL,
  stackDepth,
} from '../../isa/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  licenseOf,
  programsOf,
  type SymbolIndex,
} from '../../object/index.ts';
import { sourceLine } from '../resolve/index.ts';
import { isGplCompatible } from './license.ts';

export const MAX_CALL_FRAMES = 8;
export const MAX_STACK_BYTES = 512;
const MAX_FUNCTIONS = 256;
const MAX_MAPS = 64;
/** The kernel rounds each frame up: to 16 bytes where it compiles programs (since 6.8), to 32 before and elsewhere. */
const STACK_ROUNDING = 16;

/** Helpers that only GPL-compatible programs may call and that network programs use. */
const GPL_HELPERS: ReadonlySet<number> = new Set([
  4, 5, 6, 22, 25, 27, 45, 55, 56, 67, 111, 112, 113, 114, 115, 121, 125, 177,
]);

/** What a program takes, and what kernels allow. */
export interface ProgramLimits {
  readonly program: string;
  /** Functions on top of each other; `used` is null when the program calls itself. */
  readonly frames: { readonly used: number | null; readonly allowed: number };
  /** The calls that go deepest, by name. */
  readonly deepestCalls: readonly string[];
  /** Bytes, all frames of the path that takes most; a lower bound. */
  readonly stack: { readonly used: number | null; readonly allowed: number };
  readonly functions: { readonly used: number; readonly allowed: number };
  /** Maps, sections of globals among them. */
  readonly maps: { readonly used: number; readonly allowed: number };
}

/** How much each program takes, in order of programs. */
export function measureLimits(object: BpfObject): ProgramLimits[] {
  const graph = new CallGraph(object);
  return programsOf(object).map(({ index, program }): ProgramLimits => {
    const calls = graph.deepest(index, () => 1);
    const stack = graph.deepest(index, at => graph.frame(at));
    const functions = graph.reachable(index);
    const maps = new Set(functions.flatMap(at => mapsOf(object, graph.function(at))));
    const finite = (total: number): number | null => (Number.isFinite(total) ? total : null);
    return {
      program: program.name,
      frames: { used: finite(calls.total), allowed: MAX_CALL_FRAMES },
      deepestCalls: calls.path.map(at => graph.function(at)?.name ?? ''),
      stack: { used: finite(stack.total), allowed: MAX_STACK_BYTES },
      functions: { used: functions.length, allowed: MAX_FUNCTIONS },
      maps: { used: maps.size, allowed: MAX_MAPS },
    };
  });
}

/** Everything that would be refused, in order of programs. */
export function checkLimits(object: BpfObject): Problem[] {
  const graph = new CallGraph(object);
  return programsOf(object)
    .flatMap(({ index, program }) => [
      ...depthProblems(object, graph, index),
      ...countProblems(object, graph, index, program),
    ])
    .concat(licenseProblems(object));
}

class CallGraph {
  readonly #object: BpfObject;
  readonly #callees = new Map<SymbolIndex, readonly SymbolIndex[]>();
  readonly #depths = new Map<SymbolIndex, number>();

  constructor(object: BpfObject) {
    this.#object = object;
  }

  function(index: SymbolIndex): FunctionSymbol | undefined {
    const symbol = this.#object.symbols[index];
    return symbol?.kind === 'function' ? symbol : undefined;
  }

  /** Functions that this one calls or hands to a helper, each once. */
  callees(index: SymbolIndex): readonly SymbolIndex[] {
    const known = this.#callees.get(index);
    if (known !== undefined) return known;
    const targets = this.function(index)?.references.map(reference => reference.symbol) ?? [];
    const callees = [...new Set(targets)].filter(target => this.function(target) !== undefined);
    this.#callees.set(index, callees);
    return callees;
  }

  /** Bytes of one frame as the kernel counts them. */
  frame(index: SymbolIndex): number {
    const known = this.#depths.get(index);
    if (known !== undefined) return known;
    const code = this.function(index)?.code ?? new Uint8Array(0);
    const depth = stackDepth(new CodeView(code, this.#object.byteOrder));
    const rounded = Math.ceil(Math.max(depth, 1) / STACK_ROUNDING) * STACK_ROUNDING;
    this.#depths.set(index, rounded);
    return rounded;
  }

  /** All functions that a program can reach, itself first. */
  reachable(root: SymbolIndex): SymbolIndex[] {
    const seen = new Set([root]);
    for (const index of seen) for (const callee of this.callees(index)) seen.add(callee);
    return [...seen];
  }

  /**
   * The deepest path from a function by `weight` of each frame: functions are finished after their callees, so that
   * each is weighed once; a cycle ends the walk with the path that closes it.
   */
  deepest(root: SymbolIndex, weight: (index: SymbolIndex) => number): DeepestPath {
    const done = new Map<SymbolIndex, { readonly total: number; readonly next: SymbolIndex }>();
    const open = new Set<SymbolIndex>();
    const work: SymbolIndex[] = [root];
    for (let index = work.at(-1); index !== undefined; index = work.at(-1)) {
      if (done.has(index)) {
        work.pop();
        continue;
      }
      const pending = this.callees(index).filter(callee => !done.has(callee));
      const cyclic = open.has(index)
        ? undefined
        : pending.find(callee => callee === index || open.has(callee));
      if (cyclic !== undefined) return { total: Number.POSITIVE_INFINITY, path: [...open, index, cyclic] };
      if (pending.length > 0 && !open.has(index)) {
        open.add(index);
        work.push(...pending);
        continue;
      }
      open.delete(index);
      work.pop();
      done.set(index, this.#heaviest(index, weight, done));
    }
    return { total: done.get(root)?.total ?? 0, path: pathFrom(root, done) };
  }

  #heaviest(
    index: SymbolIndex,
    weight: (index: SymbolIndex) => number,
    done: ReadonlyMap<SymbolIndex, { readonly total: number; readonly next: SymbolIndex }>,
  ): { readonly total: number; readonly next: SymbolIndex } {
    let best = { total: 0, next: -1 };
    for (const callee of this.callees(index)) {
      const total = done.get(callee)?.total ?? 0;
      if (total > best.total) best = { total, next: callee };
    }
    return { total: best.total + weight(index), next: best.next };
  }
}

interface DeepestPath {
  readonly total: number;
  readonly path: readonly SymbolIndex[];
}

function pathFrom(
  root: SymbolIndex,
  done: ReadonlyMap<SymbolIndex, { readonly next: SymbolIndex }>,
): SymbolIndex[] {
  const path: SymbolIndex[] = [];
  for (let index = root; index >= 0; index = done.get(index)?.next ?? -1) path.push(index);
  return path;
}

function problem(
  object: BpfObject,
  code: string,
  program: string,
  message: string,
  details: readonly string[],
): Problem {
  return { code, class: 'input', where: [object.name, `program ${quote(program)}`], message, details };
}

function depthProblems(object: BpfObject, graph: CallGraph, root: SymbolIndex): Problem[] {
  const program = graph.function(root)?.name ?? '';
  const name = (index: SymbolIndex): string => graph.function(index)?.name ?? '';
  const calls = graph.deepest(root, () => 1);
  if (calls.total === Number.POSITIVE_INFINITY) {
    return [
      problem(object, 'relink-recursion', program, 'calls itself, which the kernel does not allow', [
        calls.path.map(name).join(' -> '),
      ]),
    ];
  }
  const problems: Problem[] = [];
  if (calls.total > MAX_CALL_FRAMES) {
    const message = `calls ${calls.total} functions deep; the kernel allows ${MAX_CALL_FRAMES}`;
    problems.push(
      problem(object, 'relink-call-depth', program, message, [calls.path.map(name).join(' -> ')]),
    );
  }
  const stack = graph.deepest(root, index => graph.frame(index));
  if (stack.total > MAX_STACK_BYTES) {
    const message = `takes ${stack.total} bytes of stack; the kernel allows ${MAX_STACK_BYTES}`;
    problems.push(
      problem(object, 'relink-stack', program, message, [
        stack.path.map(index => `${name(index)} (${graph.frame(index)})`).join(' -> '),
      ]),
    );
  }
  return problems;
}

function countProblems(
  object: BpfObject,
  graph: CallGraph,
  root: SymbolIndex,
  program: FunctionSymbol,
): Problem[] {
  const functions = graph.reachable(root);
  const maps = new Set(functions.flatMap(index => mapsOf(object, graph.function(index))));
  const problems: Problem[] = [];
  if (functions.length > MAX_FUNCTIONS) {
    problems.push(
      problem(
        object,
        'relink-functions',
        program.name,
        `has ${functions.length} functions; the kernel allows ${MAX_FUNCTIONS}`,
        [],
      ),
    );
  }
  if (maps.size > MAX_MAPS) {
    problems.push(
      problem(
        object,
        'relink-maps',
        program.name,
        `uses ${maps.size} maps; the kernel allows ${MAX_MAPS}`,
        [],
      ),
    );
  }
  return problems;
}

/** Maps and globals sections (each becomes a map) that a function refers to. */
function mapsOf(object: BpfObject, symbol: FunctionSymbol | undefined): string[] {
  return (symbol?.references ?? []).flatMap(reference => {
    const target = object.symbols[reference.symbol];
    if (target?.kind === 'map') return [`map ${reference.symbol}`];
    return target?.kind === 'variable' ? [`section ${target.section}`] : [];
  });
}

// --- licence ------------------------------------------------------------------------------------------------------

function licenseProblems(object: BpfObject): Problem[] {
  const license = licenseOf(object) ?? '';
  if (isGplCompatible(license)) return [];
  return object.symbols.flatMap(symbol =>
    symbol.kind === 'function' ? gplCalls(object, symbol, license) : [],
  );
}

function gplCalls(object: BpfObject, symbol: FunctionSymbol, license: string): Problem[] {
  const code = new CodeView(symbol.code, object.byteOrder);
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    if (code.opcode(insnIndex) !== OP_CALL) continue;
    const source = code.src(insnIndex);
    if (
      source === BPF_PSEUDO_CALL ||
      source === BPF_PSEUDO_KFUNC_CALL ||
      !GPL_HELPERS.has(code.imm(insnIndex))
    )
      continue;
    const line = sourceLine(symbol, insnIndex);
    return [
      {
        code: 'relink-gpl-helper',
        class: 'input',
        where: [object.name, `function ${quote(symbol.name)}`, `insn ${insnIndex}`],
        message: `calls ${helperName(code.imm(insnIndex)) ?? code.imm(insnIndex)}, which only GPL-compatible programs may; the licence is ${quote(license)}`,
        ...(line === null ? {} : { details: [line] }),
      },
    ];
  }
  return [];
}
