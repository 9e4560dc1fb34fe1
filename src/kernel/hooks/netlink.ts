/**
 * Netlink: requests about network interfaces that bpf(2) has no command for.
 *
 * Only what attaching needs: one request at a time, its answers, and the kernel's error messages (extended
 * acknowledgements). Source: netlink(7), rtnetlink(7), include/uapi/linux/netlink.h.
 */

import { alignUp, ByteWriter, given, requireRange, viewOf } from '../../bytes/index.ts';
import { type CodeOf, platformError, printable, type RootletError } from '../../diag/index.ts';
import { EINTR, errnoText } from '../../uapi/index.ts';
import { Fd, type Sys, syscallError } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 + 0x80000;
const NETLINK_ROUTE = 0;
/** Protocol of families that have their number at run time. */
export const NETLINK_GENERIC = 16;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

const HEADER_SIZE = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

export const NLM_F_REQUEST = 0x01;
const NLM_F_MULTI = 0x02;
const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_ACK = 0x04;
export const NLM_F_ECHO = 0x08;
export const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_HIGH = 0x100;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

export interface NetlinkMessage {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** The kernel's answers, or minus errno with its message. */
export type NetlinkAnswer =
  | { readonly kind: 'ok'; readonly messages: readonly NetlinkMessage[] }
  | { readonly kind: 'refused'; readonly errno: number; readonly message: string };

/** A socket in the network namespace of the calling thread. */
export class NetlinkSocket {
  readonly #sys: Sys;
  readonly #fd: Fd;
  #sequence = 0;
  #interrupted = false;

  private constructor(sys: Sys, fd: Fd) {
    this.#sys = sys;
    this.#fd = fd;
  }

  /** Throws `kernel-netlink`. */
  static open(sys: Sys, protocol = NETLINK_ROUTE): NetlinkSocket {
    const raw = sys.syscall('socket', AF_NETLINK, SOCK_RAW_CLOEXEC, protocol);
    if (raw < 0) throw syscallError('kernel-netlink', [], 'opening a netlink socket', raw);
    const fd = Fd.adopt(sys, raw);
    const on = new Uint8Array(new Uint32Array([1]).buffer);
    // Older kernels do not have these options; their errors come without messages.
    sys.syscall('setsockopt', fd.number, SOL_NETLINK, NETLINK_EXT_ACK, on, on.length);
    sys.syscall('setsockopt', fd.number, SOL_NETLINK, NETLINK_CAP_ACK, on, on.length);
    return new NetlinkSocket(sys, fd);
  }

  /**
   * Sends a request and collects the answers until the last one. A list that changed while the kernel made it
   * is requested again, a few times. Throws `kernel-netlink`.
   */
  request(type: number, flags: number, payload: Uint8Array): NetlinkAnswer {
    for (let attempt = 1; ; attempt++) {
      this.#interrupted = false;
      const answer = this.#exchange(type, flags, payload);
      if (!this.#interrupted || attempt === MOST_ATTEMPTS) return answer;
    }
  }

  #exchange(type: number, flags: number, payload: Uint8Array): NetlinkAnswer {
    this.#sequence += 1;
    const message = encodeMessage(type, flags + NLM_F_REQUEST, this.#sequence, payload);
    const sent = uninterrupted(() =>
      this.#sys.syscall('sendto', this.#fd.number, message, message.length, 0, 0, 0),
    );
    if (sent < 0) throw syscallError('kernel-netlink', [], 'sending a netlink request', sent);
    const messages: NetlinkMessage[] = [];
    for (;;) {
      for (const part of parseMessages(this.#receive())) {
        if (part.sequence !== this.#sequence) continue;
        if (Math.floor(part.flags / NLM_F_DUMP_INTR) % 2 === 1 && isDump(flags)) this.#interrupted = true;
        if (part.type === NLMSG_ERROR) return endOf(part, messages);
        if (part.type === NLMSG_DONE) return { kind: 'ok', messages };
        messages.push({ type: part.type, payload: part.payload });
        const single = Math.floor(part.flags / NLM_F_MULTI) % 2 === 0;
        const acknowledged = Math.floor(flags / NLM_F_ACK) % 2 === 1;
        if (single && !acknowledged) return { kind: 'ok', messages };
      }
    }
  }

  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(): Uint8Array {
    const buffer = new Uint8Array(64 * 1024);
    const length = uninterrupted(() =>
      this.#sys.syscall('recvfrom', this.#fd.number, buffer, buffer.length, 0, 0, 0),
    );
    if (length < 0) throw syscallError('kernel-netlink', [], 'receiving a netlink answer', length);
    return buffer.subarray(0, length);
  }
}

/** Made again while a signal interrupts it: it has had no effect then. */
function uninterrupted(call: () => number): number {
  let result = -EINTR;
  while (result === -EINTR) result = call();
  return result;
}

const MOST_ATTEMPTS = 5;

function isDump(flags: number): boolean {
  return Math.floor(flags / NLM_F_DUMP_HIGH) % 4 === 3;
}

function encodeMessage(type: number, flags: number, sequence: number, payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(HOST_ORDER, HEADER_SIZE + payload.length);
  writer.u32(HEADER_SIZE + payload.length);
  writer.u16(type);
  writer.u16(flags);
  writer.u32(sequence);
  writer.u32(0);
  writer.bytes(payload);
  return writer.finish().slice();
}

interface RawMessage extends NetlinkMessage {
  readonly flags: number;
  readonly sequence: number;
}

function parseMessages(bytes: Uint8Array): RawMessage[] {
  const messages: RawMessage[] = [];
  const view = viewOf(bytes);
  const little = HOST_ORDER === 'little';
  for (let at = 0; at + HEADER_SIZE <= bytes.length; ) {
    const length = view.getUint32(at, little);
    requireRange(bytes.length, at, Math.max(length, HEADER_SIZE), 'netlink message');
    messages.push({
      type: view.getUint16(at + 4, little),
      flags: view.getUint16(at + 6, little),
      sequence: view.getUint32(at + 8, little),
      payload: bytes.slice(at + HEADER_SIZE, at + length),
    });
    at += alignUp(Math.max(length, HEADER_SIZE), 4);
  }
  return messages;
}

/** An acknowledgement: errno 0 or not, and after the request (or its header) the kernel's message. */
function endOf(part: RawMessage, messages: readonly NetlinkMessage[]): NetlinkAnswer {
  const view = viewOf(part.payload);
  const little = HOST_ORDER === 'little';
  const errno = part.payload.length >= 4 ? -view.getInt32(0, little) : 0;
  if (errno === 0) return { kind: 'ok', messages };
  const hasWords =
    Math.floor(part.flags / NLM_F_ACK_TLVS) % 2 === 1 && part.payload.length >= 4 + HEADER_SIZE;
  if (!hasWords) return { kind: 'refused', errno, message: '' };
  const capped = Math.floor(part.flags / NLM_F_CAPPED) % 2 === 1;
  const request = capped ? HEADER_SIZE : alignUp(view.getUint32(4, little), 4);
  const words = parseAttributes(part.payload.subarray(4 + request)).get(NLMSGERR_ATTR_MSG);
  return { kind: 'refused', errno, message: words === undefined ? '' : textOf(words) };
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
}

/** The error for a refusal. */
export function netlinkError(
  code: CodeOf<'platform'>,
  what: string,
  answer: Extract<NetlinkAnswer, { kind: 'refused' }>,
  hint?: string,
): RootletError {
  const words = answer.message === '' ? '' : `: ${printable(answer.message)}`;
  return platformError(code, [], `${what}: ${errnoText(answer.errno)}${words}`, {
    errno: answer.errno,
    ...given({ hint }),
  });
}

/** Attributes to send: bytes, a u32, a text, or attributes within. */
export type AttributeValue = Uint8Array | number | string | readonly Attribute[];
export type Attribute = readonly [type: number, value: AttributeValue];

export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  const writer = new ByteWriter(HOST_ORDER, 64);
  for (const [type, value] of attributes) {
    const bytes = attributeBytes(value);
    writer.u16(4 + bytes.length);
    writer.u16(Array.isArray(value) ? type + NLA_F_NESTED : type);
    writer.bytes(bytes);
    writer.align(4);
  }
  return writer.finish().slice();
}

function attributeBytes(value: AttributeValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return new TextEncoder().encode(`${value}\0`);
  if (typeof value !== 'number') return encodeAttributes(value);
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, HOST_ORDER === 'little');
  return bytes;
}

/** Attributes by type; of several of one type the last. Stops at the first that does not fit. */
export function parseAttributes(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = viewOf(bytes);
  const little = HOST_ORDER === 'little';
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, little);
    if (length < 4 || at + length > bytes.length) return found;
    found.set(view.getUint16(at + 2, little) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += alignUp(length, 4);
  }
  return found;
}

/** A u32 attribute; 0 when it is not there. */
export function u32Of(attributes: ReadonlyMap<number, Uint8Array>, type: number): number {
  return attribute32(attributes, type) ?? 0;
}

/** A u32 attribute; undefined when it is not there. */
export function attribute32(attributes: ReadonlyMap<number, Uint8Array>, type: number): number | undefined {
  const bytes = attributes.get(type);
  if (bytes === undefined || bytes.length < 4) return undefined;
  return viewOf(bytes).getUint32(0, HOST_ORDER === 'little');
}

/** A u64 attribute; undefined when it is not there. */
export function attribute64(attributes: ReadonlyMap<number, Uint8Array>, type: number): bigint | undefined {
  const bytes = attributes.get(type);
  if (bytes === undefined || bytes.length < 8) return undefined;
  return viewOf(bytes).getBigUint64(0, HOST_ORDER === 'little');
}

/** A text attribute, without what follows its end; undefined when it is not there. */
export function attributeText(attributes: ReadonlyMap<number, Uint8Array>, type: number): string | undefined {
  const bytes = attributes.get(type);
  return bytes === undefined ? undefined : textOf(bytes);
}
