/** A file descriptor with an owner. */

import { usageError } from '../../diag/index.ts';
import { syscallError } from './errno.ts';
import type { Sys } from './sys.ts';

const F_DUPFD_CLOEXEC = 1030;

/** Lowest number that is kept: 0 to 2 are standard input, output and error, even if closed. */
const LOWEST = 3;

/** Closed once, by `close()` or `using`; bpf(2) makes all of its descriptors close-on-exec. */
export class Fd {
  readonly #sys: Sys;
  #number: number;

  private constructor(sys: Sys, number: number) {
    this.#sys = sys;
    this.#number = number;
  }

  /** Takes ownership of `raw`, which a system call just returned. Numbers below 3 are moved up. */
  static adopt(sys: Sys, raw: number): Fd {
    if (raw >= LOWEST) return new Fd(sys, raw);
    const moved = sys.syscall('fcntl', raw, F_DUPFD_CLOEXEC, LOWEST);
    sys.syscall('close', raw);
    if (moved < 0) throw syscallError('kernel-fd', [], `moving file descriptor ${raw}`, moved);
    return new Fd(sys, moved);
  }

  /** Runs `body`, which takes over the descriptor: it is closed when that fails. */
  handOver<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#number < 0;
  }

  /** Throws `kernel-fd-closed` after `close()`: the number may belong to another process by then. */
  get number(): number {
    if (this.#number < 0) throw usageError('kernel-fd-closed', 'this kernel object is already closed');
    return this.#number;
  }

  /** Another descriptor of the same kernel object, with its own life. */
  duplicate(): Fd {
    const copy = this.#sys.syscall('fcntl', this.number, F_DUPFD_CLOEXEC, LOWEST);
    if (copy < 0) throw syscallError('kernel-fd', [], 'duplicating a file descriptor', copy);
    return new Fd(this.#sys, copy);
  }

  /** Closes the descriptor; doing it twice is harmless. */
  close(): void {
    if (this.#number < 0) return;
    this.#sys.syscall('close', this.#number);
    this.#number = -1;
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
