/**
 * Which member of a simulated chain ran last: each program begins with a store of its number into a variable that
 * all members share. Only objects for the machine are marked.
 */

import { type ByteOrder, viewOf } from '../../../bytes/index.ts';
import { SHF_ALLOC, SHF_WRITE, SHT_PROGBITS } from '../../../elf/index.ts';
import { addressOf, assemble, BPF_W, encodeInsns, storeImmediate } from '../../../isa/index.ts';
import type { BpfObject, FunctionSymbol, SectionShell, VariableSymbol } from '../../../object/index.ts';
import type { Machine } from '../../../vm/index.ts';

/** Shared by all members, and a name that no C file has. */
export const MARK = 'rootlet.member';
const SECTION = '.data.rootlet';
const SIZE = 4;
/** Free at the start of a program, which has one argument. */
const SCRATCH = 2;

/** The object with a program that stores `number`. */
export function withMark(object: BpfObject, program: string, number: number): BpfObject {
  const at = object.symbols.length;
  const { insns, references } = assemble([addressOf(SCRATCH, at), storeImmediate(BPF_W, SCRATCH, 0, number)]);
  const prefix = { code: encodeInsns(insns, object.byteOrder), references };
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' && symbol.name === program ? prefixed(symbol, prefix) : symbol,
  );
  const shell: SectionShell = {
    name: SECTION,
    type: SHT_PROGBITS,
    flags: SHF_ALLOC | SHF_WRITE,
    align: SIZE,
    entsize: 0,
    role: 'data',
  };
  const variable: VariableSymbol = {
    kind: 'variable',
    name: MARK,
    binding: 'weak',
    visibility: 'default',
    section: object.sections.length,
    origin: { file: object.name, offset: 0 },
    size: SIZE,
    align: SIZE,
    bytes: new Uint8Array(SIZE),
    references: [],
    btfId: 0,
  };
  return { ...object, sections: [...object.sections, shell], symbols: [...symbols, variable] };
}

function prefixed(
  symbol: FunctionSymbol,
  prefix: Pick<FunctionSymbol, 'code' | 'references'>,
): FunctionSymbol {
  const { length } = prefix.code;
  const shift = length / 8;
  const code = new Uint8Array(length + symbol.code.length);
  code.set(prefix.code);
  code.set(symbol.code, length);
  const moved = <T extends { readonly insnIndex: number }>(one: T): T => ({
    ...one,
    insnIndex: one.insnIndex + shift,
  });
  return {
    ...symbol,
    code,
    references: [...prefix.references, ...symbol.references.map(moved)],
    lines: [...symbol.lines].map(moved),
    coreRecords: symbol.coreRecords.map(moved),
  };
}

/** Reads the number that the last run stored, and clears it; 0 where no member ran. */
export function takeMark(machine: Machine, order: ByteOrder): () => number {
  const map = [...machine.maps.values()].find(one => one.variables?.some(({ name }) => name === MARK));
  const offset = map?.variables?.find(({ name }) => name === MARK)?.offset;
  const key = new Uint8Array(4);
  return () => {
    const value = map?.lookup(key);
    if (map === undefined || value === undefined || offset === undefined) return 0;
    const number = viewOf(value).getUint32(offset, order === 'little');
    if (number !== 0) map.update(key, value.fill(0, offset, offset + SIZE));
    return number;
  };
}
