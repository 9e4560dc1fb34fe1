/**
 * Hooks that the kernel has no handle for: sockets, perf events before Linux 5.15, maps of sockets before
 * 6.10, struct_ops maps without a link. What runs there is not reported, and it stays or goes with its owner.
 */

import { Attachment, type LooseAttachment } from '../../kernel/index.ts';
import type { JsonObject } from '../../store/index.ts';
import type { Hook, Occupant } from './hook.ts';
import { LinkHook } from './link.ts';
import { hookNotUpdatable } from './problems.ts';

export class LooseHook implements Hook {
  readonly link = null;
  readonly record: JsonObject = {};
  readonly lasting = false;
  readonly #attachment: LooseAttachment;

  constructor(attachment: LooseAttachment) {
    this.#attachment = attachment;
  }

  get place(): string {
    return this.#attachment.place;
  }

  occupantId(): undefined {
    return undefined;
  }

  requireUpdatable(): void {
    if (!this.#attachment.updatable) throw hookNotUpdatable(this.place, 'without a link');
  }

  /** What is expected is not compared: the kernel does not report what is there. */
  update(next: Occupant, _expected: Occupant | null): void {
    this.requireUpdatable();
    this.#attachment.update(next.fd.number);
  }

  pin(path: string): never {
    return this.#attachment.pin(path);
  }

  detach(_expected: Occupant | null): boolean {
    this.#attachment.detach();
    return true;
  }

  close(): void {
    this.#attachment.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The hook of what a system call attached: with a link where the kernel has one. */
export function hookOf(attached: Attachment | LooseAttachment): Hook {
  return attached instanceof Attachment ? new LinkHook(attached) : new LooseHook(attached);
}
