/** Chains as tests of their output need them. Not shipped. */

import type { ChainHook, ChainState, MemberState } from '../../src/chain/model/chain.ts';
import { NO_SETTINGS } from '../../src/state/settings.ts';

/** A member that is a part of a linked program. */
export function member(name: string, facts: Partial<MemberState> = {}): MemberState {
  return {
    name,
    program: name,
    file: `${name}.bpf.o`,
    priority: 50,
    continueOn: [2],
    loaded: null,
    settings: NO_SETTINGS,
    lost: null,
    ...facts,
  };
}

interface Facts extends Omit<Partial<ChainState>, 'hook'> {
  readonly hook?: Partial<ChainHook>;
  readonly interface?: string;
}

/** A hook of `v0`; nothing is on it unless `facts` have something. */
export function onHook({ hook, interface: name = 'v0', ...facts }: Facts = {}): ChainState {
  const isChain = facts.kind === 'chain';
  return {
    hook: { kind: 'xdp', direction: null, interface: name, ifindex: 2, netns: 'net:[4026531840]', ...hook },
    kind: 'none',
    via: isChain ? 'static' : null,
    version: null,
    mode: facts.kind === undefined ? null : 'native',
    program: null,
    members: [],
    failClosed: false,
    entry: isChain ? `xdp-${name}` : null,
    problems: [],
    ...facts,
  };
}
