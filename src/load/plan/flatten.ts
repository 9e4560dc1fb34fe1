/**
 * One program out of many functions: the entry, then every function that it reaches, each once; last its
 * exception callback, which nothing refers to.
 *
 * The kernel takes a program as one array of instructions. Functions are appended in the order of
 * `programFunctions`, which is libbpf's, so that the same object gives the same program tag in both loaders.
 */

import { bugError, inputError, quote } from '../../diag/index.ts';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CodeView } from '../../isa/index.ts';
import {
  type BpfObject,
  type CodeReference,
  type FunctionSymbol,
  programFunctions,
  referencesInOrder,
  type SymbolIndex,
} from '../../object/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';

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
    for (const reference of referencesInOrder(placed.symbol)) {
      const insnIndex = placed.start + reference.insnIndex;
      const target = starts.get(reference.symbol);
      if (target === undefined) open.push({ insnIndex, reference, holder: placed.symbol.name });
      else resolve(code, insnIndex, reference, target);
    }
  }
  return { code, functions, open };
}

/** Every function once, each after the ones before it. */
function placeFunctions(object: BpfObject, entry: SymbolIndex): PlacedFunction[] {
  if (object.symbols[entry]?.kind !== 'function')
    throw bugError([object.name], `symbol ${entry} is no function`);
  let end = 0;
  return programFunctions(object, entry).flatMap((index): PlacedFunction[] => {
    const symbol = object.symbols[index];
    if (symbol?.kind !== 'function') return [];
    requireWholeInstructions(symbol);
    const start = end;
    end += symbol.code.length / INSN_SIZE;
    return [{ index, symbol, start }];
  });
}

function requireWholeInstructions({ name, code }: FunctionSymbol): void {
  if (code.length > 0 && code.length % INSN_SIZE === 0) return;
  throw inputError('load-empty-function', [`function ${quote(name)}`], 'has no whole instructions');
}

/** Distances are counted from the instruction behind the (first slot of the) one that holds the reference. */
function resolve(code: CodeView, insnIndex: number, reference: CodeReference, target: number): void {
  const distance = target + reference.addend / INSN_SIZE - insnIndex - 1;
  code.setSrc(insnIndex, reference.kind === 'call' ? BPF_PSEUDO_CALL : BPF_PSEUDO_FUNC);
  code.setImm(insnIndex, distance);
}
