/**
 * Archives with one file, in the format ustar: what a layer of an image is. Written the same for the same contents; read
 * as hostile input. Separate from images, because it knows no manifests.
 */

import { inputError } from '../../diag/index.ts';

const BLOCK = 512;
const REGULAR = new Set(['0', '\0']);
/** Headers whose data describe the next file: they are passed over. */
const DESCRIPTIONS = new Set(['x', 'g', 'L', 'K']);
const DIRECTORY = '5';

/** An archive with this file alone. */
export function writeTar(name: string, bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(BLOCK);
  head.write(name.slice(-100), 0, 'latin1');
  head.write('0000644\0', 100);
  head.write('0000000\0', 108);
  head.write('0000000\0', 116);
  head.write(`${octal(bytes.length, 11)} `, 124);
  head.write(`${octal(0, 11)} `, 136);
  head.write('        ', 148);
  head.write('0', 156);
  head.write('ustar\x0000', 257);
  head.write(`${octal(sumOf(head), 6)}\0 `, 148);
  const rest = (BLOCK - (bytes.length % BLOCK)) % BLOCK;
  return Buffer.concat([head, bytes, Buffer.alloc(rest + 2 * BLOCK)]);
}

function octal(value: number, width: number): string {
  return value.toString(8).padStart(width, '0');
}

function sumOf(head: Uint8Array): number {
  return head.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

export interface TarFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The one file of an archive. Nothing is extracted: its name is a text only. Throws `oci-layer`. */
export function readTar(where: readonly string[], archive: Uint8Array): TarFile {
  const files = filesIn(where, archive);
  const [file, other] = files;
  if (file !== undefined && other === undefined) return file;
  throw inputError('oci-layer', where, `has ${files.length} files, not one object`, {
    hint: '"rootlet push" and images for bpfman have exactly one file',
  });
}

function filesIn(where: readonly string[], archive: Uint8Array): TarFile[] {
  const files: TarFile[] = [];
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.length);
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const head = bytes.subarray(at, at + BLOCK);
    if (head.every(byte => byte === 0)) break;
    const size = sizeIn(where, head, at);
    const end = at + BLOCK + size;
    if (end > bytes.length) throw damaged(where, at, 'a file that is longer than the archive');
    const type = head.toString('latin1', 156, 157);
    if (REGULAR.has(type)) files.push({ name: nameIn(head), bytes: bytes.subarray(at + BLOCK, end) });
    else if (type !== DIRECTORY && !DESCRIPTIONS.has(type))
      throw damaged(
        where,
        at,
        `an entry of type ${JSON.stringify(type)}: only files and directories are read`,
      );
    at = end + ((BLOCK - (size % BLOCK)) % BLOCK);
  }
  return files;
}

function sizeIn(where: readonly string[], head: Buffer, at: number): number {
  const sum = numberIn(head, 148, 8);
  if (sum !== sumOf(head)) throw damaged(where, at, 'a header with a wrong checksum');
  const size = numberIn(head, 124, 12);
  if (size === undefined) throw damaged(where, at, 'a header without a size');
  return size;
}

function numberIn(head: Buffer, at: number, width: number): number | undefined {
  const text = head
    .toString('latin1', at, at + width)
    .replace(/[\0 ]+$/, '')
    .trimStart();
  return /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function nameIn(head: Buffer): string {
  const end = head.indexOf(0);
  return head.toString('utf8', 0, end < 0 || end > 100 ? 100 : end).replace(/^(\.?\/)+/, '');
}

function damaged(where: readonly string[], offset: number, what: string) {
  return inputError('oci-layer', where, `is not an archive that is read here: it has ${what}`, { offset });
}
