/**
 * Making hooks what documents declare. Everything is checked for all hooks before the first one is switched;
 * each hook is one switch of its own, and what became of each is reported exactly.
 */

import { given } from '../bytes/index.ts';
import { addFrame, type Problem, problem, RootletError } from '../diag/index.ts';
import { OPTIMIZED } from '../load/index.ts';
import { changeChain, previewChain } from './chains.ts';
import type { DeclaredChain } from './declared/index.ts';
import { type ChainPlan, planDeclared } from './declared/index.ts';
import type { ChainContext, RunningChain } from './engine/index.ts';
import type { ChainDesign, ChainEdit, ChainHook, MemberRequest } from './model/index.ts';
import { CHAIN_KINDS } from './model/index.ts';
import type { ChainChange, ChainOptions } from './options.ts';
import { listChains } from './reading.ts';

/** A declared chain whose hook and files were found. */
export interface ReadyChain {
  /** Null for a chain that no document names, which is removed. */
  readonly declared: DeclaredChain | null;
  readonly hook: ChainHook;
  /** One for each member. */
  readonly members: readonly MemberRequest[];
}

export type DeclaredOptions = Pick<ChainOptions, 'force' | 'load' | 'optimize'>;

/** What is to happen on one hook. */
export interface PlannedChain extends ReadyChain {
  readonly plan: ChainPlan;
  readonly running: RunningChain;
  readonly design: ChainDesign;
  /** What the change would do; null when nothing is pending. */
  readonly change: ChainChange | null;
}

/** What became of one hook. */
export interface AppliedChain extends PlannedChain {
  readonly outcome: 'changed' | 'unchanged' | 'failed';
  /** Of a hook that failed. */
  readonly problems: readonly Problem[];
}

/** Plans all hooks. Changes nothing. Throws the problems of all of them, with the places in the documents. */
export function planChains(
  context: ChainContext,
  chains: readonly ReadyChain[],
  options: DeclaredOptions,
): PlannedChain[] {
  const problems: Problem[] = [];
  const planned = chains.flatMap(chain => {
    try {
      return [planChain(context, chain, options)];
    } catch (error) {
      problems.push(...problemsOf(error, chain));
      return [];
    }
  });
  if (problems.length > 0) throw new RootletError(problems);
  return planned;
}

function planChain(context: ChainContext, chain: ReadyChain, options: DeclaredOptions): PlannedChain {
  const { running, design } = previewChain(
    context,
    chain.hook,
    editOf(chain),
    optionsOf(chain, given({ optimize: options.optimize })),
  );
  const policy = given({ mode: chain.declared?.mode, via: chain.declared?.via });
  const plan = planDeclared(running.state, running.design, design, policy);
  const planned = { ...chain, plan, running, design };
  if (plan.action === 'none') return { ...planned, change: null };
  const change = changeChain(context, chain.hook, editOf(chain), {
    ...optionsOf(chain, options),
    dryRun: true,
  });
  requireAccepted(change);
  return { ...planned, change };
}

/** A map that cannot be what the plan needs would stop the change after other hooks were switched. */
function requireAccepted({ state }: ChainChange): void {
  const refused = state.filter(({ kind }) => kind === 'refuse');
  if (refused.length === 0) return;
  throw new RootletError(refused.map(({ key, reason }) => problem('load-map-mismatch', [key], reason)));
}

/** Chains that rootlet made on hooks of this network namespace that are not in the list, to be removed. */
export function undeclaredChains(context: ChainContext, declared: readonly ReadyChain[]): ReadyChain[] {
  const keyOf = ({ kind, direction, ifindex }: ChainHook): string => `${kind} ${direction} ${ifindex}`;
  const known = new Set(declared.map(({ hook }) => keyOf(hook)));
  return CHAIN_KINDS.flatMap(kind => listChains(context, kind)).flatMap((state): ReadyChain[] => {
    const isOwn = state.kind === 'chain' && (state.via !== 'libxdp' || state.entry !== null);
    return isOwn && !known.has(keyOf(state.hook)) ? [{ declared: null, hook: state.hook, members: [] }] : [];
  });
}

/**
 * Switches hooks to what was planned, one after the other; a hook that fails keeps what it runs, and does not
 * prevent the others.
 */
export function applyChains(
  context: ChainContext,
  planned: readonly PlannedChain[],
  options: DeclaredOptions,
): AppliedChain[] {
  return planned.map((chain): AppliedChain => {
    if (chain.change === null) return { ...chain, outcome: 'unchanged', problems: [] };
    try {
      const change = changeChain(context, chain.hook, editOf(chain), optionsOf(chain, options));
      return { ...chain, change, outcome: change.changed ? 'changed' : 'unchanged', problems: [] };
    } catch (error) {
      const problems = problemsOf(error, chain);
      const hasSwitched = problems.some(one => one.class === 'partial');
      return { ...chain, outcome: hasSwitched ? 'changed' : 'failed', problems };
    }
  });
}

/**
 * Problems of a whole run: those of the hooks, and first, where some were changed and others were not, that the
 * run is incomplete.
 */
export function problemsOfRun(
  applied: readonly Pick<AppliedChain, 'hook' | 'outcome' | 'problems'>[],
): readonly Problem[] {
  const titles = (outcome: AppliedChain['outcome']): string[] =>
    applied.filter(one => one.outcome === outcome).map(one => titleOf(one.hook));
  const [changed, failed] = [titles('changed'), titles('failed')];
  const problems = applied.flatMap(one => one.problems);
  if (failed.length === 0 || changed.length === 0) return problems;
  const message = `changed: ${changed.join(', ')}; not changed: ${failed.join(', ')}`;
  const hint = 'remove the cause, and apply again: hooks that are as declared stay as they are';
  return [problem('chain-apply-incomplete', [], message, { hint }), ...problems];
}

/** As in documents: `xdp on eth0`, `tc ingress on eth0`. */
export function titleOf({ kind, direction, interface: name }: ChainHook): string {
  return `${direction === null ? kind : `${kind} ${direction}`} on ${name}`;
}

function editOf({ members }: ReadyChain): ChainEdit {
  return { kind: 'set', members };
}

function optionsOf({ declared }: ReadyChain, options: DeclaredOptions): ChainOptions {
  if (declared === null) return options;
  const { mode, via, failClosed, counters } = declared;
  const optimize = declared.optimize ?? options.optimize ?? OPTIMIZED;
  return { ...options, ...given({ mode, via }), failClosed, counters, optimize };
}

function problemsOf(error: unknown, { declared, hook }: ReadyChain): readonly Problem[] {
  if (!(error instanceof RootletError)) throw error;
  const [place] = declared?.where ?? [titleOf(hook)];
  const { problems } = place === undefined ? error : addFrame(error, place);
  // a document declares all members, so that nothing is adopted
  return problems.map(one => (one.code === 'chain-foreign' ? { ...one, hint: '--force replaces it' } : one));
}
