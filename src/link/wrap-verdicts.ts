/**
 * A program whose verdicts are those of its hook: a chain of one member around it, which returns one verdict for
 * all that are to continue. Separate from chains of several members: here the hook runs the next program.
 */

import { quote, RootletError, usageError } from '../diag/index.ts';
import { type BpfObject, programsOf, sectionNameOf, type Verdict } from '../object/index.ts';
import { chainSlotName, makeChain } from './relink/index.ts';
import { relink } from './relink.ts';

/** What the hook makes of verdicts. */
export interface HookVerdicts {
  /** After this one the next program of the hook runs. */
  readonly next: number;
  /** Ends the chain as `next` of its last program does. */
  readonly stop: number;
}

/**
 * The object with the program in a wrapper of its name: after a verdict of `continueOn` the next program of the
 * hook runs, after all others it does not. Names of maps and variables stay. Throws what prevents it.
 */
export function wrapVerdicts(
  object: BpfObject,
  program: string,
  continueOn: readonly Verdict[],
  { next, stop }: HookVerdicts,
): BpfObject {
  const found = programsOf(object).find(one => one.program.name === program);
  if (found === undefined)
    throw usageError('attach-program', `${object.name}: there is no program ${quote(program)}`);
  const section = sectionNameOf(object, found.program).replace(/^\?/, '');
  const chain = makeChain({
    slots: [{ continueOn }],
    section,
    byteOrder: object.byteOrder,
    program,
    final: next,
    ...(continueOn.includes(next) ? {} : { stopAs: { verdict: next, returned: stop } }),
  });
  const result = relink(chain, [{ slot: chainSlotName(0), component: object, program }], {
    name: object.name,
    entrySlots: true,
    gcSections: false,
    mustReturn: [chainSlotName(0)],
  });
  if (!result.ok) throw new RootletError(result.problems);
  return result.object;
}
