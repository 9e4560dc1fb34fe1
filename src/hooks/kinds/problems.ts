/** The problems of hooks, each in one place, for all kinds of attachments. */

import { platformError, quote, RootletError, usageError } from '../../diag/index.ts';
import { openById, readMapInfo, readProgramInfo, type Sys } from '../../kernel/index.ts';
import type { Occupant } from './hook.ts';

/** Another program than `expected` is there. `what` is a program, or a map for struct_ops. */
export function hookChanged(
  sys: Sys,
  place: string,
  what: 'program' | 'map',
  running: number | undefined,
  expected: Occupant | null,
): RootletError {
  const there = running === undefined ? `another ${what}` : `${what} ${describe(sys, what, running)}`;
  const wanted = expected === null ? 'the expected one' : `${expected.info().id} (${quote(expected.name)})`;
  return platformError('hook-changed', [place], `${there} is attached, not ${wanted}`, {
    hint: `another process changed it: "rootlet ps --all" shows whose ${what} it is; --force ignores this`,
  });
}

/** `12 ("name")`; only the number where this process may not ask for the name. */
function describe(sys: Sys, what: 'program' | 'map', id: number): string {
  try {
    using fd = openById(sys, what, id);
    if (fd === undefined) return String(id);
    const { name } = what === 'program' ? readProgramInfo(sys, fd.number) : readMapInfo(sys, fd.number);
    return name === '' ? String(id) : `${id} (${quote(name)})`;
  } catch (error) {
    if (error instanceof RootletError) return String(id);
    throw error;
  }
}

/** Nothing is attached there any more. */
export function hookGone(place: string, why: string): RootletError {
  return platformError('attach-gone', [place], `nothing is attached here any more: ${why}`, {
    hint: '"rootlet detach" removes what is left of the attachment; then attach again',
  });
}

/** `kind` is the kernel's name of what is attached. */
export function hookNotUpdatable(place: string, kind: string): RootletError {
  return usageError(
    'hook-not-updatable',
    `${place}: the kernel cannot change the program on this hook in one step (${kind})`,
    {
      hint: 'the only way is a gap: "rootlet detach" it, and attach the new program',
    },
  );
}

/** `command` is what to run before a command of rootlet; null when no file leads to the namespace. */
export function otherNetns(place: string, command: string | null): RootletError {
  return usageError('attach-other-netns', `${place}: this process is in another network namespace`, {
    hint:
      command === null
        ? 'no process and no file refers to that network namespace, which may be gone: "rootlet detach --force" removes the entry'
        : `run the command there: ${command} rootlet …`,
  });
}
