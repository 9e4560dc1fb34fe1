/**
 * Programs that are attached without a descriptor of the kernel's for the attachment itself: to sockets, to perf events
 * before Linux 5.15, to maps of sockets before 6.10. They can be taken off again, but neither pinned nor, in most cases,
 * replaced; saying so is the point of this class.
 */

import { usageError } from '../../diag/index.ts';

export interface LooseHook {
  /** Takes the program off. Called at most once. */
  readonly detach: () => void;
  /** Releases what the attachment holds. Called at most once. */
  readonly release?: () => void;
  /** Puts another program in place without a moment in between, where the hook can. */
  readonly update?: (programFd: number) => void;
  /** Why it cannot be pinned, as a sentence with what to do. */
  readonly whyNoPin: string;
}

export class LooseAttachment {
  /** What it is attached to, for messages. */
  readonly place: string;
  readonly #hook: LooseHook;
  #attached = true;
  #open = true;

  constructor(place: string, hook: LooseHook) {
    this.place = place;
    this.#hook = hook;
  }

  /** Throws `kernel-not-updatable` where this kind of hook cannot replace its program. */
  update(programFd: number): void {
    if (this.#hook.update === undefined || !this.#attached) {
      throw usageError(
        'kernel-not-updatable',
        `${this.place}: the program here cannot be replaced in one step`,
        {
          hint: 'detach this program and attach the other one',
        },
      );
    }
    this.#hook.update(programFd);
  }

  /** Always throws `kernel-not-pinnable`: there is nothing to pin. */
  pin(_path: string): never {
    throw usageError('kernel-not-pinnable', `${this.place}: this attachment cannot be pinned`, {
      hint: this.#hook.whyNoPin,
    });
  }

  /** Whether the hook can change its program in one step. */
  get updatable(): boolean {
    return this.#hook.update !== undefined;
  }

  /** Takes the program off; doing it twice is harmless. */
  detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    this.#hook.detach();
  }

  /** Releases what is held here; whether the program stays depends on its owner. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#hook.release?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
