/**
 * Classic TC: a clsact qdisc and a bpf filter, over netlink. For kernels before 6.6, and beside tools that
 * use it.
 *
 * Such a filter belongs to the interface, not to a descriptor: it stays when the process ends, until
 * `remove()`.
 */

import { ByteWriter, viewOf } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import { EEXIST, EINVAL, ENODEV, ENOENT } from '../../uapi/index.ts';
import type { Sys } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';
import type { Direction } from './hooks.ts';
import { readInterface } from './interface.ts';
import {
  type AttributeValue,
  encodeAttributes,
  NetlinkSocket,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_ECHO,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  netlinkError,
  parseAttributes,
  u32Of,
} from './netlink.ts';

const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const RTM_GETTFILTER = 46;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_TAG = 10;
const TCA_BPF_ID = 11;
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const TC_H_CLSACT = 0xfffffff1;
const CLSACT_HANDLE = 0xffff0000;
const PARENT = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;
/** ETH_P_ALL in network byte order. */
const ALL_PROTOCOLS = HOST_ORDER === 'little' ? 0x0300 : 0x0003;
const TCMSG_SIZE = 20;

export interface TcOptions {
  readonly direction: Direction;
  /** Lower numbers run first; 0 lets the kernel choose. */
  readonly priority?: number;
  /** Number of the filter among those of its priority; 0 lets the kernel choose. */
  readonly handle?: number;
  /** Name that `tc filter show` prints. */
  readonly name?: string;
}

/** What a filter runs. */
export interface FilterProgram {
  readonly id: number;
  /** 16 hexadecimal digits; '' where the kernel gives none. */
  readonly tag: string;
}

/** A filter on an interface of the current network namespace, which every call has to be made in. */
export class TcFilter {
  readonly #sys: Sys;
  readonly ifindex: number;
  readonly #options: TcOptions;
  readonly place: string;
  readonly direction: Direction;
  /** The kernel's choice where none was given. */
  readonly priority: number;
  readonly handle: number;

  private constructor(sys: Sys, ifindex: number, options: TcOptions, place: string, created: TcMessage) {
    this.#sys = sys;
    this.ifindex = ifindex;
    this.#options = options;
    this.place = place;
    this.direction = options.direction;
    this.priority = created.priority;
    this.handle = created.handle;
  }

  /** Adds a filter, and the qdisc when it is missing. Throws `kernel-tc`. */
  static attach(sys: Sys, programFd: number, nameOrIndex: string | number, options: TcOptions): TcFilter {
    const link = readInterface(sys, nameOrIndex);
    const place = `interface ${quote(link.name)} ${options.direction}`;
    const socket = NetlinkSocket.open(sys);
    try {
      addQdisc(socket, link.index, place);
      const message = {
        ifindex: link.index,
        handle: options.handle ?? 0,
        parent: PARENT[options.direction],
        priority: options.priority ?? 0,
      };
      const created = setFilter(socket, message, programFd, options, NLM_F_CREATE + NLM_F_EXCL, place);
      return new TcFilter(sys, link.index, options, place, created);
    } finally {
      socket.close();
    }
  }

  /** A filter that another process attached, or that will be attached; its existence is not checked. */
  static at(
    sys: Sys,
    ifindex: number,
    options: TcOptions,
    filter: { readonly priority: number; readonly handle: number },
  ): TcFilter {
    const place = `interface ${ifindex} ${options.direction}`;
    const message = { ifindex, parent: PARENT[options.direction], ...filter };
    return new TcFilter(sys, ifindex, options, place, message);
  }

  /**
   * The program that the filter runs; undefined when the filter or its interface is gone. Throws `kernel-tc`.
   */
  program(): FilterProgram | undefined {
    using socket = NetlinkSocket.open(this.#sys);
    const answer = socket.request(RTM_GETTFILTER, 0, encodeTc(this.#message(), [[TCA_KIND, 'bpf']]));
    if (answer.kind === 'ok') return programIn(answer.messages[0]?.payload);
    // no such filter, no qdisc that could have one, no such interface
    if ([ENOENT, EINVAL, ENODEV].includes(answer.errno)) return undefined;
    throw netlinkError('kernel-tc', `getting the filter of ${this.place}`, answer);
  }

  /** Replaces the program; each packet runs the old or the new one. */
  update(programFd: number): void {
    const socket = NetlinkSocket.open(this.#sys);
    try {
      setFilter(socket, this.#message(), programFd, this.#options, NLM_F_REPLACE, this.place);
    } finally {
      socket.close();
    }
  }

  /** Removes the filter, if it is there; the qdisc stays, others may use it. Throws `kernel-tc`. */
  remove(): void {
    const socket = NetlinkSocket.open(this.#sys);
    try {
      const payload = encodeTc(this.#message(), [[TCA_KIND, 'bpf']]);
      const answer = socket.request(RTM_DELTFILTER, NLM_F_ACK, payload);
      // ENOENT: no such filter; EINVAL: no qdisc that could have one
      if (answer.kind === 'refused' && answer.errno !== ENOENT && this.program() !== undefined) {
        throw netlinkError('kernel-tc', `removing a filter from ${this.place}`, answer);
      }
    } finally {
      socket.close();
    }
  }

  #message(): TcMessage {
    return {
      ifindex: this.ifindex,
      handle: this.handle,
      parent: PARENT[this.#options.direction],
      priority: this.priority,
    };
  }
}

/** Of the first filter, where the kernel chooses. */
const LAST_PRIORITY = 0xc000;

/**
 * Where a new filter can be: without a `priority`, before all others, as the kernel itself chooses it; else
 * behind none of its own. Another process may be faster.
 */
export function freePlace(
  sys: Sys,
  nameOrIndex: string | number,
  direction: Direction,
  priority?: number,
): { readonly priority: number; readonly handle: number } {
  const filters = listFilters(sys, readInterface(sys, nameOrIndex).index, direction);
  const front = Math.max(1, Math.min(LAST_PRIORITY + 1, ...filters.map(filter => filter.priority)) - 1);
  const chosen = priority ?? front;
  const taken = new Set(filters.flatMap(filter => (filter.priority === chosen ? [filter.handle] : [])));
  let handle = 1;
  while (taken.has(handle)) handle += 1;
  return { priority: chosen, handle };
}

/** A bpf filter on an interface. */
export interface FilterOn {
  readonly priority: number;
  readonly handle: number;
  readonly program: FilterProgram;
}

/** The bpf filters of an interface of the current network namespace, in the order in which they run. */
export function filtersOn(sys: Sys, ifindex: number, direction: Direction): FilterOn[] {
  return filterMessages(sys, ifindex, direction).flatMap(payload => {
    const { priority, handle } = decodeTc(payload);
    const program = programIn(payload);
    return program === undefined ? [] : [{ priority, handle, program }];
  });
}

function listFilters(sys: Sys, ifindex: number, direction: Direction): TcMessage[] {
  return filterMessages(sys, ifindex, direction).map(decodeTc);
}

function filterMessages(sys: Sys, ifindex: number, direction: Direction): Uint8Array[] {
  using socket = NetlinkSocket.open(sys);
  const message = { ifindex, handle: 0, parent: PARENT[direction], priority: 0 };
  const answer = socket.request(RTM_GETTFILTER, NLM_F_DUMP, encodeTc(message, []));
  if (answer.kind === 'refused') return []; // no qdisc, no filters
  return answer.messages.flatMap(({ type, payload }) =>
    type === RTM_NEWTFILTER && payload.length >= TCMSG_SIZE ? [payload] : [],
  );
}

function programIn(payload: Uint8Array | undefined): FilterProgram | undefined {
  if (payload === undefined || payload.length < TCMSG_SIZE) return undefined;
  const options = parseAttributes(payload.subarray(TCMSG_SIZE)).get(TCA_OPTIONS);
  if (options === undefined) return undefined;
  const attributes = parseAttributes(options);
  const tag = [...(attributes.get(TCA_BPF_TAG) ?? [])];
  return {
    id: u32Of(attributes, TCA_BPF_ID),
    tag: tag.map(byte => byte.toString(16).padStart(2, '0')).join(''),
  };
}

interface TcMessage {
  readonly ifindex: number;
  readonly handle: number;
  readonly parent: number;
  readonly priority: number;
}

function encodeTc(
  message: TcMessage,
  attributes: readonly (readonly [number, AttributeValue])[],
): Uint8Array {
  const writer = new ByteWriter(HOST_ORDER, 64);
  writer.u32(0); // family and padding
  writer.u32(message.ifindex);
  writer.u32(message.handle);
  writer.u32(message.parent);
  writer.u32(message.priority * 0x10000 + (message.parent === TC_H_CLSACT ? 0 : ALL_PROTOCOLS));
  writer.bytes(encodeAttributes(attributes));
  return writer.finish().slice();
}

function addQdisc(socket: NetlinkSocket, ifindex: number, place: string): void {
  const message = { ifindex, handle: CLSACT_HANDLE, parent: TC_H_CLSACT, priority: 0 };
  const payload = encodeTc(message, [[TCA_KIND, 'clsact']]);
  const answer = socket.request(RTM_NEWQDISC, NLM_F_ACK + NLM_F_CREATE + NLM_F_EXCL, payload);
  if (answer.kind === 'refused' && answer.errno !== EEXIST) {
    throw netlinkError(
      'kernel-tc',
      `adding a clsact qdisc to ${place}`,
      answer,
      'the kernel needs CONFIG_NET_CLS_ACT',
    );
  }
}

/** Removes the qdisc and with it every filter of the interface. */
export function removeClsact(sys: Sys, nameOrIndex: string | number): void {
  const link = readInterface(sys, nameOrIndex);
  const socket = NetlinkSocket.open(sys);
  try {
    const message = { ifindex: link.index, handle: CLSACT_HANDLE, parent: TC_H_CLSACT, priority: 0 };
    const answer = socket.request(RTM_DELQDISC, NLM_F_ACK, encodeTc(message, [[TCA_KIND, 'clsact']]));
    if (answer.kind === 'refused')
      throw netlinkError('kernel-tc', `removing the qdisc of ${quote(link.name)}`, answer);
  } finally {
    socket.close();
  }
}

/** Creates or replaces a filter; the kernel echoes what it made. */
function setFilter(
  socket: NetlinkSocket,
  message: TcMessage,
  programFd: number,
  options: TcOptions,
  flags: number,
  place: string,
): TcMessage {
  const payload = encodeTc(message, [
    [TCA_KIND, 'bpf'],
    [
      TCA_OPTIONS,
      [
        [TCA_BPF_FD, programFd],
        [TCA_BPF_NAME, options.name ?? 'rootlet'],
        [TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT],
      ],
    ],
  ]);
  const answer = socket.request(RTM_NEWTFILTER, NLM_F_ACK + NLM_F_ECHO + flags, payload);
  if (answer.kind === 'refused') {
    const hint = answer.errno === EEXIST ? 'another filter has this priority' : undefined;
    throw netlinkError('kernel-tc', `attaching to ${place}`, answer, hint);
  }
  const echoed = answer.messages.find(({ type }) => type === RTM_NEWTFILTER)?.payload;
  return echoed === undefined || echoed.length < TCMSG_SIZE ? message : decodeTc(echoed);
}

function decodeTc(payload: Uint8Array): TcMessage {
  const view = viewOf(payload);
  const little = HOST_ORDER === 'little';
  return {
    ifindex: view.getInt32(4, little),
    handle: view.getUint32(8, little),
    parent: view.getUint32(12, little),
    priority: Math.floor(view.getUint32(16, little) / 0x10000),
  };
}
