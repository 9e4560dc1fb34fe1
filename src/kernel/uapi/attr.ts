/**
 * Attributes of system calls as bytes: records in the byte order of this machine, zero where nothing is
 * specified.
 */

import { type ByteOrder, type Field, type RecordLayout, type RecordOf, viewOf } from '../../bytes/index.ts';

/** Byte order of the machine that this runs on: that of every attribute. */
export const HOST_ORDER: ByteOrder = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 'little' : 'big';

type Layout = RecordLayout<Readonly<Record<string, Field<number> | Field<bigint> | Field<string>>>>;

/** The attribute of one call: `values` where given, zero elsewhere. */
export function encodeAttr<L extends Layout>(layout: L, values: Partial<RecordOf<L>>): Uint8Array {
  const bytes = new Uint8Array(layout.size);
  const view = viewOf(bytes);
  layout.encode(view, 0, { ...layout.decode(view, 0, HOST_ORDER), ...values }, HOST_ORDER);
  return bytes;
}

/** What the kernel left in the attribute. */
export function decodeAttr<L extends Layout>(layout: L, bytes: Uint8Array): RecordOf<L> {
  // The layout's own decode has this type; the constraint of L hides it.
  return layout.decode(viewOf(bytes), 0, HOST_ORDER) as RecordOf<L>;
}
