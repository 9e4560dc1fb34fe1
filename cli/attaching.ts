/**
 * Hooks on the command line: the word for each kind, what its target means, and which programs go there. Shared by the
 * commands that attach.
 */

import { isAbsolute } from 'node:path';
import { bugError, quote, usageError } from '../src/diag/index.ts';
import { Attachment } from '../src/kernel/attachment.ts';
import type { Direction } from '../src/kernel/hooks.ts';
import type { XdpMode } from '../src/kernel/interface.ts';
import { freePlace, TcFilter } from '../src/kernel/tc.ts';
import {
  type Attached,
  type AttachPlace,
  attachOperations,
  attachProgram,
  type LoadedObject,
  directionOf as tcDirectionOf,
} from '../src/load/index.ts';
import {
  type BpfObject,
  type ProgramTypeInfo,
  programsOf,
  programTypeOf,
  sectionOf,
} from '../src/object/index.ts';
import * as uapi from '../src/object/uapi.ts';
import { table } from './format/table.ts';
import { iteratorOf, perfEventOf, withIterator } from './hook-targets.ts';

export interface PlaceFlags {
  readonly mode?: XdpMode;
  readonly ingress: boolean;
  readonly egress: boolean;
  readonly priority?: number;
}

interface Kind {
  /** Program types that go there; none: not a program but a table of operations. */
  readonly types: readonly number[];
  /** What the target is, for messages. */
  readonly target: string;
  /** Expected attach types, where the program type alone says too little. */
  readonly suits?: (type: ProgramTypeInfo) => boolean;
  readonly place: (target: string, flags: PlaceFlags) => AttachPlace;
}

const isNetkit = (type: ProgramTypeInfo) =>
  type.expectedAttachType === uapi.BPF_NETKIT_PRIMARY || type.expectedAttachType === uapi.BPF_NETKIT_PEER;
const isUser = (type: ProgramTypeInfo) => type.section.startsWith('u');

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  [
    'xdp',
    {
      types: [uapi.BPF_PROG_TYPE_XDP],
      target: 'interface',
      place: (target, { mode }) => ({ interface: target, ...(mode === undefined ? {} : { mode }) }),
    },
  ],
  [
    'tcx',
    {
      types: [uapi.BPF_PROG_TYPE_SCHED_CLS],
      target: 'interface',
      suits: type => !isNetkit(type),
      place: (target, flags) => ({ interface: target, method: 'tcx', ...directionOf(flags) }),
    },
  ],
  [
    'tc',
    {
      types: [uapi.BPF_PROG_TYPE_SCHED_CLS],
      target: 'interface',
      suits: type => !isNetkit(type),
      place: (target, flags) => ({
        interface: target,
        method: 'clsact',
        ...directionOf(flags),
        ...(flags.priority === undefined ? {} : { priority: flags.priority }),
      }),
    },
  ],
  [
    'netkit',
    {
      types: [uapi.BPF_PROG_TYPE_SCHED_CLS],
      target: 'netkit interface',
      suits: isNetkit,
      place: target => ({ interface: target }),
    },
  ],
  [
    'cgroup',
    {
      types: [
        uapi.BPF_PROG_TYPE_CGROUP_SKB,
        uapi.BPF_PROG_TYPE_CGROUP_SOCK,
        uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
        uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT,
        uapi.BPF_PROG_TYPE_CGROUP_SYSCTL,
        uapi.BPF_PROG_TYPE_CGROUP_DEVICE,
        uapi.BPF_PROG_TYPE_SOCK_OPS,
        uapi.BPF_PROG_TYPE_LSM,
      ],
      suits: type =>
        type.progType !== uapi.BPF_PROG_TYPE_LSM || type.expectedAttachType === uapi.BPF_LSM_CGROUP,
      target: 'folder of a cgroup',
      place: target => ({ cgroup: target }),
    },
  ],
  [
    'netns',
    {
      types: [uapi.BPF_PROG_TYPE_SK_LOOKUP, uapi.BPF_PROG_TYPE_FLOW_DISSECTOR],
      target: 'network namespace: its name, a file, or self',
      place: target =>
        target === 'self' ? {} : { netns: isAbsolute(target) ? target : `/run/netns/${target}` },
    },
  ],
  [
    'tracepoint',
    {
      types: [uapi.BPF_PROG_TYPE_TRACEPOINT],
      target: 'CATEGORY/NAME',
      place: target => ({ tracepoint: target }),
    },
  ],
  [
    'raw-tracepoint',
    {
      types: [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT, uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE],
      target: 'NAME of a tracepoint',
      place: target => ({ tracepoint: target }),
    },
  ],
  [
    'kprobe',
    {
      types: [uapi.BPF_PROG_TYPE_KPROBE],
      target: 'FUNCTION[+OFFSET] of the kernel',
      suits: type => !isUser(type),
      place: target => ({ kernelFunction: symbolOf(target) }),
    },
  ],
  [
    'uprobe',
    {
      types: [uapi.BPF_PROG_TYPE_KPROBE],
      target: 'FILE:FUNCTION[+OFFSET]',
      suits: isUser,
      place: target => ({ executable: userPlaceOf(target) }),
    },
  ],
  [
    'tracing',
    {
      types: [uapi.BPF_PROG_TYPE_TRACING],
      target: '- (the section says it)',
      suits: type => type.expectedAttachType !== uapi.BPF_TRACE_ITER,
      place: target => refuseTarget('tracing', target),
    },
  ],
  [
    'lsm',
    {
      types: [uapi.BPF_PROG_TYPE_LSM],
      target: '- (the section says it)',
      suits: type => type.expectedAttachType !== uapi.BPF_LSM_CGROUP,
      place: target => refuseTarget('lsm', target),
    },
  ],
  [
    'iter',
    {
      types: [uapi.BPF_PROG_TYPE_TRACING],
      target: '- or map:NAME, cgroup:FOLDER[,ORDER], task:PID, thread:TID',
      suits: type => type.expectedAttachType === uapi.BPF_TRACE_ITER,
      place: target => {
        iteratorOf(target); // opened when it is attached
        return {};
      },
    },
  ],
  [
    'perf-event',
    {
      types: [uapi.BPF_PROG_TYPE_PERF_EVENT],
      target: 'EVENT,cpu=N|pid=N,freq=N|period=N',
      place: target => ({ perfEvent: perfEventOf(target) }),
    },
  ],
  [
    'netfilter',
    {
      types: [uapi.BPF_PROG_TYPE_NETFILTER],
      target: 'ip|ip6:HOOK:PRIORITY',
      place: target => ({ netfilter: netfilterOf(target) }),
    },
  ],
  [
    'sockmap',
    {
      types: [uapi.BPF_PROG_TYPE_SK_MSG, uapi.BPF_PROG_TYPE_SK_SKB],
      target: 'map of sockets in the object',
      place: target => ({ sockmap: target }),
    },
  ],
  ['struct-ops', { types: [], target: 'table of operations in the object', place: () => ({}) }],
]);

export const HOOK_KINDS: readonly string[] = [...KINDS.keys()];

/** Kinds with their targets, a line each, for help. */
export function describeKinds(): string {
  return table(
    [...KINDS].map(([name, { target }]) => [name, target]),
    '  ',
  );
}

function requireKind(name: string): Kind {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind;
  throw usageError('attach-kind', `there is no kind of hook ${quote(name)}`, {
    hint: `there are: ${HOOK_KINDS.join(', ')}`,
  });
}

function directionOf(flags: PlaceFlags): { direction?: Direction } {
  if (flags.ingress && flags.egress)
    throw usageError('attach-direction', 'give --ingress or --egress, not both');
  if (flags.ingress) return { direction: 'ingress' };
  return flags.egress ? { direction: 'egress' } : {};
}

function refuseTarget(kind: string, target: string): never {
  throw usageError(
    'attach-target',
    `what ${kind} programs attach to is said by their section, not by ${quote(target)}`,
    {
      hint: 'write - for the target',
    },
  );
}

function symbolOf(target: string): { symbol: string; offset?: number } {
  const plus = target.lastIndexOf('+');
  if (plus < 0) return { symbol: target };
  return { symbol: target.slice(0, plus), offset: numberOf(target.slice(plus + 1), target) };
}

function userPlaceOf(target: string): { file: string; symbol?: string; offset?: number } {
  const colon = target.lastIndexOf(':');
  if (colon <= 0) {
    throw usageError('attach-target', `${quote(target)} is not FILE:FUNCTION`, {
      hint: 'as in /bin/bash:readline',
    });
  }
  const file = target.slice(0, colon);
  const rest = target.slice(colon + 1);
  return /^(0x[0-9a-fA-F]+|\d+)$/.test(rest) ? { file, offset: Number(rest) } : { file, ...symbolOf(rest) };
}

const NETFILTER_HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

function netfilterOf(target: string): { family: 2 | 10; hook: number; priority: number } {
  const [family, name = '', priority = '0'] = target.split(':');
  const hook = NETFILTER_HOOKS.indexOf(name);
  if ((family === 'ip' || family === 'ip6') && hook >= 0 && /^-?\d{1,9}$/.test(priority)) {
    return { family: family === 'ip' ? 2 : 10, hook, priority: Number(priority) };
  }
  throw usageError('attach-target', `${quote(target)} is not ip|ip6:HOOK:PRIORITY`, {
    hint: `hooks are ${NETFILTER_HOOKS.join(', ')}`,
  });
}

function numberOf(text: string, whole: string): number {
  const number = Number(text);
  if (text !== '' && Number.isSafeInteger(number) && number >= 0) return number;
  throw usageError('attach-target', `${quote(whole)} does not end with an offset`);
}

/** A hook as asked for. */
export interface HookRequest {
  readonly kind: string;
  readonly target: string;
  readonly place: AttachPlace;
}

/** Understands KIND and TARGET; `-` leaves the target to the program's section. Throws `attach-…`. */
export function parseHook(name: string, target: string, flags: PlaceFlags): HookRequest {
  const kind = requireKind(name);
  if (flags.mode !== undefined && name !== 'xdp') throw usageError('attach-mode', '--mode is for XDP');
  if ((flags.ingress || flags.egress) && name !== 'tc' && name !== 'tcx')
    throw usageError('attach-direction', '--ingress and --egress are for tc and tcx');
  if (flags.priority !== undefined && name !== 'tc')
    throw usageError('attach-priority', '--priority is for tc');
  return { kind: name, target, place: target === '-' ? {} : kind.place(target, flags) };
}

/** The program to attach: the named one, or the only one that suits. Throws `attach-program`. */
export function chooseProgram(object: BpfObject, hook: HookRequest, wanted: string | undefined): string {
  const { types, suits } = requireKind(hook.kind);
  const all = programsOf(object).map(({ program }) => {
    const section = sectionOf(object, program)?.name ?? '';
    return { name: program.name, section, type: programTypeOf(section) };
  });
  const fitting = all.filter(
    ({ type }) => type !== undefined && types.includes(type.progType) && (suits?.(type) ?? true),
  );
  const names = fitting.map(({ name }) => name);
  if (wanted === undefined) {
    const byThemselves = fitting.filter(({ section }) => !section.startsWith('?')).map(({ name }) => name);
    const [only, ...others] = byThemselves.length > 0 ? byThemselves : names;
    if (only !== undefined && others.length === 0) return only;
    const message =
      only === undefined ? `no program is for ${hook.kind}` : `several programs are for ${hook.kind}`;
    const listed = (only === undefined ? all : fitting).map(
      ({ name, section }) => `${name} in SEC("${section}")`,
    );
    const hint =
      only === undefined
        ? `there are: ${listed.join(', ')}`
        : `say which one, as FILE:PROGRAM: ${names.join(', ')}`;
    throw usageError('attach-program', `${object.name}: ${message}`, listed.length === 0 ? {} : { hint });
  }
  if (names.includes(wanted)) return wanted;
  const found = all.find(({ name }) => name === wanted);
  if (found === undefined) {
    throw usageError('attach-program', `${object.name}: there is no program ${quote(wanted)}`, {
      hint: `there are: ${all.map(({ name }) => name).join(', ') || 'none'}`,
    });
  }
  throw usageError(
    'attach-program',
    `program ${quote(wanted)} in SEC("${found.section}") is not for ${hook.kind}`,
  );
}

/** The program and those that maps of the object hold from the start (program arrays). */
export function programsToLoad(object: BpfObject, main: string): string[] {
  const held = object.symbols.flatMap(symbol => {
    if (symbol.kind !== 'map') return [];
    return symbol.references.flatMap(reference => {
      const target = object.symbols[reference.symbol];
      return target?.kind === 'function' ? [target.name] : [];
    });
  });
  return [...new Set([main, ...held])];
}

/** Whether a kind attaches a table of operations and not a program. */
export function isOperations(hook: HookRequest): boolean {
  return requireKind(hook.kind).types.length === 0;
}

/** Something attached that stays without this process. */
export type Lasting = Attachment | TcFilter;

/** A clsact filter that is not there yet. */
export interface PlannedFilter {
  readonly planned: TcFilter;
  readonly attach: () => TcFilter;
}

/** Where a filter will be; undefined for other kinds of hooks, and for sections that leave something to be said. */
export function planFilter(
  loaded: LoadedObject,
  program: string,
  hook: HookRequest,
): PlannedFilter | undefined {
  const { method, interface: name } = hook.place;
  const type = loaded.plan.programs.find(candidate => candidate.name === program)?.type;
  const direction = hook.place.direction ?? tcDirectionOf(type?.expectedAttachType ?? 0);
  if (method !== 'clsact' || name === undefined || direction === undefined) return undefined;
  const { sys } = loaded.program(program);
  const filter = freePlace(sys, name, direction, hook.place.priority);
  const planned = TcFilter.existing(sys, name, { direction, name: program }, filter);
  const attach = () => {
    const attached = attachProgram(loaded, program, { ...hook.place, direction, ...filter });
    if (attached instanceof TcFilter) return attached;
    throw bugError([planned.place], 'what was attached is no filter');
  };
  return { planned, attach };
}

function attachAnywhere(loaded: LoadedObject, program: string, hook: HookRequest): Attached {
  if (isOperations(hook)) return attachOperations(loaded, hook.target);
  if (hook.kind !== 'iter' || hook.target === '-') return attachProgram(loaded, program, hook.place);
  const { sys } = loaded.program(program);
  return withIterator(sys, loaded, iteratorOf(hook.target), iterator =>
    attachProgram(loaded, program, { iterator }),
  );
}

/** Attaches. Throws `attach-not-kept` for hooks whose attachments end with the process. */
export function attachTo(loaded: LoadedObject, program: string, hook: HookRequest): Lasting {
  const attached = attachAnywhere(loaded, program, hook);
  if (attached instanceof Attachment || attached instanceof TcFilter) return attached;
  attached.close();
  throw usageError(
    'attach-not-kept',
    `${attached.place}: this kernel ends such attachments with the process`,
    {
      hint: 'attach from a process of your own that stays (rootlet/load), or use a newer kernel',
    },
  );
}
