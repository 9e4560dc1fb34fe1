/** Objects as if they were compiled without `-g`, or stripped of BTF. */

import type { BpfObject, BpfSymbol } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';

interface File {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The file without `.BTF` and `.BTF.ext`; the file itself if only types say what is in it. */
export function stripped(file: File): File {
  const object = readObject(file);
  if (dependsOnTypes(object)) return file;
  const bytes = writeObject({ ...object, btf: null, symbols: object.symbols.map(untyped) });
  return { name: file.name, bytes };
}

/** Maps, names of the kernel, CO-RE and tags: without types they are something else. */
function dependsOnTypes({ btf, symbols }: BpfObject): boolean {
  for (let id = 1; btf !== null && id <= btf.count; id++) if (btf.type(id).kind === 'decl_tag') return true;
  return symbols.some(
    symbol =>
      symbol.kind === 'map' ||
      (symbol.kind === 'extern' && symbol.section !== null) ||
      (symbol.kind === 'function' && symbol.coreRecords.length > 0) ||
      (symbol.kind === 'variable' && symbol.common === true),
  );
}

function untyped(symbol: BpfSymbol): BpfSymbol {
  if (symbol.kind !== 'function') return { ...symbol, btfId: 0 };
  return { ...symbol, btfId: 0, lines: [], coreRecords: [] };
}
