/**
 * Interfaces that programs are attached to, by what does not change: index and network namespace. Names do
 * change, and numbers are used again; so the name is looked up when it is printed, and the one of attaching
 * is kept to compare.
 */

import { quote, RootletError, shellWord } from '../../diag/index.ts';
import {
  type Attachment,
  currentNetns,
  findNetns,
  inNetns,
  type LinkDescription,
  listNetns,
  type Netns,
  programsOn,
  readInterface,
  type Sys,
  surveyInterfaces,
} from '../../kernel/index.ts';
import type { JsonObject } from '../../store/index.ts';
import { interfaceOf, interfacePlace, type LinkInterface } from './link-types.ts';
import { otherNetns } from './problems.ts';

/** An interface for hooks that have no link. */
export class InterfaceSpot {
  readonly #sys: Sys;
  readonly index: number;
  /** Name when the program was attached. */
  readonly name: string;
  /** As `net:[4026531840]`. */
  readonly netns: string;

  constructor(sys: Sys, index: number, name: string, netns: string) {
    this.#sys = sys;
    this.index = index;
    this.name = name;
    this.netns = netns;
  }

  /** An interface of the current network namespace. Throws `kernel-no-interface`. */
  static find(sys: Sys, nameOrIndex: string | number): InterfaceSpot {
    const { index, name } = readInterface(sys, nameOrIndex);
    return new InterfaceSpot(sys, index, name, currentNetns());
  }

  /**
   * The interface that has one of these XDP programs now: this one, or where none of them is here, one that any
   * network namespace has, since an interface that is moved keeps its program. This one if there is none.
   */
  following(programs: ReadonlySet<number>): InterfaceSpot {
    if (this.#hasAny(programs)) return this;
    const { attached } = surveyInterfaces(this.#sys, { xdpOnly: true });
    const found = attached.find(({ programId }) => programs.has(programId));
    if (found === undefined) return this;
    return new InterfaceSpot(this.#sys, found.ifindex, found.interface, found.netns.name);
  }

  #hasAny(programs: ReadonlySet<number>): boolean {
    const here = () =>
      this.nameNow() !== undefined &&
      Object.values(readInterface(this.#sys, this.index).xdp).some(id => programs.has(id));
    if (currentNetns() === this.netns) return here();
    const there = findNetns(this.netns);
    return there !== undefined && tryIn(this.#sys, there, here) === true;
  }

  /** Name now; undefined when the interface is gone. In its own network namespace. */
  nameNow(): string | undefined {
    return nameOf(this.#sys, this.index);
  }

  /**
   * Name in quotes, and the network namespace where it is another one. `part` goes in between. For messages: where the
   * kernel does not answer, the name is that of attaching.
   */
  describe(part = ''): string {
    if (currentNetns() === this.netns) return `interface ${quote(this.#nameToShow())}${part}`;
    const there = findNetns(this.netns);
    const name = there === undefined ? undefined : tryIn(this.#sys, there, () => this.nameNow());
    return `interface ${quote(name ?? this.name)}${part} ${ofNetns(there, this.netns)}`;
  }

  #nameToShow(): string {
    try {
      return this.nameNow() ?? this.name;
    } catch (error) {
      if (error instanceof RootletError) return this.name;
      throw error;
    }
  }

  /**
   * Runs `body` in the network namespace of the interface. Throws `attach-other-netns` where that cannot be.
   */
  inside<T>(body: () => T): T {
    if (currentNetns() === this.netns) return body();
    const there = findNetns(this.netns);
    if (there === undefined) throw otherNetns(this.describe(), null);
    return inNetns(this.#sys, there.path, body);
  }

  /** Throws `attach-other-netns`, with the place as `describe` has it. */
  requireHere(part = ''): void {
    if (currentNetns() === this.netns) return;
    const there = findNetns(this.netns);
    throw otherNetns(this.describe(part), there === undefined ? null : enterCommand(there));
  }

  /**
   * A command of other tools about the interface, to be run from here; null when no file leads to its
   * namespace.
   */
  command(words: (name: string) => string): string | null {
    if (currentNetns() === this.netns) return words(this.#nameToShow());
    const there = findNetns(this.netns);
    if (there === undefined) return null;
    const name = tryIn(this.#sys, there, () => this.nameNow());
    return `${enterCommand(there)} ${words(name ?? this.name)}`;
  }

  record(): JsonObject {
    const here = currentNetns() === this.netns;
    return { interface: here ? this.#nameToShow() : this.name, ifindex: this.index, netns: this.netns };
  }
}

/**
 * What runs a command in a network namespace but leaves the bpf file system in sight (`ip netns exec` hides
 * it).
 */
function enterCommand({ path }: Netns): string {
  return `nsenter --net=${shellWord(path)}`;
}

function nameOf(sys: Sys, index: number): string | undefined {
  try {
    return readInterface(sys, index).name;
  } catch (error) {
    if (error instanceof RootletError && error.code === 'kernel-no-interface') return undefined;
    throw error;
  }
}

function ofNetns(netns: Netns | undefined, name: string): string {
  if (netns === undefined) return `of network namespace ${name}`;
  const known = netns.path.startsWith('/run/netns/') ? netns.path.slice('/run/netns/'.length) : undefined;
  return known === undefined
    ? `of network namespace ${name} (${netns.path})`
    : `of network namespace ${quote(known)}`;
}

/** Undefined also where this process may not enter, or the namespace went meanwhile. */
function tryIn<T>(sys: Sys, netns: Netns, body: () => T): T | undefined {
  try {
    return inNetns(sys, netns.path, body);
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

// --- links --------------------------------------------------------------------------------------------------------

/**
 * Where a link is now. The kernel gives the index of an interface but not its network namespace: this
 * process's is asked first, then all others. What is not found has the words of attaching.
 */
export function placeOfLink(link: Attachment): string {
  if (link.fd.closed) return link.place;
  const info = infoOf(link);
  const at = info === undefined ? undefined : interfaceOf(info);
  if (info === undefined || at === undefined) return link.place;
  const { sys } = link;
  const here = nameIfOn(sys, info, at);
  if (here !== undefined) return interfacePlace(at, quote(here));
  const home = currentNetns();
  for (const netns of listNetns()) {
    if (netns.name === home) continue;
    const name = tryIn(sys, netns, () => nameIfOn(sys, info, at));
    if (name !== undefined) return `${interfacePlace(at, quote(name))} ${ofNetns(netns, netns.name)}`;
  }
  return link.place;
}

/** Undefined where the kernel does not answer: a place is for messages, and must not hide another error. */
function infoOf(link: Attachment): LinkDescription | undefined {
  try {
    return link.info();
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

/** Name of the interface with this index in the current namespace, if the link is on it. */
function nameIfOn(sys: Sys, { id, programId }: LinkDescription, at: LinkInterface): string | undefined {
  try {
    const { name, xdp } = readInterface(sys, at.ifindex);
    const isOn =
      at.kind === 'XDP'
        ? Object.values(xdp).includes(programId)
        : programsOn(sys, at.ifindex, at.attachType)?.programs.some(({ linkId }) => linkId === id) === true;
    return isOn ? name : undefined;
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}
