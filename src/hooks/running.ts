/** Hooks by what runs on them, whoever attached it. */

import { Attachment } from '../kernel/attachment.ts';
import { listIds, openById } from '../kernel/info.ts';
import type { Sys } from '../kernel/sys.ts';
import type { Hook, Occupant } from './hook.ts';
import { LinkHook } from './link-hook.ts';
import { hookChanged } from './problems.ts';

/** Every link that runs one of `programs` now, owned by the caller. Needs CAP_SYS_ADMIN; throws `kernel-ids`. */
export function hooksRunning(sys: Sys, programs: ReadonlySet<number>): { hook: Hook; programId: number }[] {
  const found: { hook: Hook; programId: number }[] = [];
  try {
    for (const id of listIds(sys, 'link')) {
      const fd = openById(sys, 'link', id);
      if (fd === undefined) continue;
      const hook = new LinkHook(new Attachment(sys, fd, `attachment ${id}`));
      const { programId } = hook.link.info();
      if (programs.has(programId)) found.push({ hook, programId });
      else hook.close();
    }
    return found;
  } catch (error) {
    for (const { hook } of found) hook.close();
    throw error;
  }
}

/** Throws `hook-changed` when something else than `expected` runs there, as far as the kernel reports it. */
export function requireOccupant(
  sys: Sys,
  hook: Hook,
  expected: Occupant,
  what: 'program' | 'map' = 'program',
): void {
  const id = hook.occupantId();
  if (id === undefined || id === expected.info().id) return;
  throw hookChanged(sys, hook.place, what, id, expected);
}
