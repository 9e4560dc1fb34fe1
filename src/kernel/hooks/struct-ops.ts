/** Tables of operations that programs implement (struct_ops): giving them to the kernel, and taking them back. */

import { quote } from '../../diag/index.ts';
import {
  BPF_F_LINK,
  BPF_LINK_CREATE,
  BPF_MAP_DELETE_ELEM,
  BPF_MAP_UPDATE_ELEM,
  BPF_STRUCT_OPS,
  EBUSY,
  EEXIST,
  EINVAL,
} from '../../uapi/index.ts';
import type { BpfMap } from '../objects/index.ts';
import { bpf, encodeU32s, type Sys, syscallError } from '../sys/index.ts';
import { encodeAttr, LinkCreateAttr, MapElemAttr } from '../uapi/index.ts';
import { type Attachment, adoptLink } from './attachment.ts';
import { LooseAttachment } from './loose-attachment.ts';

/**
 * Registers a table. `value` is the whole value of its map, descriptors of programs filled in. With BPF_F_LINK the
 * result can be updated and pinned; without, the table stays until it is closed, even if this process ends.
 */
export function attachStructOps(sys: Sys, map: BpfMap, value: Uint8Array): Attachment | LooseAttachment {
  const place = `operations ${quote(map.name)}`;
  const linked = Math.floor(map.flags / BPF_F_LINK) % 2 === 1;
  const written = writeTable(sys, map, value);
  // Written before: what is attached again is the same table.
  if (written < 0 && !(linked && written === -EBUSY)) throw refused(place, written);
  if (!linked) {
    return new LooseAttachment(place, {
      detach: () => void takeBack(sys, map),
      whyNoPin: 'pin the map; or define the operations in SEC(".struct_ops.link")',
    });
  }
  const attr = encodeAttr(LinkCreateAttr, { prog_fd: map.fd.number, attach_type: BPF_STRUCT_OPS });
  return adoptLink(sys, bpf(sys, BPF_LINK_CREATE, attr), place, hintFor);
}

/** Writes a table into its map, ready for `Attachment.update()`. A table that was written before stays as it is. */
export function writeOperations(sys: Sys, map: BpfMap, value: Uint8Array): void {
  const written = writeTable(sys, map, value);
  if (written < 0 && written !== -EBUSY) throw refused(`operations ${quote(map.name)}`, written);
}

const FIRST = encodeU32s([0]);

function writeTable(sys: Sys, map: BpfMap, value: Uint8Array): number {
  const attr = encodeAttr(MapElemAttr, {
    map_fd: map.fd.number,
    key: sys.addressOf(FIRST),
    value: sys.addressOf(value),
  });
  return bpf(sys, BPF_MAP_UPDATE_ELEM, attr, [FIRST, value]);
}

function takeBack(sys: Sys, map: BpfMap): number {
  const attr = encodeAttr(MapElemAttr, { map_fd: map.fd.number, key: sys.addressOf(FIRST) });
  return bpf(sys, BPF_MAP_DELETE_ELEM, attr, [FIRST]);
}

function refused(place: string, result: number) {
  const hint = hintFor(-result);
  return syscallError('kernel-attach', [place], 'registering', result, hint === undefined ? {} : { hint });
}

function hintFor(errno: number): string | undefined {
  if (errno === EEXIST) return 'operations of this name are registered already';
  if (errno === EINVAL)
    return 'a required operation or field may be missing: the kernel checks the whole table';
  return undefined;
}
