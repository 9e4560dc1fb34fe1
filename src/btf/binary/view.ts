/**
 * Types viewed where their bytes are, without an image: for the types of a kernel, which are megabytes and valid.
 *
 * Refuses nothing: what is not as expected has no view, and the kernels that read sections give the reason.
 */

import { type ByteOrder, noElement } from '../../bytes/index.ts';
import { BTF_MAGIC, BTF_VERSION } from '../../uapi/index.ts';
import { KIND_SHAPE_OF, RawBtf } from '../model/index.ts';
import { BTF_HEADER_SIZE } from './header.ts';

/** Whether this machine is little-endian. */
const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Types over `bytes`, which must not change afterwards. Undefined unless they are aligned, little-endian on such
 * a host, with the plain header, and complete.
 */
export function viewTypes(bytes: Uint8Array, order: ByteOrder): RawBtf | undefined {
  if (!HOST_IS_LITTLE || order !== 'little' || bytes.length < BTF_HEADER_SIZE) return undefined;
  if ((bytes.byteOffset & 3) !== 0) return undefined;
  const [first, length, typeAt, typeSize, stringAt, stringSize] = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset,
    BTF_HEADER_SIZE >> 2,
  );
  if (first !== (BTF_MAGIC | (BTF_VERSION << 16)) || length !== BTF_HEADER_SIZE) return undefined;
  if (typeAt !== 0 || typeSize === undefined || stringAt !== typeSize || stringSize === undefined)
    return undefined;
  const end = BTF_HEADER_SIZE + typeSize;
  if ((typeSize & 3) !== 0 || stringSize === 0 || end + stringSize > bytes.length) return undefined;
  if (bytes[end] !== 0 || bytes[end + stringSize - 1] !== 0) return undefined;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + BTF_HEADER_SIZE, typeSize >> 2);
  const start = startsOf(words);
  return start === undefined ? undefined : new RawBtf(words, start, bytes.subarray(end, end + stringSize));
}

/** Where each type starts, and the end; undefined when a kind is not known or a type does not fit. */
function startsOf(words: Uint32Array): Uint32Array | undefined {
  const shapes = KIND_SHAPE_OF;
  const start = new Uint32Array(Math.floor(words.length / 3) + 2);
  let id = 1;
  let at = 0;
  for (; at + 2 < words.length; id++) {
    const info = words[at + 1] ?? noElement(words, at + 1);
    const shape = shapes[(info >>> 24) & 0x7f] ?? noElement(shapes, info);
    if (shape === 0) return undefined;
    start[id] = at;
    at += (shape & 7) + ((shape >> 3) & 7) * (info & 0xffffff);
  }
  if (at !== words.length) return undefined;
  start[id] = at;
  return start.slice(0, id + 1);
}
