/**
 * Bytes read through their BTF type as a tree, for the contents of maps, of the machine's as of the kernel's.
 * How deep it is and how much it expands to is limited, and what is cut off is marked. `value-text.ts` prints
 * it.
 */

import type { ByteOrder } from '../../bytes/index.ts';
import type { Btf, BtfId } from '../model/index.ts';
import { readBytes, type ValueForm, walkValue } from './walk.ts';

export type DecodedValue =
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'float'; readonly value: number }
  /** `name` is null for a value that no enumerator has. */
  | { readonly kind: 'enum'; readonly value: bigint; readonly name: string | null }
  /** An array of char, up to its first NUL. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pointer'; readonly value: bigint }
  | { readonly kind: 'array'; readonly items: readonly DecodedValue[] }
  | { readonly kind: 'fields'; readonly fields: readonly DecodedField[] }
  /** Bytes without a known type. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** More than the limits allow, or than there are bytes. */
  | { readonly kind: 'cut' };

export interface DecodedField {
  readonly name: string;
  readonly value: DecodedValue;
}

const CUT: DecodedValue = { kind: 'cut' };

const FORM: ValueForm<DecodedValue> = {
  maxDepth: 32,
  maxValues: 20_000,
  integer: (value, { bool }, bitSize) =>
    bool && bitSize === 0 && (value === 0n || value === 1n)
      ? { kind: 'bool', value: value === 1n }
      : { kind: 'int', value },
  enumerator: (value, { values }) => {
    const found = values.find(candidate => candidate.value === value);
    return { kind: 'enum', value, name: found?.name ?? null };
  },
  float: value => ({ kind: 'float', value }),
  otherFloat: bytes => ({ kind: 'bytes', bytes }),
  pointer: value => ({ kind: 'pointer', value }),
  text: text => ({ kind: 'text', text }),
  array: items => ({ kind: 'array', items }),
  members: fields => ({ kind: 'fields', fields }),
  missing: () => CUT,
};

/** Reads `bytes` as a value of the type; 0 or no types at all gives a number or the bytes as they are. */
export function decodeValue(
  btf: Btf | null,
  type: BtfId,
  bytes: Uint8Array,
  byteOrder: ByteOrder,
): DecodedValue {
  if (btf !== null && type !== 0) return walkValue({ btf, order: byteOrder }, type, bytes, 0, FORM);
  return decodePlain(bytes, byteOrder);
}

/** Without a type: a number where the size is one's, else the bytes. */
function decodePlain(bytes: Uint8Array, order: ByteOrder): DecodedValue {
  if (![1, 2, 4, 8].includes(bytes.length)) return { kind: 'bytes', bytes };
  return { kind: 'int', value: readBytes(order, bytes, 0, bytes.length) };
}
