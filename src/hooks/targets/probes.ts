/** Attaching tracing programs: tracepoints, probes in the kernel and in executables, perf events. */

import { given } from '../../bytes/index.ts';
import { quote, usageError } from '../../diag/index.ts';
import {
  type Attachment,
  attachIterator,
  attachKprobe,
  attachKprobes,
  attachPerfEvent,
  attachTraceEvent,
  attachTracepoint,
  attachTracing,
  attachUprobe,
  attachUprobes,
  kernelFunctionsLike,
  type LooseAttachment,
  type Sys,
  syscallFunction,
} from '../../kernel/index.ts';
import { hasSyscallWrapper, type ProgramPlan } from '../../load/index.ts';
import { sectionTextOf } from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import type { AttachPlace } from './kinds.ts';
import { need, splitOffset, unlessEmpty, userPlaceOf } from './place.ts';

/** A loaded program with the information of its section. */
export interface Candidate {
  readonly sys: Sys;
  readonly fd: number;
  readonly plan: ProgramPlan;
}

/**
 * Fentry, fexit, fmod_ret, typed tracepoints, iterators: what they attach to was fixed when they were loaded.
 */
export function attachTracingProgram({ sys, fd, plan }: Candidate, place: AttachPlace): Attachment {
  const { expectedAttachType } = plan.type;
  const { extra } = sectionTextOf(plan.type);
  if (expectedAttachType === uapi.BPF_TRACE_ITER) return attachIterator(sys, fd, place.iterator);
  return place.cookie === undefined
    ? attachTracepoint(sys, fd, '', quote(extra))
    : attachTracing(sys, fd, expectedAttachType, quote(extra), place.cookie);
}

export function attachRawTracepoint({ sys, fd, plan }: Candidate, place: AttachPlace): Attachment {
  const name = need(plan, place.tracepoint ?? unlessEmpty(sectionTextOf(plan.type).extra), 'a tracepoint');
  return attachTracepoint(sys, fd, name, `tracepoint ${quote(name)}`, place.cookie);
}

export function attachClassicTracepoint(
  { sys, fd, plan }: Candidate,
  place: AttachPlace,
): Attachment | LooseAttachment {
  const name = need(
    plan,
    place.tracepoint ?? unlessEmpty(sectionTextOf(plan.type).extra),
    'a tracepoint (category/name)',
  );
  return attachTraceEvent(sys, fd, name, place.cookie);
}

export function attachCounter(
  { sys, fd, plan }: Candidate,
  place: AttachPlace,
): Attachment | LooseAttachment {
  return attachPerfEvent(sys, fd, need(plan, place.perfEvent, 'a perf event'), place.cookie);
}

/** Programs of type kprobe, which are all kinds of probes: the section or the place specifies which. */
export function attachProbe(candidate: Candidate, place: AttachPlace): Attachment | LooseAttachment {
  const kind = withoutSleep(sectionTextOf(candidate.plan.type).section);
  switch (kind) {
    case 'uprobe':
    case 'uretprobe':
      return attachUserProbe(candidate, place, kind === 'uretprobe');
    case 'uprobe.multi':
    case 'uretprobe.multi':
    case 'uprobe.session':
      return attachUserProbes(candidate, place, kind === 'uretprobe.multi');
    case 'kprobe.multi':
    case 'kretprobe.multi':
    case 'kprobe.session':
      return attachKernelProbes(candidate, place, kind === 'kretprobe.multi');
    case 'usdt':
      throw usageError(
        'load-attach-place',
        `program ${quote(candidate.plan.name)}: probes of USDT notes cannot be attached here`,
        { hint: 'give the place of the probe in the executable and SEC("uprobe")' },
      );
    default:
      return attachKernelProbe(candidate, place, kind === 'kretprobe' || kind === 'kretsyscall');
  }
}

/** `uprobe.s` attaches as `uprobe` does. */
function withoutSleep(section: string): string {
  return section.endsWith('.s') ? section.slice(0, -2) : section;
}

function options(place: AttachPlace, atReturn: boolean) {
  return { atReturn, ...given({ cookie: place.cookie }) };
}

function attachKernelProbe({ sys, fd, plan }: Candidate, place: AttachPlace, atReturn: boolean) {
  const { extra, section } = sectionTextOf(plan.type);
  const isSyscall = section === 'ksyscall' || section === 'kretsyscall';
  const named = extra === '' ? undefined : isSyscall ? syscallPlace(extra) : splitOffset(plan, extra);
  const target = need(plan, place.kernelFunction ?? named, 'a function of the kernel');
  return attachKprobe(sys, fd, target, options(place, atReturn));
}

function syscallPlace(name: string) {
  return { symbol: syscallFunction(name, process.arch, hasSyscallWrapper()) };
}

function attachKernelProbes({ sys, fd, plan }: Candidate, place: AttachPlace, atReturn: boolean) {
  const pattern = unlessEmpty(sectionTextOf(plan.type).extra);
  const given = place.kernelFunctions ?? (pattern === undefined ? undefined : kernelFunctionsLike(pattern));
  const names = need(plan, given, 'functions of the kernel');
  return attachKprobes(sys, fd, names, {
    atReturn,
    attachType: plan.type.expectedAttachType,
    ...cookies(place, names.length),
  });
}

function attachUserProbe({ sys, fd, plan }: Candidate, place: AttachPlace, atReturn: boolean) {
  const target = { ...userPlaceOf(plan), ...place.executable };
  const file = need(plan, target.file, 'an executable (path:function)');
  if (target.symbol === undefined) need(plan, target.offset, 'a function or an offset in the executable');
  return attachUprobe(sys, fd, { ...target, file }, options(place, atReturn));
}

function attachUserProbes({ sys, fd, plan }: Candidate, place: AttachPlace, atReturn: boolean) {
  const target = { ...userPlaceOf(plan), ...place.executable };
  const file = need(plan, target.file, 'an executable (path:function)');
  const named = target.symbol === undefined && target.offset === undefined ? undefined : [target];
  const places = need(plan, place.functions?.map(symbol => ({ symbol })) ?? named, 'functions of it');
  return attachUprobes(sys, fd, file, places, {
    atReturn,
    attachType: plan.type.expectedAttachType,
    ...given({ pid: target.pid }),
    ...cookies(place, places.length),
  });
}

/** One cookie for all functions. */
function cookies({ cookie }: AttachPlace, count: number) {
  return cookie === undefined ? {} : { cookies: Array.from({ length: count }, () => cookie) };
}
