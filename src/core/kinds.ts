/** What each kind of CO-RE relocation asks for, and words for it. */

import {
  BPF_CORE_ENUMVAL_EXISTS,
  BPF_CORE_ENUMVAL_VALUE,
  BPF_CORE_FIELD_EXISTS,
  BPF_CORE_FIELD_RSHIFT_U64,
  BPF_CORE_TYPE_ID_LOCAL,
  BPF_CORE_TYPE_MATCHES,
  BPF_CORE_TYPE_SIZE,
} from '../uapi/index.ts';

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
  return kind <= BPF_CORE_FIELD_RSHIFT_U64;
}

export function isTypeKind(kind: number): boolean {
  return (kind >= BPF_CORE_TYPE_ID_LOCAL && kind <= BPF_CORE_TYPE_SIZE) || kind === BPF_CORE_TYPE_MATCHES;
}

export function isEnumKind(kind: number): boolean {
  return kind === BPF_CORE_ENUMVAL_EXISTS || kind === BPF_CORE_ENUMVAL_VALUE;
}

/** Kinds that have the answer 0 when nothing in the target fits. */
export function acceptsAbsence(kind: number): boolean {
  return (
    kind === BPF_CORE_FIELD_EXISTS ||
    kind === BPF_CORE_ENUMVAL_EXISTS ||
    (isTypeKind(kind) && kind !== BPF_CORE_TYPE_ID_LOCAL)
  );
}
