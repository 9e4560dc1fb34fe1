/**
 * Record layouts as values: one declaration gives the type, the size, the offsets, decode and encode.
 * Fields are where a C compiler puts them (natural alignment, or packed with `at`); a test compares with
 * `offsetof`.
 */

import { bugError, inputError } from '../diag/index.ts';
import { valueAt } from './at.ts';
import { type ByteOrder, decodeText, encodeText } from './cursor.ts';

/**
 * How one field is stored. `u64` values are bigint, `chars` are strings, `u32s` are lists; everything else is a
 * number.
 */
export interface Field<T> {
  readonly size: number;
  /** Natural alignment, when it is not the size. */
  readonly align?: number;
  readonly get: (view: DataView, offset: number, little: boolean) => T;
  readonly set: (view: DataView, offset: number, value: T, little: boolean) => void;
}

export const u8: Field<number> = {
  size: 1,
  get: (view, offset) => view.getUint8(offset),
  set: (view, offset, value) => view.setUint8(offset, value),
};
export const u16: Field<number> = {
  size: 2,
  get: (view, offset, little) => view.getUint16(offset, little),
  set: (view, offset, value, little) => view.setUint16(offset, value, little),
};
export const u32: Field<number> = {
  size: 4,
  get: (view, offset, little) => view.getUint32(offset, little),
  set: (view, offset, value, little) => view.setUint32(offset, value, little),
};
export const i32: Field<number> = {
  size: 4,
  get: (view, offset, little) => view.getInt32(offset, little),
  set: (view, offset, value, little) => view.setInt32(offset, value, little),
};
export const u64: Field<bigint> = {
  size: 8,
  get: (view, offset, little) => view.getBigUint64(offset, little),
  set: (view, offset, value, little) => view.setBigUint64(offset, value, little),
};

/**
 * A C `char[length]` that holds a NUL-terminated string. Throws `bytes-text-too-long` when there is no room
 * for the NUL.
 */
export function chars(length: number): Field<string> {
  return {
    size: length,
    align: 1,
    get(view, offset) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length);
      const end = bytes.indexOf(0);
      return decodeText(bytes.subarray(0, end < 0 ? length : end));
    },
    set(view, offset, value) {
      const bytes = encodeText(value);
      if (bytes.length >= length) {
        throw inputError('bytes-text-too-long', [], `text of ${bytes.length} bytes in a field of ${length}`);
      }
      const target = new Uint8Array(view.buffer, view.byteOffset + offset, length);
      target.fill(0);
      target.set(bytes);
    },
  };
}

/** A C `__u32[length]`. */
export function u32s(length: number): Field<readonly number[]> {
  return {
    size: 4 * length,
    align: 4,
    get: (view, offset, little) => Array.from({ length }, (_, at) => view.getUint32(offset + 4 * at, little)),
    set(view, offset, values, little) {
      if (values.length !== length) throw bugError([], `${values.length} values in a field of ${length}`);
      for (const [at, value] of values.entries()) view.setUint32(offset + 4 * at, value, little);
    },
  };
}

type FieldValue = number | bigint | string | readonly number[];
type FieldMap = Readonly<
  Record<string, Field<number> | Field<bigint> | Field<string> | Field<readonly number[]>>
>;
type ValueOf<F> = F extends Field<infer T> ? T : never;

/** The plain object that a record decodes to. */
export type RecordOf<L> =
  L extends RecordLayout<infer F> ? { readonly [K in keyof F]: ValueOf<F[K]> } : never;

export interface RecordLayout<F extends FieldMap> {
  readonly name: string;
  /** Bytes of one record, including padding at its end. */
  readonly size: number;
  readonly offsets: { readonly [K in keyof F]: number };
  decode(view: DataView, offset: number, order: ByteOrder): { readonly [K in keyof F]: ValueOf<F[K]> };
  encode(
    view: DataView,
    offset: number,
    value: { readonly [K in keyof F]: ValueOf<F[K]> },
    order: ByteOrder,
  ): void;
}

/** Declares a record; fields follow one another with C's natural alignment. */
export function record<F extends FieldMap>(name: string, fields: F): RecordLayout<F> {
  const entries = Object.entries(fields) as [keyof F & string, Field<FieldValue>][]; // one union type for the loop
  const offsets = new Map<string, number>();
  let end = 0;
  let alignment = 1;
  for (const [key, field] of entries) {
    const align = field.align ?? field.size;
    const offset = Math.ceil(end / align) * align;
    offsets.set(key, offset);
    end = offset + field.size;
    alignment = Math.max(alignment, align);
  }
  const size = Math.ceil(end / alignment) * alignment;
  const steps = entries.map(([key, field]) => ({ key, field, at: valueAt(offsets, key) }));
  type Value = { readonly [K in keyof F]: ValueOf<F[K]> };
  return {
    name,
    size,
    offsets: Object.fromEntries(offsets) as { readonly [K in keyof F]: number }, // same keys by construction
    decode(view, offset, order) {
      if (!(offset >= 0 && offset + size <= view.byteLength)) {
        throw inputError(
          'bytes-truncated',
          [],
          `${name} (${size} bytes) does not fit in ${view.byteLength} bytes`,
          { offset },
        );
      }
      const value: Record<string, FieldValue> = {};
      for (const step of steps) value[step.key] = step.field.get(view, offset + step.at, order === 'little');
      return value as Value; // each key of F was set with its own field's type
    },
    encode(view, offset, value, order) {
      for (const step of steps) {
        const fieldValue = value[step.key] as FieldValue; // Value's union, as in `steps`
        step.field.set(view, offset + step.at, fieldValue, order === 'little');
      }
    },
  };
}
