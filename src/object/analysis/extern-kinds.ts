/**
 * What an extern is: a function, a variable or a map.
 *
 * Its BTF type says so, or the section that BTF lists it in. An extern of assembly or of GCC has no BTF: then
 * its references say it, as for a linker of machine code. A call needs a function, an initial value of a map
 * of maps needs a map, and what an instruction loads from or stores to is a variable. Separate from the
 * resolution of names, because dynamic binding and the loader ask for the same.
 */

import { elementAt } from '../../bytes/index.ts';
import {
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  CodeView,
  classOf,
  helperId,
  isJumpClass,
  OP_CALL,
  OP_LD_IMM64,
} from '../../isa/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type FunctionSymbol,
  type MapSymbol,
  parseMapDefinition,
  type SymbolIndex,
} from '../model/index.ts';

/** What a symbol with contents is, or what an extern stands for. */
export type SymbolKind = 'function' | 'variable' | 'map';

/** What the type of a symbol or its section declare it to be; undefined for an extern without BTF. */
export function declaredKind(object: BpfObject, symbol: BpfSymbol): SymbolKind | undefined {
  if (symbol.kind !== 'extern') return symbol.kind;
  if (symbol.section === '.maps') return 'map';
  if (object.btf === null || symbol.btfId === 0) return undefined;
  return object.btf.type(symbol.btfId).kind === 'func' ? 'function' : 'variable';
}

/** A reference that only one kind of symbol can satisfy. */
export interface Requirement {
  /** Symbol that holds the reference, and the one it refers to. */
  readonly from: SymbolIndex;
  readonly to: SymbolIndex;
  readonly kind: SymbolKind;
  /** Instruction of a function, byte offset in a map. */
  readonly position: number;
}

/**
 * What the references to the wanted symbols require, in order. Only references to externs without a declaration
 * are judged by how the code uses the address: C has checked all others. Throws `map-…` for a definition that
 * cannot be read.
 */
export function requirementsOf(object: BpfObject, isWanted: (to: SymbolIndex) => boolean): Requirement[] {
  return object.symbols.flatMap((symbol, from): Requirement[] => {
    if (symbol.kind !== 'function' && symbol.kind !== 'map') return NOTHING;
    if (!symbol.references.some(({ symbol: to }) => isWanted(to))) return NOTHING;
    const all =
      symbol.kind === 'function'
        ? requirementsOfCode(object, symbol, from)
        : requirementsOfMap(object, symbol, from);
    return all.filter(({ to }) => isWanted(to));
  });
}

const NOTHING: Requirement[] = [];

/** What an extern is by its declaration, else by the first reference that requires something. */
export function kindOfExtern(object: BpfObject, index: SymbolIndex): SymbolKind | undefined {
  const symbol = elementAt(object.symbols, index);
  const declared = declaredKind(object, symbol);
  return declared ?? requirementsOf(object, to => to === index)[0]?.kind;
}

function requirementsOfCode(object: BpfObject, symbol: FunctionSymbol, from: SymbolIndex): Requirement[] {
  return symbol.references.flatMap(({ kind, symbol: to, insnIndex: position }): Requirement[] => {
    if (kind === 'call') return [{ from, to, kind: 'function', position }];
    const target = elementAt(object.symbols, to);
    if (declaredKind(object, target) !== undefined) return [];
    const used = useOfAddress(new CodeView(symbol.code, object.byteOrder), position);
    return used === undefined ? [] : [{ from, to, kind: used, position }];
  });
}

function requirementsOfMap(object: BpfObject, map: MapSymbol, from: SymbolIndex): Requirement[] {
  if (map.references.length === 0 || map.btfId === 0 || object.btf === null) return [];
  const { inner, holdsPrograms } = parseMapDefinition(object, map);
  if (inner === null && !holdsPrograms) return [];
  const kind = inner === null ? 'function' : 'map';
  return map.references.map(({ symbol: to, offset: position }) => ({ from, to, kind, position }));
}

// --- use of an address ------------------------------------------------------------------------------------------

/** Helpers with the register that holds their map. */
const MAP_ARGUMENTS: ReadonlyMap<number, number> = new Map(
  (
    [
      ['bpf_map_lookup_elem', 1],
      ['bpf_map_update_elem', 1],
      ['bpf_map_delete_elem', 1],
      ['bpf_map_push_elem', 1],
      ['bpf_map_pop_elem', 1],
      ['bpf_map_peek_elem', 1],
      ['bpf_map_lookup_percpu_elem', 1],
      ['bpf_for_each_map_elem', 1],
      ['bpf_redirect_map', 1],
      ['bpf_ringbuf_output', 1],
      ['bpf_ringbuf_reserve', 1],
      ['bpf_ringbuf_query', 1],
      ['bpf_tail_call', 2],
      ['bpf_perf_event_output', 2],
    ] as const
  ).flatMap(([name, register]) => {
    const id = helperId(name);
    return id === undefined ? [] : [[id, register] as const];
  }),
);

/**
 * What the instructions after an `ld_imm64`, up to the next jump, do with the address: memory that they access
 * is a variable, the map argument of a helper is a map. Undefined when they do neither.
 */
function useOfAddress(code: CodeView, insnIndex: number): SymbolKind | undefined {
  const holders = new Set([code.dst(insnIndex)]);
  for (let at = insnIndex + 2; at < code.length && holders.size > 0; at++) {
    const insnClass = classOf(code.opcode(at));
    if (code.opcode(at) === OP_CALL) return useByCall(code, at, holders);
    if (isJumpClass(code.opcode(at))) return undefined;
    if (insnClass === BPF_LDX && holders.has(code.src(at))) return 'variable';
    if ((insnClass === BPF_ST || insnClass === BPF_STX) && holders.has(code.dst(at))) return 'variable';
    if (insnClass !== BPF_ST && insnClass !== BPF_STX) follow(code, at, holders);
    if (code.opcode(at) === OP_LD_IMM64) at++;
  }
  return undefined;
}

function useByCall(code: CodeView, at: number, holders: ReadonlySet<number>): SymbolKind | undefined {
  const register = code.src(at) === 0 ? MAP_ARGUMENTS.get(code.imm(at)) : undefined;
  return register !== undefined && holders.has(register) ? 'map' : undefined;
}

/** `rX = rY` of 64 bits. */
const OP_MOVE = 0xbf;

function follow(code: CodeView, at: number, holders: Set<number>): void {
  if (code.opcode(at) === OP_MOVE && code.offset(at) === 0 && holders.has(code.src(at)))
    holders.add(code.dst(at));
  else holders.delete(code.dst(at));
}
