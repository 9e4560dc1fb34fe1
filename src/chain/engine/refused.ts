/** Refusals of replaced functions as problems of the chain, which another back end does not have. */

import { type Problem, RootletError, recoded, shellWord } from '../../diag/index.ts';
import { E2BIG, EINVAL, ENOTSUPP, EOPNOTSUPP, EPERM } from '../../uapi/index.ts';
import type { ChainHook } from '../model/index.ts';
import { spellHook } from './hooks.ts';

/**
 * Runs `body`, which builds a chain whose members replace functions. Throws `chain-back-end` where the kernel or a rule
 * refuses that, so that the caller may link the members instead; other errors as they are.
 */
export function forBackEnds<T>(hook: ChainHook, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RootletError) || !error.problems.some(isOfReplacement)) throw error;
    const hint = `--via static links the members into one program: rootlet xdp load ${shellWord(hook.interface)} --via static`;
    const problems = error.problems.map(one => (isOfReplacement(one) ? ofChain(hook, one, hint) : one));
    throw new RootletError(problems, { cause: error });
  }
}

const RULES: ReadonlySet<string> = new Set(['relink-via', 'relink-via-kernel']);

/**
 * What a kernel answers that replaces no functions: without a JIT for it, by a security policy, before Linux 5.10, or
 * where it finds a difference between the two functions that is not known here.
 */
const REFUSALS: ReadonlySet<number> = new Set([EINVAL, EPERM, ENOTSUPP, EOPNOTSUPP, E2BIG]);

function isOfReplacement(found: Problem): boolean {
  return RULES.has(found.code) || isRefusedLink(found);
}

/** An attachment that is made while the chain is built can only be one of a member: XDP is attached by netlink. */
function isRefusedLink({ code, errno }: Problem): boolean {
  return code === 'kernel-attach' && errno !== undefined && REFUSALS.has(errno);
}

function ofChain(hook: ChainHook, found: Problem, hint: string): Problem {
  const message = isRefusedLink(found)
    ? `${spellHook(hook)}: this kernel does not put a member into a slot of a dispatcher: ${found.message}`
    : found.message;
  return { ...recoded(found, 'chain-back-end', { hint }), message };
}
