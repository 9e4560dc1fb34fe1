/**
 * One program out of many functions: the entry, then every function that it reaches, each once.
 *
 * The kernel takes a program as one array of instructions. Functions are appended in the order in which libbpf
 * appends them (depth first, a callee before the caller's next call), so that the same object gives the same program
 * tag in both loaders.
 */

import { bugError, inputError, quote } from '../../diag/index.ts';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CodeView, INSN_SIZE } from '../../isa/index.ts';
import type { BpfObject, CodeReference, FunctionSymbol, SymbolIndex } from '../../object/index.ts';

export interface PlacedFunction {
  readonly index: SymbolIndex;
  readonly symbol: FunctionSymbol;
  /** First instruction in the flattened program. */
  readonly start: number;
}

/** A reference to something that is no function, where it lies in the flattened program. */
export interface OpenReference {
  readonly insnIndex: number;
  readonly reference: CodeReference;
  /** Name of the function that holds it, for messages. */
  readonly holder: string;
}

export interface FlatProgram {
  /** Copy of the instructions; calls and function addresses are final, other references as in the object. */
  readonly code: CodeView;
  /** In order of `start`. */
  readonly functions: readonly PlacedFunction[];
  /** In order of `insnIndex`. */
  readonly open: readonly OpenReference[];
}

/** The program that starts at the function `entry`. */
export function flatten(object: BpfObject, entry: SymbolIndex): FlatProgram {
  const functions = placeFunctions(object, entry);
  const starts = new Map(functions.map(placed => [placed.index, placed.start]));
  const last = functions.at(-1);
  const total = last === undefined ? 0 : last.start + last.symbol.code.length / INSN_SIZE;
  const bytes = new Uint8Array(total * INSN_SIZE);
  const code = new CodeView(bytes, object.byteOrder);
  const open: OpenReference[] = [];
  for (const placed of functions) {
    bytes.set(placed.symbol.code, placed.start * INSN_SIZE);
    for (const reference of inOrder(placed.symbol)) {
      const insnIndex = placed.start + reference.insnIndex;
      const target = starts.get(reference.symbol);
      if (target === undefined) open.push({ insnIndex, reference, holder: placed.symbol.name });
      else resolve(code, insnIndex, reference, target);
    }
  }
  return { code, functions, open };
}

interface Visit {
  readonly references: readonly CodeReference[];
  next: number;
}

/** Depth first with a stack of our own: call graphs come from files. */
function placeFunctions(object: BpfObject, entry: SymbolIndex): PlacedFunction[] {
  const functions: PlacedFunction[] = [];
  const seen = new Set<SymbolIndex>();
  const stack: Visit[] = [];
  let end = 0;
  const place = (index: SymbolIndex, symbol: FunctionSymbol) => {
    if (symbol.code.length === 0 || symbol.code.length % INSN_SIZE !== 0) {
      throw inputError(
        'load-empty-function',
        [`function ${quote(symbol.name)}`],
        'has no whole instructions',
      );
    }
    seen.add(index);
    functions.push({ index, symbol, start: end });
    end += symbol.code.length / INSN_SIZE;
    stack.push({ references: inOrder(symbol), next: 0 });
  };
  const first = object.symbols[entry];
  if (first?.kind !== 'function') throw bugError([object.name], `symbol ${entry} is no function`);
  place(entry, first);
  for (let visit = stack.at(-1); visit !== undefined; visit = stack.at(-1)) {
    const reference = visit.references[visit.next];
    visit.next += 1;
    if (reference === undefined) {
      stack.pop();
      continue;
    }
    const target = object.symbols[reference.symbol];
    if (target?.kind === 'function' && !seen.has(reference.symbol)) place(reference.symbol, target);
  }
  return functions;
}

function inOrder(symbol: FunctionSymbol): readonly CodeReference[] {
  return [...symbol.references].sort((a, b) => a.insnIndex - b.insnIndex);
}

/** Distances are counted from the instruction behind the (first slot of the) one that holds the reference. */
function resolve(code: CodeView, insnIndex: number, reference: CodeReference, target: number): void {
  const distance = target + reference.addend / INSN_SIZE - insnIndex - 1;
  code.setSrc(insnIndex, reference.kind === 'call' ? BPF_PSEUDO_CALL : BPF_PSEUDO_FUNC);
  code.setImm(insnIndex, distance);
}
