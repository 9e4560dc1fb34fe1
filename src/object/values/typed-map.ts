/**
 * Maps by the types of their keys and values instead of bytes: of the kernel and of the machine, which differ only in
 * how bytes are read and written.
 */

import {
  type Btf,
  type BtfId,
  type BtfValue,
  decodeData,
  encodeValue,
  findType,
  formatType,
  sizeOfType,
  type ValueTypes,
} from '../../btf/index.ts';
import { alignUp } from '../../bytes/index.ts';
import { counted, inputError, quote, usageError } from '../../diag/index.ts';
import { recordType } from '../maps/index.ts';

/** What the map is, as far as its bytes depend on it. */
export interface ElementShape {
  readonly name: string;
  /** Bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  /** Bytes that an update takes: of per-CPU maps of the kernel, all values, each padded to 8 bytes. */
  readonly valueLength: number;
  /** There is a value for each CPU. */
  readonly perCpu: boolean;
}

/** Types of a map; 0: not known. */
export interface ElementTypes {
  readonly types: ValueTypes | null;
  readonly keyType: BtfId;
  readonly valueType: BtfId;
  /** Of records, which pass through ring buffers and perf event arrays. */
  readonly recordType: BtfId;
}

/** A map whose keys and values are bytes. */
interface ByteMap {
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array, flags?: number): void;
  delete(key: Uint8Array): boolean;
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
}

/**
 * A view of a map; closing the map closes it. Keys and values without a type are bytes; per-CPU values are
 * arrays, and one value is written for every CPU.
 */
export class TypedMap<
  Key = BtfValue | Uint8Array,
  Value = BtfValue | Uint8Array,
  KeyInput = unknown,
  ValueInput = unknown,
  Bytes extends ByteMap = ByteMap,
> {
  readonly map: Bytes;
  readonly #shape: ElementShape;
  readonly #types: ValueTypes | null;
  readonly #keyType: BtfId;
  readonly #valueType: BtfId;
  /** Bytes of the type; undefined: records are bytes. */
  readonly #record: { readonly type: BtfId; readonly size: number } | undefined;

  /** @internal */
  constructor(map: Bytes, shape: ElementShape, known: ElementTypes) {
    const { types, keyType, valueType } = known;
    this.map = map;
    this.#shape = shape;
    this.#types = types;
    this.#keyType = fits(types, keyType, shape.keySize) ? keyType : 0;
    this.#valueType = fits(types, valueType, shape.valueSize) ? valueType : 0;
    this.#record =
      types === null || known.recordType === 0
        ? undefined
        : { type: known.recordType, size: sizeOfType(types.btf, known.recordType) };
  }

  /**
   * The value; undefined when there is no such element. Throws `value-mismatch` for a key that does not fit.
   */
  lookup(key: KeyInput): Value | undefined {
    const bytes = this.map.lookup(this.#encode(this.#keyType, key, this.#shape.keySize));
    return bytes === undefined ? undefined : this.#decodeValue(bytes);
  }

  /**
   * Throws `value-mismatch` for keys and values that do not fit. For per-CPU maps, `value` is for every CPU.
   */
  update(key: KeyInput, value: ValueInput, flags = 0): void {
    const one = this.#encode(this.#valueType, value, this.#shape.valueSize);
    this.map.update(this.#encode(this.#keyType, key, this.#shape.keySize), this.#forEveryCpu(one), flags);
  }

  /** False when there was no such element. */
  delete(key: KeyInput): boolean {
    return this.map.delete(this.#encode(this.#keyType, key, this.#shape.keySize));
  }

  /** Elements one by one, as the `entries()` of the map. */
  *entries(): Generator<readonly [key: Key, value: Value]> {
    for (const [key, value] of this.map.entries()) {
      // the types are those of the object, which the caller named
      yield [this.#decode(this.#keyType, key) as Key, this.#decodeValue(value)];
    }
  }

  /**
   * A record of a ring buffer or perf event array by the type of the values; bytes where none is known. What
   * follows the type in a longer record is left out. Throws `value-record` for a shorter one.
   */
  decodeRecord(bytes: Uint8Array): Value {
    const record = this.#record;
    if (this.#types === null || record === undefined) return bytes as Value; // its type is not known
    if (bytes.length < record.size) throw this.#tooShort(this.#types.btf, record.type, bytes.length);
    return decodeData(this.#types, record.type, bytes) as Value; // the type of the map's records
  }

  #tooShort(btf: Btf, type: BtfId, length: number) {
    const wanted = `${quote(formatType(btf, type))} of ${counted(sizeOfType(btf, type), 'byte')}`;
    return inputError(
      'value-record',
      [`map ${quote(this.#shape.name)}`],
      `a record has ${counted(length, 'byte')}, which is too short for ${wanted}`,
      { hint: 'give the type of these records, or read them as bytes' },
    );
  }

  #decode(type: BtfId, bytes: Uint8Array): BtfValue | Uint8Array {
    return this.#types === null || type === 0 ? bytes : decodeData(this.#types, type, bytes);
  }

  #decodeValue(bytes: Uint8Array): Value {
    return this.#valueOf(bytes) as Value; // the types are those of the object, which the caller named
  }

  #valueOf(bytes: Uint8Array): BtfValue | Uint8Array {
    const { perCpu, valueSize } = this.#shape;
    if (!perCpu || this.#valueType === 0) return this.#decode(this.#valueType, bytes);
    const step = alignUp(valueSize, 8);
    return Array.from({ length: Math.ceil(bytes.length / step) }, (_, cpu) => {
      const one = this.#decode(this.#valueType, bytes.subarray(cpu * step, cpu * step + valueSize));
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
    const { perCpu, valueSize, valueLength } = this.#shape;
    const all = new Uint8Array(valueLength);
    const step = perCpu ? alignUp(valueSize, 8) : one.length;
    for (let at = 0; at < all.length; at += Math.max(step, 1)) all.set(one, at);
    return all;
  }
}

/**
 * The types of a map of the kernel's type `mapType`. `value` names another type of its values or records, such as `struct
 * event`. Throws `value-no-type`.
 */
export function elementTypes(
  types: ValueTypes | null,
  map: { readonly type: number; readonly keyType: BtfId; readonly valueType: BtfId },
  value: string | undefined,
): ElementTypes {
  const { keyType, type } = map;
  if (value === undefined) {
    const record = recordType(types?.btf ?? null, type, map.valueType);
    return { types, keyType, valueType: map.valueType, recordType: record };
  }
  if (types === null) {
    throw usageError('value-no-type', `there is no type ${quote(value)}: the object has no types`);
  }
  const named = findType(types.btf, value);
  return { types, keyType, valueType: named, recordType: named };
}

function isRaw(value: unknown, size: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === size;
}

/** A type of another size than the map's would read past the end. */
function fits(types: ValueTypes | null, type: BtfId, size: number): boolean {
  return types !== null && type !== 0 && sizeOfType(types.btf, type) === size;
}
