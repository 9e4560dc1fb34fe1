/** The kernel's refusal of types, as it is reported: in notes, and as a problem where something needs the types. */

import { given } from '../../bytes/index.ts';
import { type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import { EACCES, EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM, errnoText } from '../../uapi/index.ts';

/** errno of the first problem of an error; -1 when it has none. */
export function errnoOf(error: unknown): number {
  const [first] = error instanceof RootletError ? error.problems : [];
  return first?.errno === undefined ? NO_ERRNO : first.errno;
}

const NO_ERRNO = -1;

/** Errors that are not about what the types are. */
const NOT_ABOUT_TYPES: readonly number[] = [EPERM, EACCES, ENOMEM, EMFILE, ENFILE, EAGAIN, EINTR, ENOSYS];

/** The kernel's problem with the types themselves; undefined for any other error. */
export function btfRefusal(error: unknown): Problem | undefined {
  const [first] = error instanceof RootletError ? error.problems : [];
  const isRefusal = first?.code === 'kernel-btf-refused' && !NOT_ABOUT_TYPES.includes(errnoOf(error));
  return isRefusal ? first : undefined;
}

/**
 * That the load goes on without types. `repaired`: why it does not with repaired types, where the kernel takes
 * those.
 */
export function withoutTypesNote(source: string, refusal: Problem, repaired?: string): string {
  const more = repaired === undefined ? '' : `; with repaired types ${repaired}`;
  return `${source}: loaded without BTF, which the kernel refuses: ${reasonOf(refusal)}${more}; ${LOST}`;
}

const LOST =
  'maps and functions have no types in the kernel, and global functions are verified as static ones';

/** That something needs the types. */
export function neededTypes(source: string, refusal: Problem, needs: readonly string[]): Problem {
  const message = `the kernel refuses the types: ${reasonOf(refusal)}`;
  return problem('kernel-btf-refused', [source, 'section ".BTF"'], message, {
    ...given({ errno: refusal.errno }),
    details: needs.map(need => `needed by ${need}`),
    hint: 'change the declaration that the line of the kernel names',
  });
}

/** The last line of the kernel's log; a line about a part of a type comes with the line of the type. */
function reasonOf({ details = [], errno }: Problem): string {
  const last = details.at(-1);
  const words = errno === undefined ? '' : errnoText(errno);
  if (last === undefined) return words;
  const head = last.startsWith('\t') ? details.findLast(line => line.startsWith('[')) : undefined;
  const line = head === undefined ? last.trim() : `${head}: ${last.trim()}`;
  return `${quote(line)} (${words})`;
}
