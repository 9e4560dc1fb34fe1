/** The fields of contexts that point into the packet, by their offsets. They are u32 in C, and pointers when loaded. */

import { SK_BUFF_FIELD, XDP_MD_FIELD } from '../../../uapi/index.ts';
import type { Kind } from './values.ts';

/** Contexts whose fields and packets are understood. */
export type ContextKind = 'xdp' | 'skb';

type PointerFields = ReadonlyMap<number, Kind>;

function pointerFields(field: {
  readonly data: number;
  readonly data_end: number;
  readonly data_meta: number;
}): PointerFields {
  return new Map<number, Kind>([
    [field.data, 'packet'],
    [field.data_end, 'end'],
    [field.data_meta, 'metadata'],
  ]);
}

const POINTER_FIELDS: Readonly<Record<ContextKind, PointerFields>> = {
  xdp: pointerFields(XDP_MD_FIELD),
  skb: pointerFields(SK_BUFF_FIELD),
};

/** What the field at an offset of the context points to; undefined for other fields. */
export function pointerField(context: ContextKind, offset: number): Kind | undefined {
  return POINTER_FIELDS[context].get(offset);
}
