/** Hooks that the kernel has a link for: most of them, and all that a pin keeps. */

import { RootletError } from '../../diag/index.ts';
import type { Attachment, LinkDescription } from '../../kernel/index.ts';
import type { JsonObject } from '../../store/index.ts';
import { EINVAL, ENOLINK, EOPNOTSUPP } from '../../uapi/index.ts';
import type { Hook, Occupant } from './hook.ts';
import { placeOfLink } from './interface-spot.ts';
import { endOf, isStructOps, linkType, occupantOf } from './link-types.ts';
import { hookChanged, hookGone, hookNotUpdatable } from './problems.ts';

const OTHER_TYPE_HINT =
  'programs that take each other’s place have one type and one expected attach type: SEC("xdp") or SEC("xdp.frags") for both, …';

export class LinkHook implements Hook {
  readonly link: Attachment;
  readonly record: JsonObject = {};
  readonly lasting = true;

  /** Owns the link from here on. */
  constructor(link: Attachment) {
    this.link = link;
  }

  get place(): string {
    return placeOfLink(this.link);
  }

  occupantId(): number | undefined {
    return occupantOf(this.#living());
  }

  requireUpdatable(): void {
    const { type } = this.#living();
    const { name, updatable } = linkType(type);
    if (!updatable) throw hookNotUpdatable(this.place, `BPF_LINK_TYPE_${name}`);
  }

  update(next: Occupant, expected: Occupant | null): void {
    this.requireUpdatable();
    try {
      this.link.update(next.fd.number, expected?.fd.number);
    } catch (error) {
      throw error instanceof RootletError ? this.#refused(error, expected) : error;
    }
  }

  pin(path: string): void {
    this.link.pin(path);
  }

  detach(expected: Occupant | null): boolean {
    if (this.link.fd.closed) return true;
    const info = this.link.info();
    if (endOf(info) !== undefined) return true;
    if (expected !== null && occupantOf(info) !== expected.info().id) throw this.#changed(info, expected);
    return this.link.detach();
  }

  close(): void {
    this.link.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #living(): LinkDescription {
    const info = this.link.info();
    const end = endOf(info);
    if (end !== undefined) throw hookGone(this.place, end);
    return info;
  }

  /** The kernel's refusal of an update in terms of hooks. */
  #refused(error: RootletError, expected: Occupant | null): RootletError {
    const [problem] = error.problems;
    const info = this.link.info();
    const end = endOf(info) ?? (problem?.errno === ENOLINK ? 'what it was attached to is gone' : undefined);
    if (end !== undefined) return hookGone(this.place, end);
    if (error.code === 'kernel-attachment-changed') return this.#changed(info, expected);
    if (problem?.errno === EOPNOTSUPP)
      return hookNotUpdatable(this.place, `BPF_LINK_TYPE_${linkType(info.type).name}`);
    if (problem?.errno !== EINVAL) return error;
    return new RootletError([{ ...problem, hint: OTHER_TYPE_HINT }]);
  }

  #changed(info: LinkDescription, expected: Occupant | null): RootletError {
    const what = isStructOps(info) ? 'map' : 'program';
    return hookChanged(this.link.sys, this.place, what, occupantOf(info), expected);
  }
}
