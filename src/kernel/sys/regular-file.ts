/**
 * Files whose path comes from somewhere else than this user: a thin archive, a document, a section name, a record. What
 * is there may be a pipe, which would be waited for, or a device without an end: only regular files are read.
 *
 * Separate from reading what the user names, where a pipe is as good as a file.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** O_NONBLOCK: a pipe opens at once, and a file takes no notice of it. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Code of the error for what is there, and is not a regular file. */
export const NOT_REGULAR = 'ENOTREG';

/** Contents of a regular file. Throws errors of `node:fs`, and one with the code `NOT_REGULAR`. */
export function readRegular(path: string): Uint8Array {
  const fd = openSync(path, FLAGS);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw notRegular(path, stats.isDirectory() ? 'EISDIR' : NOT_REGULAR);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function notRegular(path: string, code: string): Error {
  return Object.assign(new Error(`${path}: not a regular file`), { code });
}
