/**
 * Types that the kernel keeps with maps: they describe the contents of an old map without any other record.
 */

import { type Btf, type BtfId, parseBtf } from '../btf/index.ts';
import { type BpfMap, HOST_ORDER, typesById } from '../kernel/index.ts';

export interface KeptTypes {
  readonly btf: Btf;
  /** Types of key and value; 0 where the map was created without. */
  readonly key: BtfId;
  readonly value: BtfId;
}

/** Types of maps, each BTF object read once. */
export class MapTypes {
  readonly #btf = new Map<number, Btf | undefined>();

  /** Undefined when the map was created without types. */
  of(map: BpfMap): KeptTypes | undefined {
    const { btfId, keyTypeId, valueTypeId } = map.info();
    if (btfId === 0) return undefined;
    if (!this.#btf.has(btfId)) this.#btf.set(btfId, readBtf(map, btfId));
    const btf = this.#btf.get(btfId);
    return btf === undefined ? undefined : { btf, key: keyTypeId, value: valueTypeId };
  }
}

function readBtf(map: BpfMap, id: number): Btf | undefined {
  const bytes = typesById(map.sys, id);
  return bytes === undefined ? undefined : parseBtf(bytes, HOST_ORDER);
}
