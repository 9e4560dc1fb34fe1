/** The order in which members of a chain run: that of libxdp. */

import { encodeText } from '../../bytes/index.ts';
import type { DesignMember } from './design.ts';

/** Lower priorities first, then program names byte by byte, then what is loaded already. */
export function byRunOrder(a: DesignMember, b: DesignMember): number {
  return a.priority - b.priority || compareBytes(encodeText(a.program), encodeText(b.program));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  if (at < 0) return a.length - b.length;
  return (a[at] ?? 0) - (b[at] ?? -1);
}
