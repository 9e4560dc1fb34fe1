/** `ar` archives made by hand, for tests that need no tools. */

import { encodeText } from '../../src/bytes/cursor.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { writeObject } from '../../src/object/write/write.ts';

export interface MemberSpec {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Names that the index says it defines. */
  readonly defines: readonly string[];
}

/** A member from an object, with a true index. */
export function memberOf(object: BpfObject): MemberSpec {
  const defines = object.symbols.flatMap(symbol =>
    symbol.kind !== 'extern' && symbol.binding !== 'local' ? [symbol.name] : [],
  );
  return { name: object.name, bytes: writeObject(object), defines };
}

/** A GNU archive; without an index when `index` is false. Names of members have at most 15 characters. */
export function archiveOf(members: readonly MemberSpec[], index = true): Uint8Array {
  const names = members.flatMap(member => member.defines.map(name => `${name}\0`)).join('');
  const count = members.reduce((sum, member) => sum + member.defines.length, 0);
  const table = new Uint8Array(4 + 4 * count + names.length);
  let at = 8 + (index ? 60 + table.length + (table.length % 2) : 0);
  const offsets = members.flatMap(member => {
    const offset = at;
    at += 60 + member.bytes.length + (member.bytes.length % 2);
    return member.defines.map(() => offset);
  });
  const view = new DataView(table.buffer);
  [count, ...offsets].forEach((value, position) => {
    view.setUint32(4 * position, value);
  });
  table.set(encodeText(names), 4 + 4 * count);
  const parts = [
    encodeText('!<arch>\n'),
    ...(index ? record('/', table) : []),
    ...members.flatMap(member => record(`${member.name}/`, member.bytes)),
  ];
  return Uint8Array.from(parts.flatMap(part => [...part]));
}

function record(name: string, bytes: Uint8Array): Uint8Array[] {
  const numbers = `${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'644'.padEnd(8)}`;
  const header = encodeText(`${name.padEnd(16)}${numbers}${String(bytes.length).padEnd(10)}\`\n`);
  return [header, bytes, encodeText(bytes.length % 2 === 1 ? '\n' : '')];
}
