/**
 * What a call returns while nothing is bound, where the neutral declaration of the program function says so.
 */

import { type BpfObject, type SymbolIndex, symbolOf } from '../../object/index.ts';

const TAG_PREFIX = 'rootlet:default=';

/** The default that a declaration tag of the function gives (`rootlet:default=1`); undefined without one. */
export function taggedDefault(object: BpfObject, index: SymbolIndex): number | undefined {
  const { btf } = object;
  const func = symbolOf(object, index).btfId;
  for (let id = 1; btf !== null && func !== 0 && id <= btf.count; id++) {
    const tag = btf.type(id);
    if (tag.kind !== 'decl_tag' || tag.type !== func || tag.component >= 0) continue;
    if (!tag.name.startsWith(TAG_PREFIX)) continue;
    const value = Number(tag.name.slice(TAG_PREFIX.length));
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
  }
  return undefined;
}
