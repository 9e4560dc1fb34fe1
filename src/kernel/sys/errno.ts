/**
 * Errors of failed system calls. Apart from the numbers and their words, which src/uapi has, because these
 * are problems.
 */

import { type CodeOf, type Problem, platformError, type RootletError } from '../../diag/index.ts';
import { EMFILE, errnoText } from '../../uapi/index.ts';

/** The errno of what `node:fs` throws, positive; 0 when there is none. */
export function errnoOf(error: unknown): number {
  return error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : 0;
}

/** What helps against EMFILE. */
export const EMFILE_HINT = 'allow this process more descriptors: ulimit -n 1024';

/**
 * The error for a failed system call. `result` is what `Sys.syscall` returned: minus errno.
 * `what` is what was tried, e.g. `creating map "flows"`.
 */
export function syscallError(
  code: CodeOf<'platform'>,
  where: readonly string[],
  what: string,
  result: number,
  extras: Pick<Problem, 'hint' | 'details'> = {},
): RootletError {
  const errno = -result;
  const known = errno === EMFILE ? { hint: EMFILE_HINT } : {};
  return platformError(code, where, `${what}: ${errnoText(errno)}`, { errno, ...known, ...extras });
}
