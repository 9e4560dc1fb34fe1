/**
 * Which programs are attached to which interfaces, in every network namespace that this process can enter.
 *
 * The kernel reports the programs of an interface, but not the interfaces of a program. So whether a program
 * is still attached anywhere is answered by looking everywhere; what could not be looked at is part of the
 * answer.
 */

import { existsSync } from 'node:fs';
import { RootletError } from '../../diag/index.ts';
import {
  currentNetns,
  findNetns,
  inNetns,
  type Netns,
  netnsIdentity,
  type Sys,
  searchNetns,
} from '../sys/index.ts';
import { type Direction, tcxAttachType } from './hooks.ts';
import type { XdpMode } from './interface.ts';
import { type InterfaceFacts, listInterfaces } from './interface-facts.ts';
import { programsOn } from './order.ts';
import { filtersOn } from './tc.ts';

/** A program on an interface. */
export interface AttachedProgram {
  readonly programId: number;
  readonly hook: 'xdp' | 'tc' | 'tcx';
  /** XDP only. */
  readonly mode: XdpMode | null;
  /** Null for XDP. */
  readonly direction: Direction | null;
  readonly netns: Netns;
  readonly ifindex: number;
  /** Name of the interface now. */
  readonly interface: string;
}

/** What an interface is called now, and where. */
export interface InterfaceAt {
  readonly netns: Netns;
  readonly facts: InterfaceFacts;
}

export interface Survey {
  readonly interfaces: readonly InterfaceAt[];
  readonly attached: readonly AttachedProgram[];
  /** Names of the namespaces that were looked at. */
  readonly seen: ReadonlySet<string>;
  /** Why something may be attached that is not listed; empty when all was looked at. */
  readonly gaps: readonly string[];
  /** Processes whose descriptors could hold a namespace that nothing else holds, but may not be looked at. */
  readonly hidden: readonly number[];
}

/** What is attached in one network namespace or in all of them. */
export interface SurveyScope {
  /** Only the current network namespace: cheap. */
  readonly here?: boolean;
  /** Only XDP programs: no right to list programs is needed. */
  readonly xdpOnly?: boolean;
}

/** Looks at all interfaces once. Throws `kernel-interface`, `kernel-netlink` for the current namespace only. */
export function surveyInterfaces(sys: Sys, scope: SurveyScope = {}): Survey {
  const home = { name: currentNetns(), path: '/proc/thread-self/ns/net' };
  const looked = new Looked(sys, scope);
  looked.at(home);
  if (scope.here === true) return { ...looked.found, gaps: [], hidden: [] };
  const { found, hidden, outside } = searchNetns();
  const gaps = found.flatMap(netns => (netns.name === home.name ? [] : looked.inside(netns)));
  const elsewhere = hidden.filter(process => !looked.isSeen(process));
  return {
    ...looked.found,
    gaps: [
      ...gaps,
      ...elsewhere.map(process => `the network namespace of process ${process} cannot be entered`),
      ...(outside ? ['processes outside of this PID namespace are not visible'] : []),
    ],
    hidden,
  };
}

/** Collects what is found in one namespace after the other. */
class Looked {
  readonly #sys: Sys;
  readonly #programs: (sys: Sys, netns: Netns, facts: InterfaceFacts) => AttachedProgram[];
  readonly #interfaces: InterfaceAt[] = [];
  readonly #attached: AttachedProgram[] = [];
  readonly #names = new Set<string>();
  readonly #identities = new Set<string | undefined>();

  constructor(sys: Sys, { xdpOnly }: SurveyScope) {
    this.#sys = sys;
    this.#programs = xdpOnly === true ? xdpPrograms : allPrograms;
  }

  get found(): Pick<Survey, 'interfaces' | 'attached' | 'seen'> {
    return { interfaces: this.#interfaces, attached: this.#attached, seen: this.#names };
  }

  /** The current namespace. */
  at(netns: Netns): void {
    const interfaces = listInterfaces(this.#sys);
    this.#attached.push(...interfaces.flatMap(facts => this.#programs(this.#sys, netns, facts)));
    this.#interfaces.push(...interfaces.map(facts => ({ netns, facts })));
    this.#names.add(netns.name);
    this.#identities.add(netnsIdentity('thread-self'));
  }

  /** Another one; why it cannot be entered. */
  inside(netns: Netns): string[] {
    return gapAt(netns, there => inNetns(this.#sys, there.path, () => this.at(there)));
  }

  /** Whether the namespace of a process was looked at; also where the process is gone. */
  isSeen(process: number): boolean {
    const identity = netnsIdentity(process);
    return identity === undefined || this.#identities.has(identity);
  }
}

/**
 * Looks into a namespace; why it cannot be entered. A process that led to it may have ended since: then another file
 * leads to it, or it is gone.
 */
export function gapAt(netns: Netns, look: (netns: Netns) => void, find = findNetns): string[] {
  try {
    look(netns);
    return [];
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const there = existsSync(netns.path) ? netns : find(netns.name);
    if (there === undefined) return [];
    return there.path === netns.path ? [error.message] : gapAt(there, look, find);
  }
}

function allPrograms(sys: Sys, netns: Netns, facts: InterfaceFacts): AttachedProgram[] {
  return [...xdpPrograms(sys, netns, facts), ...tcPrograms(sys, netns, facts)];
}

function xdpPrograms(_sys: Sys, netns: Netns, { index, name, xdp }: InterfaceFacts): AttachedProgram[] {
  const at = { netns, ifindex: index, interface: name, hook: 'xdp', direction: null } as const;
  const modes = Object.entries(xdp) as [XdpMode, number][]; // the modes are its fields
  return modes.flatMap(([mode, programId]) => (programId === 0 ? [] : [{ ...at, programId, mode }]));
}

function tcPrograms(sys: Sys, netns: Netns, { index, name }: InterfaceFacts): AttachedProgram[] {
  const at = { netns, ifindex: index, interface: name, mode: null };
  return (['ingress', 'egress'] as const).flatMap(direction => {
    const onTcx = programsOn(sys, index, tcxAttachType(direction));
    const links = onTcx === undefined ? [] : onTcx.programs.map(tcxProgram);
    const filters = filtersOn(sys, index, direction).map(
      ({ program }) => ({ programId: program.id, hook: 'tc' }) as const,
    );
    return [...links, ...filters].map(found => ({ ...at, ...found, direction }));
  });
}

function tcxProgram({ programId }: { readonly programId: number }) {
  return { programId, hook: 'tcx' } as const;
}
