/**
 * Attachments: programs on hooks, held by a descriptor (the kernel calls them links).
 *
 * An attachment lasts as long as its descriptor or a pin of it. Closing the last one detaches.
 */

import { given } from '../../bytes/index.ts';
import { type Problem, platformError } from '../../diag/index.ts';
import {
  BPF_F_REPLACE,
  BPF_LINK_CREATE,
  BPF_LINK_DETACH,
  BPF_LINK_UPDATE,
  BPF_RAW_TRACEPOINT_OPEN,
  EINVAL,
  EOPNOTSUPP,
  EPERM,
  ESTALE,
  errnoText,
} from '../../uapi/index.ts';
import { type LinkDescription, pinObject, readLinkInfo } from '../objects/index.ts';
import { bpf, cText, Fd, type Sys, syscallError } from '../sys/index.ts';
import {
  encodeAttr,
  LinkCreateAttr,
  LinkDetachAttr,
  LinkUpdateAttr,
  RawTracepointAttr,
} from '../uapi/index.ts';

/** A program on a hook, as the kernel's link: held by a descriptor until `close()`. */
export class Attachment {
  readonly sys: Sys;
  readonly fd: Fd;
  /** What it is attached to, for messages. */
  readonly place: string;

  /** @internal */
  constructor(sys: Sys, fd: Fd, place: string) {
    this.sys = sys;
    this.fd = fd;
    this.place = place;
  }

  /** @internal */
  info(): LinkDescription {
    return readLinkInfo(this.sys, this.fd.number);
  }

  /**
   * Replaces the program atomically. With `expected`, only if that one is attached now; else throws
   * `kernel-attachment-changed`. Throws `kernel-attachment` where this kind cannot be updated.
   */
  update(programFd: number, expected?: number): void {
    const attr = encodeAttr(LinkUpdateAttr, {
      link_fd: this.fd.number,
      new_fd: programFd,
      flags: expected === undefined ? 0 : BPF_F_REPLACE,
      old_fd: expected ?? 0,
    });
    const result = bpf(this.sys, BPF_LINK_UPDATE, attr);
    if (result >= 0) return;
    const changed = expected !== undefined && result === -EPERM;
    if (changed) {
      throw platformError('kernel-attachment-changed', [this.place], 'an unexpected program is attached', {
        errno: EPERM,
      });
    }
    throw syscallError('kernel-attachment', [this.place], 'replacing the program', result);
  }

  /**
   * Detaches even if descriptors and pins remain. False where the kernel does not support it: such a link
   * ends with its last descriptor and pin (tracing, probes, function replacement; all kinds before Linux
   * 5.9).
   */
  detach(): boolean {
    const result = detachLink(this.sys, this.fd.number);
    if (result >= 0) return true;
    if (result === -EOPNOTSUPP) return false;
    if (result === -EINVAL && detachLink(this.sys, NO_FD) === -EINVAL) return false;
    throw syscallError('kernel-attachment', [this.place], 'detaching', result);
  }

  /** `shown` is the path for messages. Throws `kernel-pin`. */
  pin(path: string, shown = path): void {
    pinObject(this.sys, this.fd.number, path, shown);
  }

  /** Closes the descriptor. A link that nothing pins ends with its last one. */
  close(): void {
    this.fd.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A kernel that supports the command checks the descriptor first. */
const NO_FD = 0xffffffff;

function detachLink(sys: Sys, fd: number): number {
  return bpf(sys, BPF_LINK_DETACH, encodeAttr(LinkDetachAttr, { link_fd: fd }));
}

/** BPF_LINK_CREATE in its plain form; what `word`, `word2` and `wide` mean depends on the attach type. */
export interface LinkSpec {
  readonly programFd: number;
  /** Interface, cgroup, network namespace, target program, … */
  readonly target: number;
  readonly attachType: number;
  readonly flags?: number;
  /** At 16: BTF id of the target function, or relative program. */
  readonly word?: number;
  readonly word2?: number;
  /** At 24: expected revision, or cookie. */
  readonly wide?: bigint;
}

/** Creates an attachment. Throws `kernel-attach` with `place`, and a hint of the caller for the errno. */
export function attach(
  sys: Sys,
  spec: LinkSpec,
  place: string,
  hintOf: (errno: number) => string | undefined = () => undefined,
): Attachment {
  const attr = encodeAttr(LinkCreateAttr, {
    prog_fd: spec.programFd,
    target_fd: spec.target,
    attach_type: spec.attachType,
    flags: spec.flags ?? 0,
    word: spec.word ?? 0,
    word2: spec.word2 ?? 0,
    wide: spec.wide ?? 0n,
  });
  return adoptLink(sys, bpf(sys, BPF_LINK_CREATE, attr), place, hintOf);
}

/**
 * The attachment for the result of a call that makes one. Throws `kernel-attach`, and `kernel-attachment-changed`
 * where the revision of an order is not the one of now.
 */
export function adoptLink(
  sys: Sys,
  result: number,
  place: string,
  hintOf: (errno: number) => string | undefined,
): Attachment {
  if (result >= 0) return new Attachment(sys, Fd.adopt(sys, result), place);
  if (result === -ESTALE)
    throw platformError(
      'kernel-attachment-changed',
      [place],
      'the programs here have changed since they were listed',
      { errno: ESTALE, hint: 'another process attaches or detaches here: run the command again' },
    );
  const hint = hintOf(-result) ?? (result === -EINVAL ? EINVAL_HINT : undefined);
  const extras: Pick<Problem, 'hint'> = given({ hint });
  throw platformError('kernel-attach', [place], `attaching: ${errnoText(-result)}`, {
    errno: -result,
    ...extras,
  });
}

const EINVAL_HINT =
  'the program may be of another type, or this kernel does not have this kind of attachment';

/**
 * Raw tracepoints, and programs whose target was fixed when they were loaded (name ''): fentry, fexit, LSM,
 * typed tracepoints. `cookie` is the result of bpf_get_attach_cookie() in the program (since Linux 6.10).
 */
export function attachTracepoint(
  sys: Sys,
  programFd: number,
  name: string,
  place: string,
  cookie = 0n,
): Attachment {
  const text = cText(name);
  const attr = encodeAttr(RawTracepointAttr, {
    prog_fd: programFd,
    name: name === '' ? 0n : sys.addressOf(text),
    cookie,
  });
  return adoptLink(sys, bpf(sys, BPF_RAW_TRACEPOINT_OPEN, attr, [text]), place, () => undefined);
}
