/** Hooks that have chains: finding them, what is on them now, and how they are attached to. */

import { quote } from '../../diag/index.ts';
import { type HookRequest, parseHook } from '../../hooks/index.ts';
import { currentNetns, readInterface, type Sys, type XdpMode } from '../../kernel/index.ts';
import type { ChainHook, ChainKind } from '../model/index.ts';

/** The hook of an interface of this network namespace. Throws `kernel-no-interface`. */
export function findChainHook(
  sys: Sys,
  interfaceName: string | number,
  kind: ChainKind,
  direction: ChainHook['direction'] = null,
): ChainHook {
  const { index, name } = readInterface(sys, interfaceName);
  return { kind, direction, interface: name, ifindex: index, netns: currentNetns() };
}

/** A program on an XDP hook. */
export interface XdpOccupant {
  readonly mode: XdpMode;
  readonly id: number;
}

const MODES: readonly XdpMode[] = ['native', 'generic', 'offload'];

/** What is attached there by mode; at most one in the driver or the network stack, and one on the card. */
export function xdpOccupants(sys: Sys, { ifindex }: Pick<ChainHook, 'ifindex'>): XdpOccupant[] {
  const { xdp } = readInterface(sys, ifindex);
  return MODES.flatMap(mode => (xdp[mode] === 0 ? [] : [{ mode, id: xdp[mode] }]));
}

/** The hook as other commands name it. */
export function hookRequestOf(hook: ChainHook): HookRequest {
  const ends = { ingress: hook.direction === 'ingress', egress: hook.direction === 'egress' };
  return parseHook(hook.kind, hook.interface, ends);
}

/** For messages: `interface "eth0"`, `interface "eth0" ingress`. */
export function spellHook({ interface: name, direction }: ChainHook): string {
  return direction === null ? `interface ${quote(name)}` : `interface ${quote(name)} ${direction}`;
}
