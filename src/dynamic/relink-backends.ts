/** The back ends of dynamic re-linking: which of them, building a generation, and the step that makes it the running one. */

import type { Attached } from '../load/index.ts';
import type { BuildContext } from './relink-build.ts';
import type { Design } from './relink-design.ts';
import type { Generation, RelinkVia } from './relink-generation.ts';
import { requireChangeable, swapProgram } from './relink-hook.ts';
import { buildStatic } from './relink-static.ts';

export interface Choice {
  readonly via: RelinkVia;
  readonly reason: string;
}

export function chooseVia(_context: BuildContext, _design: Design, forced: RelinkVia | undefined): Choice {
  if (forced !== undefined) return { via: forced, reason: 'as asked for' };
  return { via: 'static', reason: 'linked anew' };
}

export function build(_via: RelinkVia, context: BuildContext, design: Design): Generation {
  return buildStatic(context, design);
}

/** Throws `relink-hook-fixed` when this back end needs a hook whose program can be changed, and this one's cannot. */
export function requirePossible(hook: Attached, _old: Generation, _via: RelinkVia): void {
  requireChangeable(hook);
}

/** Makes a generation the running one. Without `old` whatever of ours is there gives way. */
export function commit(hook: Attached, next: Generation, old: Generation | undefined): void {
  swapProgram(hook, next.program, old?.program);
}
