/** Maps by the types of their keys and values instead of bytes. */

import {
  type BtfId,
  type BtfValue,
  decodeData,
  encodeValue,
  sizeOfType,
  type ValueTypes,
} from '../../btf/index.ts';
import { alignUp } from '../../bytes/index.ts';
import { counted, usageError } from '../../diag/index.ts';
import { type BpfMap, isPerCpu } from '../../kernel/index.ts';

/**
 * A view of a map; closing the map closes it. Keys and values without a type are bytes; per-CPU values are
 * arrays.
 */
export class TypedMap {
  readonly map: BpfMap;
  readonly #types: ValueTypes | null;
  readonly #keyType: BtfId;
  readonly #valueType: BtfId;

  /** @internal */
  constructor(map: BpfMap, types: ValueTypes | null, keyType: BtfId, valueType: BtfId) {
    this.map = map;
    this.#types = types;
    this.#keyType = fits(types, keyType, map.keySize) ? keyType : 0;
    this.#valueType = fits(types, valueType, map.valueSize) ? valueType : 0;
  }

  /**
   * The value; undefined when there is no such element. Throws `value-mismatch` for a key that does not fit.
   */
  lookup(key: unknown): BtfValue | Uint8Array | undefined {
    const bytes = this.map.lookup(this.#encode(this.#keyType, key, this.map.keySize));
    return bytes === undefined ? undefined : this.#decodeValue(bytes);
  }

  /**
   * Throws `value-mismatch` for keys and values that do not fit. For per-CPU maps, `value` is for every CPU.
   */
  update(key: unknown, value: unknown, flags = 0): void {
    const one = this.#encode(this.#valueType, value, this.map.valueSize);
    this.map.update(this.#encode(this.#keyType, key, this.map.keySize), this.#forEveryCpu(one), flags);
  }

  /** False when there was no such element. */
  delete(key: unknown): boolean {
    return this.map.delete(this.#encode(this.#keyType, key, this.map.keySize));
  }

  /** Elements one by one, as `BpfMap.entries`. */
  *entries(): Generator<readonly [key: BtfValue | Uint8Array, value: BtfValue | Uint8Array]> {
    for (const [key, value] of this.map.entries()) {
      yield [this.#decode(this.#keyType, key), this.#decodeValue(value)];
    }
  }

  #decode(type: BtfId, bytes: Uint8Array): BtfValue | Uint8Array {
    return this.#types === null || type === 0 ? bytes : decodeData(this.#types, type, bytes);
  }

  #decodeValue(bytes: Uint8Array): BtfValue | Uint8Array {
    if (!isPerCpu(this.map.type) || this.#valueType === 0) return this.#decode(this.#valueType, bytes);
    const step = alignUp(this.map.valueSize, 8);
    return Array.from({ length: bytes.length / step }, (_, cpu) => {
      const one = this.#decode(this.#valueType, bytes.subarray(cpu * step, cpu * step + this.map.valueSize));
      return one instanceof Uint8Array ? [...one] : one;
    });
  }

  #encode(type: BtfId, value: unknown, size: number): Uint8Array {
    if (this.#types !== null && type !== 0 && !isRaw(value, size)) {
      const bytes = new Uint8Array(size);
      encodeValue(this.#types, type, value, bytes);
      return bytes;
    }
    if (isRaw(value, size)) return value;
    throw usageError('value-mismatch', `${counted(size, 'byte')} must be given: the type is not known`);
  }

  #forEveryCpu(one: Uint8Array): Uint8Array {
    const all = new Uint8Array(this.map.valueLength);
    const step = isPerCpu(this.map.type) ? alignUp(this.map.valueSize, 8) : one.length;
    for (let at = 0; at < all.length; at += Math.max(step, 1)) all.set(one, at);
    return all;
  }
}

function isRaw(value: unknown, size: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === size;
}

/** A type of another size than the map's would read past the end. */
function fits(types: ValueTypes | null, type: BtfId, size: number): boolean {
  return types !== null && type !== 0 && sizeOfType(types.btf, type) === size;
}
