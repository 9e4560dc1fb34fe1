/**
 * Errors of standard streams: a closed pipe (`| head -1`) is not an error, a full disk is an error of
 * the caller, and a non-blocking pipe is retried. Without this, Node ends with a stack trace.
 */

import { readSync, writeSync } from 'node:fs';
import { encodeText } from '../../src/bytes/index.ts';
import { inputError } from '../../src/diag/index.ts';

const PATIENCE_MS = 2;

/** What is printed to. */
export interface Output {
  write(text: string): void;
}

/**
 * stdout, written before `write` returns; making Node's own stream for a pipe takes 5 ms. Throws EPIPE as it
 * comes, and `file-write` for everything else.
 */
export const STDOUT: Output = {
  write(text) {
    try {
      writeAll(1, encodeText(text));
    } catch (error) {
      if (isBrokenPipe(error)) throw error;
      throw inputError('file-write', ['<stdout>'], `cannot be written: ${codeOf(error)}`);
    }
  },
};

export const STDERR: Output = {
  write(text) {
    try {
      writeAll(2, encodeText(text));
    } catch {
      // nobody is left to be told
    }
  },
};

/** Writes all of `bytes`; waits where the descriptor is a pipe that does not block and is full. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += patiently(() => writeSync(fd, bytes, written));
}

/** As `readSync`, also for a pipe that does not block, and when a signal interrupts it; 0 at the end. */
export function readSome(fd: number, buffer: Uint8Array): number {
  return patiently(() => readSync(fd, buffer));
}

const AGAIN: ReadonlySet<string> = new Set(['EAGAIN', 'EINTR']);

function patiently(attempt: () => number): number {
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!AGAIN.has(codeOf(error))) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PATIENCE_MS);
    }
  }
}

export function isBrokenPipe(error: unknown): boolean {
  return codeOf(error) === 'EPIPE';
}

/** `ENOENT` and the like; empty for other errors. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
