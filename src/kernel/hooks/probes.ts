/**
 * Probes: programs on functions of the kernel (kprobes) and of executables (uprobes), at entry or return, one
 * at a time through perf events, many at once through links of their own.
 */

import { readFileSync } from 'node:fs';
import { elementAt } from '../../bytes/index.ts';
import { platformError, quote, usageError } from '../../diag/index.ts';
import {
  BPF_F_KPROBE_MULTI_RETURN,
  BPF_LINK_CREATE,
  BPF_TRACE_KPROBE_MULTI,
  BPF_TRACE_UPROBE_MULTI,
  EINVAL,
  EOPNOTSUPP,
} from '../../uapi/index.ts';
import { bpf, cText, type Sys } from '../sys/index.ts';
import {
  encodeAttr,
  HOST_ORDER,
  LinkCreateKprobeMultiAttr,
  LinkCreateUprobeMultiAttr,
} from '../uapi/index.ts';
import { type Attachment, adoptLink } from './attachment.ts';
import { findExecutable, functionOffset } from './executable.ts';
import type { LooseAttachment } from './loose-attachment.ts';
import { attachToEvent, namedAt, numberIn, openPerfEvent } from './perf-event.ts';

/** A function of the kernel, and bytes from its start. */
export interface KernelPlace {
  readonly symbol: string;
  readonly offset?: number;
}

/** A place in an executable or library: of one process, or of all (`pid` -1). */
export interface UserPlace {
  /** Path, or a name that is looked for. */
  readonly file: string;
  readonly symbol?: string;
  /** Bytes from the start of `symbol`, or of the file without one. */
  readonly offset?: number;
  readonly pid?: number;
}

export interface ProbeOptions {
  /** At return instead of entry. */
  readonly atReturn?: boolean;
  /** The result of bpf_get_attach_cookie() in the program (since Linux 5.15). */
  readonly cookie?: bigint;
  /** Where the kernel shows its kinds of events; for tests. */
  readonly devices?: string;
}

const DEVICES = '/sys/bus/event_source/devices';

/** The number of a kind of probe, and its flag for "at return". */
function probeKind(kind: 'kprobe' | 'uprobe', options: ProbeOptions) {
  const directory = `${options.devices ?? DEVICES}/${kind}`;
  const type = numberIn(`${directory}/type`);
  if (type === undefined) {
    throw usageError('kernel-no-probes', `this kernel has no ${kind}s`, {
      hint: kind === 'kprobe' ? 'it needs CONFIG_KPROBE_EVENTS' : 'it needs CONFIG_UPROBE_EVENTS',
    });
  }
  return { type, config: options.atReturn === true ? 1n : 0n };
}

/** A program on a function of the kernel, wherever it is called. */
export function attachKprobe(
  sys: Sys,
  programFd: number,
  { symbol, offset = 0 }: KernelPlace,
  options: ProbeOptions = {},
): Attachment | LooseAttachment {
  const place = `kernel function ${quote(symbol)}`;
  const name = namedAt(sys, symbol);
  const spec = {
    ...probeKind('kprobe', options),
    config1: name.address,
    config2: BigInt(offset),
    pid: -1,
    cpu: 0,
  };
  const event = openPerfEvent(sys, spec, place, [name.bytes]);
  return attachToEvent(sys, programFd, event, place, options.cookie);
}

/** A program on a place of an executable. */
export function attachUprobe(
  sys: Sys,
  programFd: number,
  place: UserPlace,
  options: ProbeOptions = {},
): Attachment | LooseAttachment {
  const path = findExecutable(place.file);
  const pid = place.pid ?? -1;
  const where = `${quote(path)}${place.symbol === undefined ? '' : `, function ${quote(place.symbol)}`}`;
  const name = namedAt(sys, path);
  const spec = {
    ...probeKind('uprobe', options),
    config1: name.address,
    config2: BigInt(offsetOf(path, place)),
    pid,
    cpu: pid < 0 ? 0 : -1,
  };
  const event = openPerfEvent(sys, spec, where, [name.bytes]);
  return attachToEvent(sys, programFd, event, where, options.cookie);
}

function offsetOf(path: string, { symbol, offset = 0 }: Pick<UserPlace, 'symbol' | 'offset'>): number {
  return offset + (symbol === undefined ? 0 : functionOffset(path, symbol));
}

export interface MultiOptions {
  readonly atReturn?: boolean;
  /** One for each function. */
  readonly cookies?: readonly bigint[];
  /** BPF_TRACE_KPROBE_SESSION or _UPROBE_SESSION instead of the plain kind. */
  readonly attachType?: number;
}

/** A program on many functions of the kernel (since Linux 5.18). */
export function attachKprobes(
  sys: Sys,
  programFd: number,
  symbols: readonly string[],
  options: MultiOptions = {},
): Attachment {
  requireSome(symbols.length, options);
  const names = symbols.map(cText);
  const pointers = encodeU64s(names.map(name => sys.addressOf(name)));
  const cookies = encodeU64s(options.cookies ?? []);
  const attr = encodeAttr(LinkCreateKprobeMultiAttr, {
    prog_fd: programFd,
    attach_type: options.attachType ?? BPF_TRACE_KPROBE_MULTI,
    multi_flags: options.atReturn === true ? BPF_F_KPROBE_MULTI_RETURN : 0,
    cnt: symbols.length,
    syms: sys.addressOf(pointers),
    cookies: sys.addressOf(cookies),
  });
  const result = bpf(sys, BPF_LINK_CREATE, attr, [...names, pointers, cookies]);
  return adoptLink(sys, result, `${symbols.length} kernel functions`, hintForMulti('5.18', 'CONFIG_FPROBE'));
}

/** A program on many functions of one executable (since Linux 6.6). */
export function attachUprobes(
  sys: Sys,
  programFd: number,
  file: string,
  places: readonly Pick<UserPlace, 'symbol' | 'offset'>[],
  options: MultiOptions & { readonly pid?: number } = {},
): Attachment {
  requireSome(places.length, options);
  const path = findExecutable(file);
  const name = cText(path);
  const offsets = encodeU64s(places.map(place => BigInt(offsetOf(path, place))));
  const cookies = encodeU64s(options.cookies ?? []);
  const attr = encodeAttr(LinkCreateUprobeMultiAttr, {
    prog_fd: programFd,
    attach_type: options.attachType ?? BPF_TRACE_UPROBE_MULTI,
    path: sys.addressOf(name),
    offsets: sys.addressOf(offsets),
    cookies: sys.addressOf(cookies),
    cnt: places.length,
    multi_flags: options.atReturn === true ? BPF_F_KPROBE_MULTI_RETURN : 0,
    pid: options.pid ?? 0,
  });
  const result = bpf(sys, BPF_LINK_CREATE, attr, [name, offsets, cookies]);
  return adoptLink(sys, result, quote(path), hintForMulti('6.6', 'CONFIG_UPROBES'));
}

function requireSome(count: number, options: MultiOptions): void {
  if (count === 0) throw usageError('kernel-empty-list', 'there is no function to attach to');
  if (options.cookies !== undefined && options.cookies.length !== count) {
    throw usageError('kernel-cookies', `${options.cookies.length} cookies for ${count} functions`);
  }
}

/** EOPNOTSUPP: the kernel supports the call, but was built without the option. */
function hintForMulti(since: string, option: string) {
  return (errno: number) => {
    if (errno === EOPNOTSUPP)
      return `this kernel was built without ${option}; attach to the functions one by one`;
    return errno === EINVAL
      ? `needs Linux ${since} and a program whose section contains ".multi"`
      : undefined;
  };
}

function encodeU64s(values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setBigUint64(index * 8, value, HOST_ORDER === 'little');
  });
  return bytes;
}

const FUNCTION_LISTS = [
  '/sys/kernel/tracing/available_filter_functions',
  '/sys/kernel/debug/tracing/available_filter_functions',
];

/**
 * Functions of the kernel that can be probed and whose names match a pattern with `*` and `?`. Throws
 * `kernel-no-function`.
 */
export function kernelFunctionsLike(pattern: string, lists: readonly string[] = FUNCTION_LISTS): string[] {
  if (!pattern.includes('*') && !pattern.includes('?')) return [pattern];
  const text = lists.map(readText).find(content => content !== '');
  const names = (text ?? '').split('\n').map(firstWord);
  const found = [...new Set(names.filter(name => name !== '' && matchesGlob(pattern, name)))];
  if (found.length > 0) return found;
  throw platformError('kernel-no-function', [], `no function of the kernel matches ${quote(pattern)}`, {
    hint:
      text === undefined
        ? `${elementAt(lists, 0)} cannot be read: mount tracefs, or name the functions`
        : 'functions that are inlined or not traceable cannot be probed',
  });
}

/** A line has a name, and for functions of modules a space and the module. */
function firstWord(line: string): string {
  const end = line.search(/[ \t]/);
  return end < 0 ? line : line.slice(0, end);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** `*` is any text, `?` any one character. Linear but for the last star. */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let from = -1;
  let resume = 0;
  let p = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      from = p;
      resume = at;
      p += 1;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p += 1;
      at += 1;
    } else if (from >= 0) {
      p = from + 1;
      resume += 1;
      at = resume;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

/**
 * Name of the kernel function of a system call, where the kernel wraps them (all 64-bit machines since 4.17).
 */
export function syscallFunction(name: string, arch: string, wrapped: boolean): string {
  const prefix = wrapped ? SYSCALL_PREFIXES.get(arch) : undefined;
  return prefix === undefined ? `__se_sys_${name}` : `__${prefix}_sys_${name}`;
}

const SYSCALL_PREFIXES = new Map([
  ['x64', 'x64'],
  ['arm64', 'arm64'],
  ['riscv64', 'riscv'],
  ['s390x', 's390x'],
]);
