/** What goes wrong with memory, as problems: nothing that kernels meet ends the process. */

import { bugError, inputError, platformError, RootletError } from '../diag/index.ts';

/** Addresses of an image are positive 32-bit numbers. */
export const MOST_BYTES = 0x7fff_0000;

/** An access that a kernel should have refused. */
export function outside(index?: number): never {
  throw bugError(['image'], `access outside of memory${index === undefined ? '' : ` at ${index}`}`);
}

const PARTS = 'link fewer inputs at once (-r), and then the results';

/** `image-limit` for a file: what there is of memory when it comes, `used` bytes, is not enough. */
export function fileTooLarge(name: string, size: number, used: number): RootletError {
  const rest = `${used} of ${MOST_BYTES} bytes are in use`;
  return inputError('image-limit', [name], `has ${size} bytes, for which there is no room: ${rest}`, {
    hint: used > size ? PARTS : '"llvm-objcopy --strip-debug" leaves debug information out',
  });
}

/** Throws `image-limit` if an image cannot have that many bytes; a sum that left 31 bits is negative. */
export function requireSize(size: number): void {
  if (size >= 0 && size <= MOST_BYTES) return;
  throw inputError('image-limit', [], 'the inputs and what they consist of need more than 2 GiB of memory', {
    hint: `use fewer and smaller files at once: ${PARTS}`,
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
