/**
 * Targets of hooks that have a grammar of their own: functions, perf events, netfilter, targets of iterators.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { given } from '../../bytes/index.ts';
import { available, quote, usageError } from '../../diag/index.ts';
import {
  BpfMap,
  type IteratorScope,
  type KernelPlace,
  type PerfEventSpec,
  type Sys,
  type UserPlace,
} from '../../kernel/index.ts';
import type { LoadedObject } from '../../load/index.ts';
import { openPin } from '../../store/index.ts';
import { PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE } from '../../uapi/index.ts';

/** PERF_COUNT_SW_… in order of their numbers, by the names that perf(1) has for them. */
const SOFTWARE_EVENTS = [
  'cpu-clock',
  'task-clock',
  'page-faults',
  'context-switches',
  'cpu-migrations',
  'minor-faults',
  'major-faults',
  'alignment-faults',
  'emulation-faults',
  'dummy',
  'bpf-output',
  'cgroup-switches',
];

/** PERF_COUNT_HW_… */
const HARDWARE_EVENTS = [
  'cycles',
  'instructions',
  'cache-references',
  'cache-misses',
  'branches',
  'branch-misses',
  'bus-cycles',
  'stalled-cycles-frontend',
  'stalled-cycles-backend',
  'ref-cycles',
];

const PERF_EXAMPLE =
  'as in cpu-clock,cpu=0,freq=99 or page-faults,pid=1234,period=1 or 4:0x1a3,cpu=0,period=1000';

/** `EVENT,cpu=N|pid=N,freq=N|period=N`. Throws `attach-target`. */
export function perfEventOf(target: string): PerfEventSpec {
  const [name = '', ...settings] = target.split(',');
  const values = new Map(settings.map(setting => settingOf(setting, target)));
  const [cpu, pid, frequency, period] = ['cpu', 'pid', 'freq', 'period'].map(key => values.get(key));
  if (cpu === undefined && pid === undefined) {
    throw wrongEvent(target, 'does not specify cpu or pid: an attachment is to one CPU or one process');
  }
  if ((frequency === undefined) === (period === undefined)) {
    throw wrongEvent(
      target,
      'must specify how often the program runs: freq (runs per second) or period (events between runs)',
    );
  }
  return { ...eventOf(name, target), pid: pid ?? -1, cpu: cpu ?? -1, ...given({ frequency, period }) };
}

function settingOf(setting: string, target: string): [key: string, value: number] {
  const [, key = '', digits = ''] = /^(cpu|pid|freq|period)=(\d{1,9})$/.exec(setting) ?? [];
  if (key !== '') return [key, Number(digits)];
  throw wrongEvent(target, `${quote(setting)} is not one of cpu=N, pid=N, freq=N, period=N`);
}

function eventOf(name: string, target: string): { type: number; config: bigint } {
  const software = SOFTWARE_EVENTS.indexOf(name);
  if (software >= 0) return { type: PERF_TYPE_SOFTWARE, config: BigInt(software) };
  const hardware = HARDWARE_EVENTS.indexOf(name);
  if (hardware >= 0) return { type: PERF_TYPE_HARDWARE, config: BigInt(hardware) };
  const [, type = '', config = ''] = /^(\d{1,9}):(0x[0-9a-f]{1,16}|\d{1,19})$/i.exec(name) ?? [];
  if (type !== '') return { type: Number(type), config: BigInt(config) };
  const known = [...SOFTWARE_EVENTS, ...HARDWARE_EVENTS].join(', ');
  throw wrongEvent(target, `${quote(name)} is not an event; there are ${known}, and TYPE:CONFIG in numbers`);
}

function wrongEvent(target: string, why: string) {
  return usageError('attach-target', `perf event ${quote(target)}: ${why}`, { hint: PERF_EXAMPLE });
}

/** Target of an iterator, before anything is opened. */
export type IteratorTarget =
  | { readonly kind: 'map'; readonly name: string }
  | {
      readonly kind: 'cgroup';
      readonly directory: string;
      readonly order: 'self' | 'descendants' | 'ancestors';
    }
  | { readonly kind: 'task'; readonly pid: number }
  | { readonly kind: 'thread'; readonly tid: number };

const ORDERS = ['self', 'descendants', 'ancestors'] as const;

/** `map:NAME`, `cgroup:DIRECTORY[,ORDER]`, `task:PID`, `thread:TID`. Throws `attach-target`. */
export function iteratorOf(target: string): IteratorTarget {
  const colon = target.indexOf(':');
  const [kind, rest] = [target.slice(0, Math.max(colon, 0)), target.slice(colon + 1)];
  if (rest !== '' && kind === 'map') return { kind, name: rest };
  if (rest !== '' && kind === 'cgroup') {
    const order = ORDERS.find(candidate => rest.endsWith(`,${candidate}`));
    return order === undefined
      ? { kind, directory: rest, order: 'descendants' }
      : { kind, directory: rest.slice(0, -order.length - 1), order };
  }
  if (/^[1-9]\d{0,8}$/.test(rest)) {
    if (kind === 'task') return { kind, pid: Number(rest) };
    if (kind === 'thread') return { kind, tid: Number(rest) };
  }
  throw usageError('attach-target', `${quote(target)} is not a valid iterator target`, {
    hint: 'map:NAME (of the object, or a pin), cgroup:DIRECTORY[,self|descendants|ancestors], task:PID, thread:TID, or -',
  });
}

/** Opens the target of the iterator for as long as `use` runs; the attachment holds it from then on. */
export function withIterator<T>(
  sys: Sys,
  loaded: LoadedObject,
  target: IteratorTarget,
  use: (scope: IteratorScope) => T,
): T {
  switch (target.kind) {
    case 'task':
      return use({ kind: 'task', pid: target.pid });
    case 'thread':
      return use({ kind: 'task', tid: target.tid });
    case 'map': {
      const own = loaded.maps.get(target.name);
      if (own !== undefined) return use({ kind: 'map', fd: own.fd.number });
      if (!target.name.startsWith('/')) {
        throw usageError('attach-target', `the object has no map ${quote(target.name)}`, {
          hint: `${available('there are', loaded.maps.keys())}; a pin is named from /`,
        });
      }
      using map = BpfMap.adopt(sys, openPin(sys, target.name, 'map'));
      return use({ kind: 'map', fd: map.fd.number });
    }
    case 'cgroup': {
      const fd = openDirectory(target.directory);
      try {
        return use({ kind: 'cgroup', fd, order: target.order });
      } finally {
        closeSync(fd);
      }
    }
  }
}

function openDirectory(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw usageError(
      'attach-target',
      `${quote(path)} cannot be opened as the directory of a cgroup: ${code}`,
    );
  }
}

/** `FUNCTION[+OFFSET]` of the kernel. Throws `attach-target`. */
export function symbolOf(target: string): KernelPlace {
  const plus = target.lastIndexOf('+');
  if (plus < 0) return { symbol: target };
  if (plus === 0) throw usageError('attach-target', `${quote(target)} does not name a function`);
  return { symbol: target.slice(0, plus), offset: numberOf(target.slice(plus + 1), target) };
}

/** `FILE:FUNCTION[+OFFSET]` or `FILE:OFFSET`. Throws `attach-target`. */
export function userPlaceOf(target: string): UserPlace {
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

/** `ip|ip6:HOOK[:PRIORITY]`. Throws `attach-target`. */
export function netfilterOf(target: string): { family: 2 | 10; hook: number; priority: number } {
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
