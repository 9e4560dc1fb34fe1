/**
 * The back ends of dynamic re-linking: which of them, building a generation, and the step that makes it the running one.
 */

import { type Problem, quote, RootletError } from '../diag/index.ts';
import type { Hook } from '../hooks/index.ts';
import { probeReplacement } from '../kernel/probe-types.ts';
import type { Sys } from '../kernel/sys.ts';
import { readObject } from '../object/index.ts';
import type { BuildContext, PlannedGeneration } from './relink-build.ts';
import { componentOf, type Design } from './relink-design.ts';
import { buildExt, extObjection, plannedExt } from './relink-ext.ts';
import type { Generation, RelinkVia } from './relink-generation.ts';
import { chooseMain } from './relink-program.ts';
import { buildStatic, planStatic } from './relink-static.ts';
import { buildTail, keepsRootlet, plannedTail, planTailSlots, tailSlotObjection } from './relink-tail.ts';

export interface Choice {
  readonly via: RelinkVia;
  /** In words, for people. */
  readonly reason: string;
}

/** What was asked for, if that can be; else `ext` where kernel and slots allow it, else `static`. Throws `relink-via`. */
export function chooseVia(context: BuildContext, design: Design, forced: RelinkVia | undefined): Choice {
  if (forced !== undefined) {
    const problems = forced === 'static' ? [] : objections(context, design, forced);
    if (problems.length > 0) throw new RootletError(problems);
    return { via: forced, reason: 'as asked for' };
  }
  if (design.fills.length === 0) return { via: 'static', reason: 'no slot is filled' };
  const [objection] = objections(context, design, 'ext');
  if (objection === undefined)
    return { via: 'ext', reason: 'components are loaded once and attached to the slots' };
  return { via: 'static', reason: `linked anew; not ext: ${objection.message}` };
}

/** Why slots cannot be filled in this way, one problem for each. */
function objections(context: BuildContext, design: Design, via: 'tail' | 'ext'): Problem[] {
  const rootlet = readObject(design.rootlet.bytes, design.rootlet.name);
  const kernel = kernelObjection(context.sys);
  return design.fills.flatMap((fill): Problem[] => {
    const objection = (() => {
      if (via === 'tail') return tailSlotObjection(rootlet, fill.slot);
      const component = readObject(fill.file.bytes, fill.file.name);
      const program = chooseMain(component, fill.program);
      return extObjection(rootlet, context.main, fill.slot, component, program, kernel);
    })();
    if (objection === undefined) return [];
    return [
      {
        code: 'relink-via',
        class: 'input',
        where: [design.rootlet.name],
        message: `slot ${quote(fill.slot)} cannot be filled with ${quote(componentOf(fill))} by ${quote(via)}: ${objection}`,
        hint: 'leave the choice to rootlet, or use --via static',
      },
    ];
  });
}

/** Asked once, when a rule comes to it. */
function kernelObjection(sys: Sys): () => string | undefined {
  let answer: string | null | undefined;
  return () => {
    if (answer === undefined) {
      const probed = probeReplacement(sys);
      const because = probed.state === 'unknown' ? ` (${probed.reason})` : '';
      answer = probed.state === 'yes' ? null : `this kernel does not replace functions here${because}`;
    }
    return answer ?? undefined;
  };
}

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

/** What `build` would load, and on which maps; nothing is created. */
export function planParts(via: RelinkVia, context: BuildContext, design: Design): PlannedGeneration {
  switch (via) {
    case 'static':
      return planStatic(context, design);
    case 'tail':
      return plannedTail(context, design);
    case 'ext':
      return plannedExt(context, design);
  }
}

/** Throws `hook-not-updatable` when the change needs a hook whose program can be changed, and this one's cannot. */
export function requirePossible(
  hook: Hook,
  old: Generation,
  via: RelinkVia,
  context: BuildContext,
  design: Design,
): void {
  if (via !== 'tail' || !keepsRootlet(old, context, design)) hook.requireUpdatable();
}

/**
 * What makes a generation the running one, worked out beforehand, so that only system calls are left to do. Without
 * `old` whatever of ours is there gives way.
 */
export function planCommit(hook: Hook, next: Generation, old: Generation | undefined): () => void {
  const there = old === undefined ? hook.occupantId() : old.program.info().id;
  const swaps = there !== next.program.info().id;
  const fill = next.via === 'tail' ? planTailSlots(next) : () => {};
  const undo = old?.via === 'tail' && !swaps ? planTailSlots(old) : () => {};
  return () => {
    if (swaps) hook.update(next.program, old?.program ?? null);
    try {
      fill();
    } catch (error) {
      undo();
      throw error;
    }
  };
}
