/** What prevents or interrupts a change of a tcx chain. */

import { elementAt, given } from '../../bytes/index.ts';
import { platformError, problem, quote, RootletError } from '../../diag/index.ts';
import { MAX_HOOK_PROGRAMS } from '../../kernel/index.ts';
import type { ChainHook } from '../model/index.ts';
import type { TcxHook } from './hook.ts';
import type { TcxPlan, TcxStep } from './plan.ts';

/** For messages: `interface "eth0" ingress`. */
function spellHook({ interface: name, direction }: ChainHook): string {
  return `interface ${quote(name)} ${direction ?? ''}`.trimEnd();
}

/**
 * Throws `chain-back-end` where the hook would run more programs than the kernel allows. New members come before
 * others go, and one member at a time moves.
 */
export function requireRoom({ hook, rows }: TcxHook, { steps }: TcxPlan): void {
  const added = steps.filter(({ kind }) => kind === 'load').length;
  const moves = steps.some(({ kind }) => kind === 'move') ? 1 : 0;
  if (rows.length + added + moves <= MAX_HOOK_PROGRAMS) return;
  throw platformError(
    'chain-back-end',
    [spellHook(hook)],
    `a tcx hook runs at most ${MAX_HOOK_PROGRAMS} programs: ${rows.length} are there, and ${added + moves} more are needed`,
    { hint: 'unload members first, or --via static, which links all members into one program' },
  );
}

/** A part of the steps has happened. */
export function incomplete(
  hook: ChainHook,
  steps: readonly TcxStep[],
  done: number,
  cause: RootletError,
): RootletError {
  const first = elementAt(cause.problems, 0);
  const missing = steps.slice(done).map(({ kind, name }) => `${kind} ${quote(name)}`);
  const message = `${done} of ${steps.length} steps are done: ${[...first.where, first.message].join(': ')}`;
  const extras = {
    ...given({ errno: first.errno }),
    details: missing.map(step => `not done: ${step}`),
    hint: 'run the command again: it does what is missing',
  };
  return new RootletError([problem('chain-incomplete', [spellHook(hook)], message, extras)], { cause });
}
