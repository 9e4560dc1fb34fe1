/**
 * Numbers of the binary type format: the header of `.BTF`, kinds of types, encodings of integers.
 *
 * Source: include/uapi/linux/btf.h, Linux 6.18.
 */

/** The header of `.BTF` and `.BTF.ext`. */
export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;

export const BTF_KIND = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** Number of a kind of types: what tables with a row for each of them are keyed by. */
export type BtfKindNumber = (typeof BTF_KIND)[keyof typeof BTF_KIND];

/**
 * A table with a row for each kind, for numbers that may be newer than the table.
 * @internal
 */
export function byBtfKind<T>(rows: Readonly<Record<BtfKindNumber, T>>): ReadonlyMap<number, T> {
  return new Map(Object.entries(rows).map(([kind, row]) => [Number(kind), row]));
}

/** Encoding bits of an integer type. */
export const BTF_INT_SIGNED = 1;
export const BTF_INT_CHAR = 2;
export const BTF_INT_BOOL = 4;
