/** Objects whose variables have other initial values: settings, and what a running chain has in memory. */

import { encodeValue } from '../../../btf/index.ts';
import {
  type BpfObject,
  globalsKind,
  sectionNameOf,
  untypedBytes,
  type VariableSymbol,
} from '../../../object/index.ts';

/** Bytes of variables by `SECTION:NAME`; sections of components have the names of their files. */
export type VariableBytes = ReadonlyMap<string, Uint8Array>;

/** Values for variables that are there and have the size; a value that was given goes before bytes. */
export function withInitial(
  object: BpfObject,
  globals: ReadonlyMap<string, unknown>,
  live: VariableBytes,
): BpfObject {
  const symbols = object.symbols.map(symbol => {
    if (symbol.kind !== 'variable' || symbol.name === '') return symbol;
    const section = sectionNameOf(object, symbol);
    const key = `${section}:${symbol.name}`;
    const given = globals.has(key) ? globals.get(key) : globals.get(symbol.name);
    // constants are those of the file that is loaded
    const now = globalsKind(section) === 'rodata' ? undefined : live.get(key);
    const bytes = given === undefined ? now : bytesOf(object, symbol, given);
    return bytes?.length === symbol.size ? { ...symbol, bytes } : symbol;
  });
  return { ...object, symbols };
}

/** Undefined for what does not fit, which the check of the change reports. */
function bytesOf(object: BpfObject, symbol: VariableSymbol, value: unknown): Uint8Array | undefined {
  const { btf, byteOrder: order } = object;
  if (value instanceof Uint8Array) return value;
  if (btf === null || symbol.btfId === 0) return untypedBytes(value, symbol.size, order);
  const bytes = new Uint8Array(symbol.size);
  encodeValue({ btf, order }, symbol.btfId, value, bytes, 0);
  return bytes;
}
