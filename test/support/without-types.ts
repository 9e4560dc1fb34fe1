/** Objects as if they were compiled without `-g`, or stripped of BTF. */

import type { BpfObject, BpfSymbol } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';

/** The bytes of the object without `.BTF` and `.BTF.ext`. */
export function withoutTypes(object: BpfObject): Uint8Array {
  return writeObject({ ...object, btf: null, symbols: object.symbols.map(untyped) });
}

/** Whether types alone say what the object consists of: maps, names of the kernel, CO-RE. */
export function dependsOnTypes(object: BpfObject): boolean {
  return object.symbols.some(
    symbol =>
      symbol.kind === 'map' ||
      (symbol.kind === 'extern' && symbol.section !== null) ||
      (symbol.kind === 'function' && symbol.coreRecords.length > 0) ||
      (symbol.kind === 'variable' && symbol.common === true),
  );
}

/** A file read, stripped of types, and named `NAME.o`. */
export function strippedInput(name: string, bytes: Uint8Array): { name: string; bytes: Uint8Array } {
  return { name: `${name}.o`, bytes: withoutTypes(readObject({ name: `${name}.o`, bytes })) };
}

function untyped(symbol: BpfSymbol): BpfSymbol {
  if (symbol.kind !== 'function') return { ...symbol, btfId: 0 };
  return { ...symbol, btfId: 0, lines: [], coreRecords: [] };
}
