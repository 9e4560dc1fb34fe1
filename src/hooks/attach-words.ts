/** Attaching to a target given as text: the steps of a command, for attachments that outlive this process. */

import { RootletError, requireRecord, requireText, usageError } from '../diag/index.ts';
import type { LoadedObject } from '../load/index.ts';
import { requireLoaded } from '../load/index.ts';
import {
  attachOperations,
  attachProgram,
  type Hook,
  type Occupant,
  type PlannedAttachment,
  planAttachment,
} from './kinds/index.ts';
import { type HookRequest, isOperations, iteratorOf, withIterator } from './targets/index.ts';

/** Attaches. Throws `attach-not-kept` for hooks whose attachments end with the process. */
export function attachTo(loaded: LoadedObject, program: string, request: HookRequest): Hook {
  requireLoaded('attachTo: loaded', loaded);
  requireText('attachTo: program', 'a string, the name of a program', program);
  requireRecord('attachTo: request', 'what parseHook() returns', request);
  const { planned, attach } = planTo(loaded, program, request);
  if (planned !== undefined) attach();
  return planned ?? attach();
}

/**
 * Attaches persistently: `save` creates a record of the hook and calls `commit` when that is complete. What
 * the kernel keeps without a handle is attached in `commit`, so that the record comes first, and detached
 * again when `save` fails after it. The hook is closed when `save` returns.
 */
export function attachRecorded<T>(
  loaded: LoadedObject,
  program: string,
  request: HookRequest,
  save: (hook: Hook, commit: () => void) => T,
): T {
  const { planned, attach } = planTo(loaded, program, request);
  if (planned === undefined) {
    using hook = attach();
    return save(hook, () => {});
  }
  try {
    return save(planned, () => void attach());
  } catch (error) {
    // also when attaching itself failed: the answer may be what was lost
    takeBack(planned, loaded.program(program));
    throw error;
  } finally {
    planned.close();
  }
}

/** Only the own program is detached; the first error matters more than one of this. */
function takeBack(planned: Hook, program: Occupant): void {
  try {
    planned.detach(program);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
  }
}

function planTo(loaded: LoadedObject, program: string, request: HookRequest): PlannedAttachment {
  if (isOperations(request))
    return { planned: undefined, attach: () => requireLasting(attachOperations(loaded, program)) };
  if (request.kind === 'iter' && request.target !== '-')
    return { planned: undefined, attach: () => attachIteratorOver(loaded, program, request.target) };
  const { planned, attach } = planAttachment(loaded, program, request.place);
  return { planned, attach: () => requireLasting(attach()) };
}

function attachIteratorOver(loaded: LoadedObject, program: string, target: string): Hook {
  const { sys } = loaded.program(program);
  return withIterator(sys, loaded, iteratorOf(target), iterator =>
    attachProgram(loaded, program, { iterator }),
  );
}

function requireLasting(hook: Hook): Hook {
  if (hook.lasting) return hook;
  const { place } = hook;
  try {
    hook.detach(null);
  } finally {
    hook.close();
  }
  throw usageError('attach-not-kept', `${place}: this kernel ends such attachments with the process`, {
    hint: 'attach from a process that keeps running, with rootlet/hooks, or use a newer kernel',
  });
}
