/** What goes wrong with memory, as problems: nothing that kernels meet ends the process. */

import {
  bugError,
  describeLimit,
  inputError,
  LIMITS,
  limitHint,
  platformError,
  RootletError,
} from '../diag/index.ts';

/** Bytes of the largest memory, which is that of an image without a limit of its own. */
export const MOST_BYTES = LIMITS.memory.most;

/** An access that a kernel should have refused. */
export function outside(index?: number): never {
  throw bugError(['image'], `access outside of memory${index === undefined ? '' : ` at ${index}`}`);
}

const PARTS = 'link fewer inputs at once (-r), and then the results';

/** `image-limit` for a file: what there is of `most` bytes when it comes, without `used`, is not enough. */
export function fileTooLarge(name: string, size: number, used: number, most: number): RootletError {
  const rest = `${used} of ${most} bytes are in use`;
  const others = used > size ? PARTS : '"llvm-objcopy --strip-debug" leaves debug information out';
  return inputError('image-limit', [name], `has ${size} bytes, for which there is no room: ${rest}`, {
    hint: limitHint('memory', most, others),
  });
}

/** Throws `image-limit` if an image of `most` bytes cannot have that many; a sum that left 31 bits is negative. */
export function requireSize(size: number, most: number): void {
  if (size >= 0 && size <= most) return;
  const limit = most === MOST_BYTES ? '2 GiB' : describeLimit('memory', most);
  throw inputError(
    'image-limit',
    [],
    `the inputs and what they consist of need more than ${limit} of memory`,
    {
      hint: limitHint('memory', most, `use fewer and smaller files at once: ${PARTS}`),
    },
  );
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
