/** What goes wrong with memory, as problems: nothing that kernels meet ends the process. */

import { bugError, inputError, platformError, RootletError } from '../diag/index.ts';

/** Addresses of an image are positive 32-bit numbers. */
export const MOST_BYTES = 0x7fff_0000;

/** An access that a kernel should have refused. */
export function outside(index?: number): never {
  throw bugError(['image'], `access outside of memory${index === undefined ? '' : ` at ${index}`}`);
}

/** Throws `image-limit` if an image cannot have that many bytes; a sum that left 31 bits is negative. */
export function requireSize(size: number): void {
  if (size >= 0 && size <= MOST_BYTES) return;
  throw inputError('image-limit', [], 'the inputs and what they consist of need more than 2 GiB of memory', {
    hint: 'link fewer inputs at once, and then the results',
  });
}

export function memoryRefused(size: number, error: unknown): RootletError {
  return platformError('image-memory', [], `the engine refuses ${Math.ceil(size / 0x100000)} MiB of memory`, {
    ...(error instanceof Error ? { details: [error.message] } : {}),
  });
}

/** What a kernel threw as a problem: a trap of WebAssembly is an internal error. */
export function kernelFailure(error: unknown): RootletError {
  if (error instanceof RootletError) return error;
  return bugError(['image'], `a kernel failed: ${error instanceof Error ? error.message : String(error)}`);
}
