/**
 * Values of the program's types as values of JavaScript; `value-write.ts` is the other way.
 *
 * Integers up to 4 bytes are numbers and wider ones bigints (both are taken when writing, range checked);
 * `_Bool` is boolean, arrays of `char` are texts, structs and unions objects with their members, enumerations
 * numbers (their names are taken as well), pointers bigints. Bit fields are ordinary members.
 */

import { requireRange } from '../../bytes/index.ts';
import { inputError } from '../../diag/index.ts';
import { type BtfId, sizeOfType } from '../model/index.ts';
import { type NamedValue, type ValueForm, type ValueTypes, walkValue } from './walk.ts';

/**
 * A value of a C type: numbers (bigint for 64 bits), booleans, enumerators by name or number, text for arrays
 * of char, arrays, and structures by member.
 */
export type BtfValue =
  | number
  | bigint
  | boolean
  | string
  | null
  | readonly BtfValue[]
  | { readonly [member: string]: BtfValue };

/**
 * What is written where `Value` is read: integers as number or bigint, texts also as bytes, lists with fewer
 * elements, and structures with some of their members.
 */
export type BtfInput<Value> = unknown extends Value
  ? unknown
  : Value extends number | bigint
    ? number | bigint
    : Value extends string
      ? string | readonly (number | bigint)[] | Uint8Array
      : Value extends Uint8Array
        ? Uint8Array
        : Value extends readonly (infer Element)[]
          ? readonly BtfInput<Element>[] | InputList<Element>
          : Value extends object
            ? { readonly [Member in keyof Value]?: BtfInput<Value[Member]> }
            : Value;

/** Typed arrays are lists of numbers. */
type InputList<Element> = Element extends number
  ? Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array
  : Element extends bigint
    ? BigInt64Array | BigUint64Array
    : never;

/** How deep values may nest. */
export const MAX_DATA_DEPTH = 64;

/** More values than this come of types that repeat themselves, in unions of unions. */
const MAX_VALUES = 1 << 26;

/** Nothing may be left out: the caller asked for the whole value. */
const FORM: ValueForm<BtfValue> = {
  maxDepth: MAX_DATA_DEPTH,
  maxValues: MAX_VALUES,
  integer: (value, type) => (type.bool ? value !== 0n : narrow(value, type.size)),
  enumerator: (value, type) => narrow(value, type.size),
  float: value => value,
  otherFloat(bytes) {
    throw inputError('value-type', [], `floating point numbers of ${bytes.length} bytes are not known`);
  },
  pointer: value => value,
  text: text => text,
  array: items => items,
  members: objectOf,
  missing(why) {
    throw inputError('value-type', [], why);
  },
};

/**
 * The value of type `id` that starts at `bytes[offset]`. Throws `value-type` for types that have no value.
 */
export function decodeData(types: ValueTypes, id: BtfId, bytes: Uint8Array, offset = 0): BtfValue {
  requireRange(bytes.length, offset, sizeOfType(types.btf, id), 'value');
  return walkValue(types, id, bytes, offset, FORM);
}

function narrow(value: bigint, size: number): number | bigint {
  return size <= 4 ? Number(value) : value;
}

function objectOf(members: readonly NamedValue<BtfValue>[]): BtfValue {
  const result: { [member: string]: BtfValue } = Object.create(null); // no inherited names among members
  for (const { name, value } of members) if (name !== '') result[name] = value;
  return result;
}
