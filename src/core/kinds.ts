/** The thirteen kinds of CO-RE relocations: enum bpf_core_relo_kind. */

export const FIELD_BYTE_OFFSET = 0;
export const FIELD_BYTE_SIZE = 1;
export const FIELD_EXISTS = 2;
export const FIELD_SIGNED = 3;
export const FIELD_LSHIFT_U64 = 4;
export const FIELD_RSHIFT_U64 = 5;
export const TYPE_ID_LOCAL = 6;
export const TYPE_ID_TARGET = 7;
export const TYPE_EXISTS = 8;
export const TYPE_SIZE = 9;
export const ENUMVAL_EXISTS = 10;
export const ENUMVAL_VALUE = 11;
export const TYPE_MATCHES = 12;

const NAMES = [
  'byte offset',
  'byte size',
  'field existence',
  'signedness',
  'left shift',
  'right shift',
  'local type id',
  'target type id',
  'type existence',
  'type size',
  'enumerator existence',
  'enumerator value',
  'type match',
] as const;

/** Words for a kind, for messages. */
export function coreKindName(kind: number): string {
  return NAMES[kind] ?? `kind ${kind}`;
}

export function isFieldKind(kind: number): boolean {
  return kind <= FIELD_RSHIFT_U64;
}

export function isTypeKind(kind: number): boolean {
  return (kind >= TYPE_ID_LOCAL && kind <= TYPE_SIZE) || kind === TYPE_MATCHES;
}

export function isEnumKind(kind: number): boolean {
  return kind === ENUMVAL_EXISTS || kind === ENUMVAL_VALUE;
}

/** Kinds that have the answer 0 when nothing in the target fits. */
export function acceptsAbsence(kind: number): boolean {
  return kind === FIELD_EXISTS || kind === ENUMVAL_EXISTS || (isTypeKind(kind) && kind !== TYPE_ID_LOCAL);
}
