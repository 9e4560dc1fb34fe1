/** Hooks that have chains: finding them, what is on them now, and how they are attached to. */

import { RootletError } from '../../diag/index.ts';
import { type HookRequest, parseHook } from '../../hooks/index.ts';
import {
  BpfProgram,
  currentNetns,
  openById,
  readInterface,
  type Sys,
  type XdpMode,
} from '../../kernel/index.ts';
import { readProgramTypes } from '../../load/index.ts';
import type { ChainHook, ChainKind, ProgramFacts } from '../model/index.ts';

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

/** Facts of a loaded program; undefined when it is gone. The caller may not see programs: throws that. */
export function programFacts(sys: Sys, id: number): ProgramFacts | undefined {
  using program = openProgramById(sys, id);
  if (program === undefined) return undefined;
  const { name, tag } = program.info();
  return { id, name: fullName(program, name), tag };
}

/** A program by its id, owned by the caller; undefined when it is gone. */
export function openProgramById(sys: Sys, id: number): BpfProgram | undefined {
  const fd = openById(sys, 'program', id);
  return fd === undefined ? undefined : BpfProgram.adopt(sys, fd);
}

const SHORT = 15;

/** The kernel keeps 15 characters; the types of the program have the rest. */
function fullName(program: BpfProgram, name: string): string {
  if (name.length < SHORT) return name;
  try {
    const [main] = readProgramTypes(program).functions;
    return main?.name.startsWith(name) === true ? main.name : name;
  } catch (error) {
    if (error instanceof RootletError) return name; // loaded without types
    throw error;
  }
}

/** The hook as other commands name it. */
export function hookRequestOf(hook: ChainHook): HookRequest {
  const ends = { ingress: hook.direction === 'ingress', egress: hook.direction === 'egress' };
  return parseHook(hook.kind, hook.interface, ends);
}

/** For messages: `interface "eth0"`, `interface "eth0" ingress`. */
export function spellHook({ interface: name, direction }: ChainHook): string {
  return direction === null ? `interface "${name}"` : `interface "${name}" ${direction}`;
}
