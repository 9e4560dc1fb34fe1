/** Many elements in one system call (since Linux 5.6). */

import { quote } from '../../diag/index.ts';
import {
  BPF_MAP_DELETE_BATCH,
  BPF_MAP_LOOKUP_AND_DELETE_BATCH,
  BPF_MAP_LOOKUP_BATCH,
  BPF_MAP_UPDATE_BATCH,
  EFAULT,
  ENOENT,
  ENOSPC,
  ENOTSUPP,
} from '../../uapi/index.ts';
import { bpf, syscallError } from '../sys/index.ts';
import { decodeAttr, encodeAttr, MapBatchAttr } from '../uapi/index.ts';
import type { BpfMap } from './map.ts';

/** Elements of a map, read in one system call. */
export interface Batch {
  readonly count: number;
  /** `count` keys one after another. */
  readonly keys: Uint8Array;
  /** `count` values of `map.valueLength` bytes. */
  readonly values: Uint8Array;
}

const DEFAULT_SIZE = 256;

/**
 * All elements in batches (since Linux 5.6). Throws `kernel-map-access`; map types without batches answer
 * ENOTSUPP. `size`: elements asked for at a time, which grows by itself when a hash bucket holds more;
 * `remove`: take them out.
 */
export function* readBatches(
  map: BpfMap,
  options: { readonly size?: number; readonly remove?: boolean } = {},
): Generator<Batch> {
  const command = options.remove === true ? BPF_MAP_LOOKUP_AND_DELETE_BATCH : BPF_MAP_LOOKUP_BATCH;
  let size = Math.max(1, Math.min(options.size ?? DEFAULT_SIZE, map.maxEntries));
  let token: Uint8Array | undefined;
  for (;;) {
    const keys = new Uint8Array(size * map.keySize);
    const values = new Uint8Array(size * map.valueLength);
    const next = new Uint8Array(Math.max(map.keySize, 8));
    const attr = encodeAttr(MapBatchAttr, {
      in_batch: token === undefined ? 0n : map.sys.addressOf(token),
      out_batch: map.sys.addressOf(next),
      keys: map.sys.addressOf(keys),
      values: map.sys.addressOf(values),
      count: size,
      map_fd: map.fd.number,
    });
    const result = bpf(map.sys, command, attr, [keys, values, next, ...(token === undefined ? [] : [token])]);
    if (result === -ENOSPC && size < 2 * map.maxEntries) {
      size *= 2;
      continue;
    }
    if (result < 0 && result !== -ENOENT) throw batchError(map, 'reading elements', result);
    const { count } = decodeAttr(MapBatchAttr, attr);
    const done = result === -ENOENT;
    if (count > 0) {
      yield {
        count,
        keys: keys.subarray(0, count * map.keySize),
        values: values.subarray(0, count * map.valueLength),
      };
    }
    if (done) return;
    token = next;
  }
}

/** Writes `count` elements. Throws `kernel-map-access`, saying how many were written. */
export function updateBatch(map: BpfMap, batch: Batch, flags = 0): void {
  runBatch(map, BPF_MAP_UPDATE_BATCH, batch.keys, batch.values, batch.count, flags, 'writing');
}

/** Deletes `count` keys. Throws `kernel-map-access` at the first that is not there. */
export function deleteBatch(map: BpfMap, keys: Uint8Array, count: number): void {
  runBatch(map, BPF_MAP_DELETE_BATCH, keys, new Uint8Array(0), count, 0, 'deleting');
}

function runBatch(
  map: BpfMap,
  command: number,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
  flags: number,
  verb: string,
): void {
  const attr = encodeAttr(MapBatchAttr, {
    keys: map.sys.addressOf(keys),
    values: map.sys.addressOf(values),
    count,
    map_fd: map.fd.number,
    elem_flags: BigInt(flags),
  });
  const result = bpf(map.sys, command, attr, [keys, values]);
  if (result >= 0) return;
  // With EFAULT the kernel does not report its progress.
  const done = result === -EFAULT ? 'some' : String(decodeAttr(MapBatchAttr, attr).count);
  throw batchError(map, `${verb} ${count} elements (${done} done)`, result);
}

function batchError(map: BpfMap, what: string, result: number) {
  const extras =
    result === -ENOTSUPP
      ? { hint: 'this type of map has no batches; entries() reads elements one by one' }
      : {};
  return syscallError('kernel-map-access', [`map ${quote(map.name)}`], what, result, extras);
}
