/**
 * One interface for every kind of attachment: a program on a hook, independent of the kernel's name for it.
 *
 * The kernel has links (which a pin keeps), TC filters and XDP programs over netlink (which belong to an
 * interface), and programs on sockets, maps and events (which belong to their owner). This interface hides
 * the differences; nothing above depends on the kind.
 */

import type { Attachment, Fd } from '../../kernel/index.ts';
import type { JsonObject } from '../../store/index.ts';

/** What a hook runs, or is to run: a loaded program; a map for struct_ops. */
export interface Occupant {
  readonly fd: Fd;
  readonly name: string;
  /** `tag` where it is a program: a filter is compared by both. */
  info(): { readonly id: number; readonly tag?: string };
}

/** A program on a hook. Owns a handle of it; `close()` releases that and nothing else. */
export interface Hook {
  /**
   * Where, for messages: with the name that the interface has now, and its network namespace where that is
   * another one than this process's.
   */
  readonly place: string;
  /** The kernel's link, which an entry of the store pins; null for hooks that have none. */
  readonly link: Attachment | null;
  /**
   * Fields of an entry's data from which `openHook` finds a hook that has no pin; empty where there is
   * nothing to find.
   */
  readonly record: JsonObject;
  /** Whether it stays when this process ends: by itself, or by a pin of `link`. */
  readonly lasting: boolean;
  /**
   * Id of the program (struct_ops: the map) that runs there now; undefined where the kernel does not report
   * one. Throws `attach-gone` when nothing is attached there any more.
   */
  occupantId(): number | undefined;
  /** Throws `hook-not-updatable` where the kernel cannot change the program in one step. */
  requireUpdatable(): void;
  /**
   * Replaces the program by `next` in one step, if `expected` is there (null: any program). Throws
   * `hook-changed`, `attach-gone`, `hook-not-updatable`.
   */
  update(next: Occupant, expected: Occupant | null): void;
  /** Throws `kernel-not-pinnable` where there is nothing to pin, `kernel-pin`. */
  pin(path: string): void;
  /**
   * Detaches the program, if it is `expected` (null: any program). False where the kernel does not support
   * it: such a link ends with its last handle and pin. Throws `hook-changed`; no effect if nothing is
   * attached any longer.
   */
  detach(expected: Occupant | null): boolean;
  /**
   * Releases the handle. A link that nothing pins ends with its last handle; everything else stays attached.
   */
  close(): void;
  /** As `close()`. */
  [Symbol.dispose](): void;
}
