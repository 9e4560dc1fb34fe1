/**
 * The back ends of dynamic re-linking: which of them, building a generation, and the step that makes it the running one. Choosing
 * between them is the business of `fit/`.
 */

import type { Attached } from '../load/index.ts';
import { readObject } from '../object/index.ts';
import { allSlotsTail } from './fit/back-ends.ts';
import type { BuildContext } from './relink-build.ts';
import type { Design } from './relink-design.ts';
import { buildExt } from './relink-ext.ts';
import type { Generation, RelinkVia } from './relink-generation.ts';
import { programOn, requireChangeable, swapProgram } from './relink-hook.ts';
import { buildStatic } from './relink-static.ts';
import { buildTail, planTailSlots } from './relink-tail.ts';

export { type Choice, chooseVia } from './fit/choose-via.ts';

export function build(via: RelinkVia, context: BuildContext, design: Design): Generation {
  switch (via) {
    case 'static':
      return buildStatic(context, design);
    case 'tail':
      return buildTail(context, design);
    case 'ext':
      return buildExt(context, design);
  }
}

/** Throws `relink-hook-fixed` when the change needs a hook whose program can be changed, and this one's cannot. */
export function requirePossible(hook: Attached, old: Generation, via: RelinkVia): void {
  if (via === 'tail' && old.via === 'tail') return;
  requireChangeable(hook, () => tailHint(old));
}

/** Only where every slot can be filled by a tail call. */
function tailHint({ via, design: { rootlet } }: Generation): string | undefined {
  if (!allSlotsTail(readObject(rootlet.bytes, rootlet.name))) return undefined;
  return via === 'tail'
    ? '--via tail changes its slots and keeps its program'
    : 'attach the rootlet with --slots tail: its slots then change while its program stays';
}

/**
 * What makes a generation the running one, worked out beforehand, so that only system calls are left to do. Without
 * `old` whatever of ours is there gives way.
 */
export function planCommit(hook: Attached, next: Generation, old: Generation | undefined): () => void {
  const there = old === undefined ? programOn(hook) : old.program.info().id;
  const swaps = there !== next.program.info().id;
  const fill = next.via === 'tail' ? planTailSlots(next) : () => {};
  const undo = old?.via === 'tail' && !swaps ? planTailSlots(old) : () => {};
  return () => {
    if (swaps) swapProgram(hook, next.program, old?.program);
    try {
      fill();
    } catch (error) {
      undo();
      throw error;
    }
  };
}
