/**
 * Which back end makes a change: the requested one, or the best possible. A refusal names the other back ends
 * that can make this very change, and only those; where none can, it gives the reason of each.
 */

import { type Problem, problem, RootletError } from '../../diag/index.ts';
import { canHookChange } from '../../hooks/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { replacementRefusal } from '../bind/index.ts';
import {
  type BuildContext,
  type Design,
  SLOT_BACK_ENDS,
  type SlotBackEnd,
  type SlotFill,
} from '../generation/index.ts';
import { backEndProblem, ruleObjection } from './back-ends.ts';
import { examine } from './fit.ts';
import { type Pair, type Part, programNamed, typeOfProgram } from './pair.ts';

export interface Choice {
  readonly via: SlotBackEnd;
  /** As text, for users. */
  readonly reason: string;
}

/**
 * What was requested, if that can be; else `ext` where kernel and slots allow it, else `static`. Throws what
 * does not fit, `relink-via` for a rule of the back end that was requested or that is left,
 * `relink-via-kernel` where the kernel refuses it.
 */
export function chooseBackEnd(
  context: BuildContext,
  design: Design,
  forced: SlotBackEnd | undefined,
): Choice {
  if (design.fills.length === 0)
    return forced === undefined
      ? { via: 'static', reason: 'no slot is filled' }
      : { via: forced, reason: 'as requested' };
  const { object: rootlet } = design.rootlet;
  const { pairs, problems } = examine(rootlet, partsOf(design), context.main);
  if (problems.length > 0) throw new RootletError(problems);
  const change = new Change(context, rootlet, pairs);
  if (forced !== undefined) {
    const refused = change.problems(forced);
    if (refused.length > 0) throw new RootletError(refused);
    return { via: forced, reason: 'as requested' };
  }
  const objection = change.objection('ext');
  if (objection === undefined)
    return { via: 'ext', reason: 'components are loaded once and attached to the slots' };
  const refused = change.problems('static');
  if (refused.length > 0) throw new RootletError(refused);
  return { via: 'static', reason: `relinked into one program; not ext: ${objection}` };
}

/** Every component once, as its file has it. */
function partsOf(design: Design): Part[] {
  const parts = new Map<SlotFill['file'], { readonly object: BpfObject; readonly fills: SlotFill[] }>();
  for (const fill of design.fills) {
    const { file } = fill;
    const part = parts.get(file) ?? { object: file.object, fills: [] };
    parts.set(file, part);
    part.fills.push(fill);
  }
  return [...parts.values()];
}

/**
 * A change of which everything fits, and what the back ends say of it. The kernel is asked only when it comes
 * to it.
 */
class Change {
  readonly #context: BuildContext;
  readonly #rootlet: BpfObject;
  readonly #pairs: readonly Pair[];
  readonly #kernel: () => string | undefined;

  constructor(context: BuildContext, rootlet: BpfObject, pairs: readonly Pair[]) {
    this.#context = context;
    this.#rootlet = rootlet;
    this.#pairs = pairs;
    this.#kernel = replacementRefusal(context.sys);
  }

  /** Rules first, one problem for each slot; a refusal of the kernel concerns all of them. */
  problems(via: SlotBackEnd): Problem[] {
    const refused = this.#pairs.flatMap((pair): Problem[] => {
      const objection = ruleObjection(via, pair, this.#pairs);
      return objection === undefined ? [] : [backEndProblem(pair, via, objection)];
    });
    const kernel = refused.length === 0 && via === 'ext' ? this.#kernel() : undefined;
    if (kernel !== undefined) refused.push(kernelProblem(this.#rootlet, kernel));
    return refused.length === 0 ? [] : this.#withHint(refused, via);
  }

  /** Why a back end cannot make this change; undefined when it can. */
  objection(via: SlotBackEnd): string | undefined {
    for (const pair of this.#pairs) {
      const objection = ruleObjection(via, pair, this.#pairs);
      if (objection !== undefined) return `slot ${pair.fill.slot}: ${objection}`;
    }
    return this.#hookObjection(via) ?? (via === 'ext' ? this.#kernel() : undefined);
  }

  /**
   * A rootlet that is attached to such a hook keeps its program: only what is filled by tail calls can
   * change.
   */
  #hookObjection(via: SlotBackEnd): string | undefined {
    const { old, main } = this.#context;
    if (old === undefined || (via === 'tail' && old.via === 'tail')) return undefined;
    const program = programNamed(this.#rootlet, main);
    const type = program === undefined ? undefined : typeOfProgram(this.#rootlet, program);
    if (type === undefined || canHookChange(type)) return undefined;
    return 'the kernel cannot change the program on this kind of hook';
  }

  /** On the last one: it concerns all of them. */
  #withHint(problems: readonly Problem[], refused: SlotBackEnd): Problem[] {
    const others = SLOT_BACK_ENDS.filter(via => via !== refused);
    const objections = others.map(via => ({ via, objection: this.objection(via) }));
    const able = objections
      .filter(({ objection }) => objection === undefined)
      .map(({ via }) => `--slots ${via}`);
    const hint =
      able.length > 0
        ? `${able.join(' or ')} would work`
        : `no back end can do this: ${objections.map(({ via, objection }) => `${via}: ${objection}`).join('; ')}`;
    return problems.map((problem, at) => (at === problems.length - 1 ? { ...problem, hint } : problem));
  }
}

function kernelProblem(rootlet: BpfObject, reason: string): Problem {
  return problem('relink-via-kernel', [rootlet.name], `slots cannot be filled by "ext": ${reason}`);
}
