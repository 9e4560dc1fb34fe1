/** The facts that rules about chains look at, gathered in one place: of the kernel, the process and the interface. */

import { release } from 'node:os';
import { RootletError } from '../../diag/index.ts';
import {
  approach,
  type Capabilities,
  type DriverFacts,
  type FeatureAnswer,
  type InterfaceFacts,
  listInterfaces,
  openById,
  ownCapabilities,
  pageSize,
  probeFeature,
  probeLink,
  probeReplacement,
  readDriver,
  readInterfaceFacts,
  readOtherInterface,
  readProgramInfo,
  readXdpFeatures,
  type Sys,
  type XdpFeatures,
  type XdpMode,
} from '../../kernel/index.ts';
import type { Store } from '../../store/index.ts';
import type { ChainBackEnd, ChainDesign, ChainState } from '../model/index.ts';
import { type HookOwner, ownerOf } from './owners.ts';

/** Release of a kernel, as `6.12`. */
export interface KernelRelease {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

/** A loaded program that stays a member, by its id. */
export interface LoadedFacts {
  readonly id: number;
  /** Interface that it is bound to; 0: none. */
  readonly ifindex: number;
}

/** A place where something is to be pinned. */
export interface PinPlace {
  readonly path: string;
  readonly isBpffs: boolean;
}

/** Everything that the rules look at besides the chain itself. */
export interface PreflightFacts {
  readonly kernel: KernelRelease;
  /** As `process.arch`. */
  readonly architecture: string;
  /** Bytes. */
  readonly pageSize: number;
  readonly rights: Capabilities;
  readonly interface: InterfaceFacts;
  readonly driver: DriverFacts;
  /** Null where the kernel does not report them (before Linux 6.3). */
  readonly features: XdpFeatures | null;
  /** The other end of a pair; null without one, or where it cannot be seen. */
  readonly other: InterfaceFacts | null;
  /** Interfaces above it: the bridge or bond that it is a port of, VLANs on it, … */
  readonly uppers: readonly InterfaceFacts[];
  /** Programs on an XDP hook that is not a chain. */
  readonly owners: readonly HookOwner[];
  readonly loaded: readonly LoadedFacts[];
  /** Null where the back end does not need it. */
  readonly replacement: FeatureAnswer | null;
  readonly tcx: FeatureAnswer | null;
  readonly frags: FeatureAnswer;
  readonly pins: readonly PinPlace[];
}

/** What the facts are gathered for. */
export interface FactsRequest {
  readonly before: ChainState;
  readonly design: ChainDesign;
  readonly via: ChainBackEnd;
  /** Directories for pins of the back end, besides the store. */
  readonly pinRoots: readonly string[];
}

/** Asks the kernel. Changes nothing. Throws `kernel-no-interface`, `kernel-interface`. */
export function gatherFacts(sys: Sys, store: Store, request: FactsRequest): PreflightFacts {
  const { before, design, via, pinRoots } = request;
  const facts = readInterfaceFacts(sys, before.hook.ifindex);
  return {
    kernel: releaseOf(release()),
    architecture: process.arch,
    pageSize: pageSize(),
    rights: ownCapabilities(),
    interface: facts,
    driver: readDriver(sys, facts.name),
    features: seen(() => readXdpFeatures(sys, facts.index)),
    other: seen(() => readOtherInterface(sys, facts)),
    uppers: before.hook.kind === 'xdp' ? uppersOf(facts, listInterfaces(sys)) : [],
    owners: before.kind === 'foreign' && before.hook.kind === 'xdp' ? ownersOn(sys, store, facts) : [],
    loaded: design.members.flatMap(({ loaded }) => (loaded === null ? [] : loadedFacts(sys, loaded))),
    replacement: via === 'libxdp' ? probeReplacement(sys) : null,
    tcx: via === 'tcx' ? probeLink(sys, 'tcx') : null,
    frags: probeFeature(sys, 'xdpFrags'),
    pins: [store.root, ...pinRoots].map(path => ({ path, isBpffs: isOnBpffs(path) })),
  };
}

/** `6.1.0-18-amd64` as 6.1. */
export function releaseOf(text: string): KernelRelease {
  const [major = Number.NaN, minor = Number.NaN] = text.split(/[.-]/).map(Number);
  return { major, minor, text };
}

/** Kinds of interfaces that the kernel links above the one that they are made on. */
const STACKED: ReadonlySet<string> = new Set([
  ...['vlan', 'macvlan', 'macvtap', 'ipvlan', 'ipvtap', 'macsec'],
]);

/** Of all interfaces those above one; a VLAN may be in another network namespace, which is not looked at. */
export function uppersOf(
  { index, master }: InterfaceFacts,
  all: readonly InterfaceFacts[],
): readonly InterfaceFacts[] {
  return all.filter(
    ({ index: own, kind, other }) =>
      own === master || (STACKED.has(kind) && other?.index === index && other.netnsId === null),
  );
}

function ownersOn(sys: Sys, store: Store, { index, xdp }: InterfaceFacts): HookOwner[] {
  const modes = Object.entries(xdp) as [XdpMode, number][]; // the modes are its fields
  return modes.flatMap(([mode, id]) => (id === 0 ? [] : [ownerOf(sys, store, { id, mode, ifindex: index })]));
}

function loadedFacts(sys: Sys, id: number): LoadedFacts[] {
  using fd = openById(sys, 'program', id);
  return fd === undefined ? [] : [{ id, ifindex: readProgramInfo(sys, fd.number).ifindex }];
}

function isOnBpffs(path: string): boolean {
  try {
    return approach(path, () => {}).onBpffs;
  } catch {
    return false; // a file, or nothing that can be looked at, is in the way
  }
}

/** Null also where the kernel does not answer: a rule that needs it has nothing to say then. */
function seen<T>(body: () => T | undefined): T | null {
  try {
    return body() ?? null;
  } catch (error) {
    if (error instanceof RootletError) return null;
    throw error;
  }
}
