/**
 * The back ends of dynamic re-linking: which of them, building a generation, and the step that makes it the
 * running one. Choosing between them is the business of `fit/`.
 */

import { RootletError } from '../../diag/index.ts';
import type { Hook } from '../../hooks/index.ts';
import type { BpfProgram } from '../../kernel/index.ts';
import { allSlotsTail } from '../fit/index.ts';
import type { BuildContext, Design, Generation, SlotBackEnd } from '../generation/index.ts';
import type { PlannedGeneration } from './build.ts';
import { buildExt, plannedExt } from './ext.ts';
import { buildStatic, planStatic } from './static.ts';
import { buildTail, keepsRootlet, plannedTail, planTailSlots } from './tail.ts';

export { type Choice, chooseBackEnd } from '../fit/index.ts';

export function build(via: SlotBackEnd, context: BuildContext, design: Design): Generation {
  switch (via) {
    case 'static':
      return buildStatic(context, design);
    case 'tail':
      return buildTail(context, design);
    case 'ext':
      return buildExt(context, design);
  }
}

/** What `build` would load, and on which maps; nothing is created. */
export function planParts(via: SlotBackEnd, context: BuildContext, design: Design): PlannedGeneration {
  switch (via) {
    case 'static':
      return planStatic(context, design);
    case 'tail':
      return plannedTail(context, design);
    case 'ext':
      return plannedExt(context, design);
  }
}

/**
 * Throws `hook-not-updatable` when the change needs a hook whose program can be changed, and this one's
 * cannot.
 */
export function requirePossible(
  hook: Hook,
  old: Generation,
  via: SlotBackEnd,
  context: BuildContext,
  design: Design,
): void {
  if (via === 'tail' && keepsRootlet(old, context, design)) return;
  try {
    hook.requireUpdatable();
  } catch (error) {
    const hint = tailHint(old);
    if (!(error instanceof RootletError) || error.code !== 'hook-not-updatable' || hint === undefined)
      throw error;
    throw new RootletError(error.problems.map(problem => ({ ...problem, hint })));
  }
}

/** Only where every slot can be filled by a tail call. */
function tailHint({ via, design: { rootlet } }: Generation): string | undefined {
  if (!allSlotsTail(rootlet.object)) return undefined;
  return via === 'tail'
    ? '--slots tail changes its slots and keeps its program'
    : 'attach the rootlet with --slots tail: its slots then change while its program stays';
}

/**
 * What makes a generation the running one, worked out beforehand, so that only system calls are left to do.
 * `expected`: the program that gives way; null: whatever program is on the hook.
 */
export function planCommit(
  hook: Hook,
  next: Generation,
  old: Generation,
  expected: BpfProgram | null,
): () => void {
  const there = expected === null ? hook.occupantId() : expected.info().id;
  const swaps = there !== next.program.info().id;
  const fill = next.via === 'tail' ? planTailSlots(next) : () => {};
  const undo = old.via === 'tail' && !swaps ? planTailSlots(old) : () => {};
  return () => {
    if (swaps) hook.update(next.program, expected);
    try {
      fill();
    } catch (error) {
      undo();
      throw error;
    }
  };
}
