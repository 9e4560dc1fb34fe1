/** All rules about a chain that is to be built, in the order in which their findings are reported. */

import { RootletError } from '../../diag/index.ts';
import type { Sys, XdpMode } from '../../kernel/index.ts';
import type { Store } from '../../store/index.ts';
import { spellHook } from '../engine/index.ts';
import { gatherFacts, type PreflightFacts } from './facts.ts';
import { memberEffects } from './members.ts';
import * as rules from './rules.ts';

const RULES: readonly rules.Rule[] = [
  rules.rights,
  rules.bpffs,
  rules.owner,
  rules.backEnd,
  rules.slots,
  rules.mode,
  rules.uppers,
  rules.mtu,
  rules.merging,
  rules.tailCalls,
  rules.deviceBinding,
  rules.packetChanges,
];

/** What would make the chain fail, and what may; nothing is built or changed. */
export function preflight(request: rules.PreflightRequest, facts: PreflightFacts): rules.Findings {
  const { hook } = request.before;
  const checked: rules.Checked = {
    ...request,
    facts,
    members: request.design.members.map(memberEffects),
    expectedMode: expectedMode(request, facts),
    place: spellHook(hook),
  };
  const found = RULES.map(rule => rule(checked));
  return {
    problems: found.flatMap(({ problems }) => problems),
    notes: found.flatMap(({ notes }) => notes),
  };
}

/** As the kernel chooses: in the driver where that runs XDP. */
function expectedMode({ mode, before }: rules.PreflightRequest, facts: PreflightFacts): XdpMode {
  return mode ?? before.mode ?? (rules.runsNative(facts) === false ? 'generic' : 'native');
}

/**
 * Gathers the facts and throws all problems at once; returns the notes. `pinRoots`: directories for pins of the
 * back end, besides the store. Throws `chain-*`, `kernel-no-rights`, `store-no-bpffs`.
 */
export function requireReady(
  sys: Sys,
  store: Store,
  request: rules.PreflightRequest,
  pinRoots: readonly string[] = [],
): readonly string[] {
  const { before, design, via } = request;
  const { problems, notes } = preflight(request, gatherFacts(sys, store, { before, design, via, pinRoots }));
  if (problems.length > 0) throw new RootletError(problems);
  return notes;
}
