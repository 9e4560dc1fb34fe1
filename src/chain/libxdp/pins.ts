/**
 * Pins of libxdp, in `xdp/` of a bpf file system: a directory for each dispatcher, named after its interface and its
 * program, with a link and a program for each slot. They keep links and programs alive; the dispatcher itself is held
 * by its interface.
 *
 * Directories are opened as those of the store are: nothing is used that other users can change, and no symbolic link is
 * followed but one: iproute2 makes `xdp` a link to a directory of its own when it loads an object, and libxdp then uses
 * that. Which directories are stale is decided elsewhere: the interface numbers in their names are those of a network
 * namespace that the names do not tell.
 */

import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { RootletError } from '../../diag/index.ts';
import {
  type Attachment,
  type BpfProgram,
  type Fd,
  isTrustedOwner,
  type LinkDescription,
  readLinkInfo,
  readProgramInfo,
  type Sys,
} from '../../kernel/index.ts';
import { Cleanup } from '../../load/index.ts';
import { Directory, openPinIn, underLock } from '../../store/index.ts';

/** Milliseconds to wait for another tool that holds the lock. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Where the pins of libxdp are: `LIBXDP_BPFFS`, or the usual mount point, and `xdp` in it. Where that is a symbolic link
 * of root or of the effective user, its target, which is checked as every directory is.
 */
export function libxdpDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { LIBXDP_BPFFS } = environment;
  const mount = LIBXDP_BPFFS === undefined || LIBXDP_BPFFS === '' ? '/sys/fs/bpf' : LIBXDP_BPFFS;
  const path = `${mount.replace(/\/+$/, '')}/xdp`;
  const target = linkOfOwn(path);
  return target === undefined ? path : resolve(dirname(path), target);
}

/** Undefined for what is no such link, and where this process may not look: opening it finds the reason. */
function linkOfOwn(path: string): string | undefined {
  try {
    const stats = lstatSync(path);
    return stats.isSymbolicLink() && isTrustedOwner(stats.uid) ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** What the name of a directory states. */
export interface DispatchName {
  readonly ifindex: number;
  /** Id of the dispatcher's program. */
  readonly programId: number;
}

/** A slot, as its pins have it. */
export interface PinnedSlot {
  readonly slot: number;
  /** Null where its pin is missing or is not a program. */
  readonly programId: number | null;
  /** Null where its pin is missing or is not a link. */
  readonly link: PinnedLink | null;
}

export interface PinnedLink {
  readonly id: number;
  /** BPF_LINK_TYPE_… */
  readonly type: number;
  readonly programId: number;
  /** Id of the program with the function that is replaced; null where the kernel does not report it. */
  readonly targetId: number | null;
  /** FUNC type in that program; null as above. */
  readonly targetType: number | null;
}

/** A directory of a dispatcher, and what is in it. */
export interface PinnedDispatcher extends DispatchName {
  readonly path: string;
  /** Ascending. */
  readonly slots: readonly PinnedSlot[];
  /** Names of other files in it. */
  readonly unknown: readonly string[];
}

/** What fills one slot, to be pinned. */
export interface SlotPins {
  readonly link: Attachment;
  readonly program: BpfProgram;
}

export function dispatchName({ ifindex, programId }: DispatchName): string {
  return `dispatch-${ifindex}-${programId}`;
}

/** Undefined for names that libxdp would not give. */
export function parseDispatchName(name: string): DispatchName | undefined {
  const found = /^dispatch-([1-9]\d{0,9}|0)-([1-9]\d{0,9})$/.exec(name);
  return found === null ? undefined : { ifindex: Number(found[1]), programId: Number(found[2]) };
}

function pinName(slot: number, kind: 'link' | 'prog'): string {
  return `prog${slot}-${kind}`;
}

const PIN_NAME = /^prog(\d|[1-9]\d{1,3})-(?:link|prog)$/;

/** The directory of libxdp, held open. */
export class LibxdpPins {
  readonly #sys: Sys;
  readonly #root: Directory;

  private constructor(sys: Sys, root: Directory) {
    this.#sys = sys;
    this.#root = root;
  }

  /** Undefined when nothing was ever pinned. Throws `store-no-bpffs`, `store-untrusted`, `store-file`. */
  static find(sys: Sys, path = libxdpDirectory()): LibxdpPins | undefined {
    const root = Directory.find(path);
    return root === undefined ? undefined : new LibxdpPins(sys, root);
  }

  /** As `find`; undefined also where no bpf file system is mounted. */
  static findMounted(sys: Sys, path = libxdpDirectory()): LibxdpPins | undefined {
    try {
      return LibxdpPins.find(sys, path);
    } catch (error) {
      if (error instanceof RootletError && error.code === 'store-no-bpffs') return undefined;
      throw error;
    }
  }

  /** As `find`, made with mode 0700 where it does not exist. */
  static make(sys: Sys, path = libxdpDirectory()): LibxdpPins {
    return new LibxdpPins(sys, Directory.make(path));
  }

  get path(): string {
    return this.#root.path;
  }

  /** Runs `body` while no other tool changes pins; may be nested. Throws `kernel-lock-busy`. */
  locked<T>(body: () => T, timeout = LOCK_TIMEOUT_MS): T {
    return underLock(this.#sys, this.#root, timeout, body);
  }

  /** Every dispatcher that is pinned, by name. */
  list(): PinnedDispatcher[] {
    return this.#root.names().flatMap(text => {
      const name = parseDispatchName(text);
      const found = name === undefined ? undefined : this.read(name);
      return found === undefined ? [] : [found];
    });
  }

  /** What is pinned for a dispatcher; undefined when nothing is. */
  read(name: DispatchName): PinnedDispatcher | undefined {
    using directory = this.#root.open(dispatchName(name));
    if (directory === undefined) return undefined;
    const names = directory.names();
    const pinned = names.map(file => PIN_NAME.exec(file)).filter(found => found !== null);
    const slots = [...new Set(pinned.map(found => Number(found[1])))].sort((a, b) => a - b);
    return {
      ...name,
      path: directory.path,
      slots: slots.map(slot => this.#readSlot(directory, slot)),
      unknown: names.filter(file => !PIN_NAME.test(file)),
    };
  }

  /** The program that is pinned for a slot, owned by the caller. Throws `store-pin`, `store-untrusted`. */
  openProgram(name: DispatchName, slot: number): Fd {
    using directory = this.#root.open(dispatchName(name));
    return openPinIn(
      this.#sys,
      directory,
      `${this.path}/${dispatchName(name)}/${pinName(slot, 'prog')}`,
      'program',
    );
  }

  /**
   * Pins links and programs of a dispatcher, the links first. Either all of them are pinned, or nothing is. Throws
   * `kernel-pin`, and what `make` throws.
   */
  create(name: DispatchName, slots: readonly SlotPins[]): void {
    this.locked(() => {
      this.remove(name); // of a dispatcher with this id that is gone, or of a killed process
      const cleanup = new Cleanup();
      cleanup.guard(() => {
        using directory = this.#root.make(dispatchName(name));
        cleanup.defer(() => void this.remove(name));
        slots.forEach(({ link, program }, slot) => {
          pinIn(directory, pinName(slot, 'link'), link);
          pinIn(directory, pinName(slot, 'prog'), program);
        });
      });
    });
  }

  /** Removes the pins of a dispatcher. False when files of others stay in its directory. */
  remove(name: DispatchName): boolean {
    return this.locked(() => {
      const text = dispatchName(name);
      using directory = this.#root.open(text);
      if (directory === undefined) return true;
      for (const file of directory.names().filter(file => PIN_NAME.test(file))) directory.removeFile(file);
      return this.#root.removeDirectory(text);
    });
  }

  close(): void {
    this.#root.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #readSlot(directory: Directory, slot: number): PinnedSlot {
    const open = (kind: 'link' | 'prog') => this.#tryOpen(directory, pinName(slot, kind), kind);
    const [program, link] = [open('prog'), open('link')];
    try {
      return {
        slot,
        programId: program === undefined ? null : readProgramInfo(this.#sys, program.number).id,
        link: link === undefined ? null : pinnedLink(readLinkInfo(this.#sys, link.number)),
      };
    } finally {
      program?.close();
      link?.close();
    }
  }

  #tryOpen(directory: Directory, name: string, kind: 'link' | 'prog'): Fd | undefined {
    if (!directory.names().includes(name)) return undefined;
    try {
      const path = `${directory.path}/${name}`;
      return openPinIn(this.#sys, directory, path, kind === 'prog' ? 'program' : 'link');
    } catch (error) {
      if (isUnusable(error)) return undefined;
      throw error;
    }
  }
}

/** A pin that is gone, of another kind, or not a pin of root: for whoever reads, there is none. */
function isUnusable(error: unknown): boolean {
  return error instanceof RootletError && (error.code === 'store-pin' || error.code === 'store-untrusted');
}

function pinnedLink({ id, type: linkType, programId, words }: LinkDescription): PinnedLink {
  const [, target, type] = words;
  // kernels before 5.13 do not report what was replaced
  const [targetId, targetType] = [target === 0 ? null : target, type === 0 ? null : type];
  return { id, type: linkType, programId, targetId, targetType };
}

function pinIn(directory: Directory, name: string, pinned: Attachment | BpfProgram): void {
  pinned.pin(directory.at(name), `${directory.path}/${name}`);
}
