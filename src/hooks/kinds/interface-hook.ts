/**
 * Hooks of interfaces that stay without a link, for programs that change hands between processes and tools: XDP
 * over netlink, and clsact filters. Separate from attach.ts: the program may be one of any loaded object.
 */

import { freePlace, type Sys, TcFilter, type XdpMode } from '../../kernel/index.ts';
import { FilterHook, type Identity } from './filter.ts';
import type { Hook, Occupant } from './hook.ts';
import { InterfaceSpot } from './interface-spot.ts';
import { XdpHook } from './xdp.ts';

/** An interface by what does not change. */
export interface InterfaceIdentity {
  readonly ifindex: number;
  /** Name now. */
  readonly interface: string;
  /** As `net:[4026531840]`. */
  readonly netns: string;
}

/** A hook that is described before anything is attached. */
export interface InterfaceHook {
  readonly hook: Hook;
  /**
   * Attaches where nothing is; with `expected`, replaces that program in one step. Throws `kernel-xdp-changed`,
   * `hook-changed`, `kernel-xdp`, `kernel-tc`.
   */
  attach(program: Occupant, expected: Occupant | null): void;
}

/** XDP of an interface. `mode` null: the kernel chooses. `own`: programs that may be found there. */
export function xdpInterfaceHook(
  sys: Sys,
  at: InterfaceIdentity,
  mode: XdpMode | null,
  own: readonly Identity[],
): InterfaceHook {
  const hook = new XdpHook(sys, spotOf(sys, at), mode, own);
  return {
    hook,
    attach(program, expected) {
      if (expected === null) hook.attach(program);
      else hook.update(program, expected);
    },
  };
}

/** A filter of its own at a place that is free. */
export function filterInterfaceHook(
  sys: Sys,
  at: InterfaceIdentity,
  direction: 'ingress' | 'egress',
  program: Occupant,
  priority: number | undefined,
): InterfaceHook {
  const options = { direction, name: program.name } as const;
  const place = freePlace(sys, at.ifindex, direction, priority);
  const filter = TcFilter.at(sys, at.ifindex, options, place);
  const hook = new FilterHook(sys, filter, spotOf(sys, at), [program.info()]);
  return {
    hook,
    attach(next) {
      TcFilter.attach(sys, next.fd.number, at.ifindex, { ...options, ...place });
    },
  };
}

function spotOf(sys: Sys, { ifindex, interface: name, netns }: InterfaceIdentity): InterfaceSpot {
  return new InterfaceSpot(sys, ifindex, name, netns);
}
