/** Attaching a loaded program to the target of its section, or of the caller. */

import { given } from '../../bytes/index.ts';
import { quote, requireRecord, requireText, usageError } from '../../diag/index.ts';
import { type BpfProgram, freePlace, TcFilter } from '../../kernel/index.ts';
import type { LoadedObject } from '../../load/index.ts';
import { requireLoaded } from '../../load/index.ts';
import * as uapi from '../../uapi/index.ts';
import { type AttachPlace, type Candidate, need } from '../targets/index.ts';
import { FilterHook } from './filter.ts';
import type { Hook } from './hook.ts';
import { InterfaceSpot } from './interface-spot.ts';
import { hookOf } from './loose.ts';
import { attachCandidate, netkitEnd, requireDirection } from './program-hooks.ts';
import { XdpHook } from './xdp.ts';

/**
 * Attaches a program of a loaded object. The hook is the caller's; `close()` of it detaches only what nothing
 * else holds. Throws `load-attach-place` when the place is missing or cannot be.
 */
export function attachProgram(object: LoadedObject, name: string, place: AttachPlace = {}): Hook {
  requireLoaded('attachProgram: object', object);
  requireText('attachProgram: name', 'a string, the name of a program', name);
  requireRecord('attachProgram: place', 'an object such as { interface: "eth0" }', place);
  const { planned, attach } = planAttachment(object, name, place);
  if (planned !== undefined) attach();
  return planned ?? attach();
}

/** An attachment that can be described before it is made. */
export interface PlannedAttachment {
  /**
   * Where it will be, for kinds that stay without a handle: a record of them comes first. Not attached yet.
   */
  readonly planned: Hook | undefined;
  /** Attaches; returns `planned` where there is one. */
  readonly attach: () => Hook;
}

/** What `attachProgram` does, in two steps. Throws `load-attach-place`. */
export function planAttachment(object: LoadedObject, name: string, place: AttachPlace): PlannedAttachment {
  const program = object.program(name);
  const plan = object.plan.programs.find(candidate => candidate.name === name);
  if (plan === undefined) throw usageError('load-no-program', `there is no program ${quote(name)}`);
  const candidate = { sys: program.sys, fd: program.fd.number, plan };
  switch (plan.type.progType) {
    case uapi.BPF_PROG_TYPE_XDP:
      if (place.method === 'netlink') return planXdp(program, candidate, place);
      break;
    case uapi.BPF_PROG_TYPE_SCHED_CLS:
      if (place.method === 'clsact' && netkitEnd(candidate) === undefined)
        return planFilter(program, candidate, place);
      break;
  }
  return { planned: undefined, attach: () => hookOf(attachCandidate(candidate, place, object)) };
}

function planXdp(program: BpfProgram, { sys, plan }: Candidate, place: AttachPlace): PlannedAttachment {
  const spot = InterfaceSpot.find(sys, need(plan, place.interface, 'an interface'));
  const planned = new XdpHook(sys, spot, place.mode ?? null, [program.info()]);
  const attach = () => {
    planned.attach(program);
    return planned;
  };
  return { planned, attach };
}

function planFilter(program: BpfProgram, candidate: Candidate, place: AttachPlace): PlannedAttachment {
  const { sys, fd, plan } = candidate;
  const spot = InterfaceSpot.find(sys, need(plan, place.interface, 'an interface'));
  const direction = requireDirection(candidate, place);
  const options = { direction, name: plan.name };
  const free = freePlace(sys, spot.index, direction, place.priority);
  const chosen = { ...free, ...given({ handle: place.handle }) };
  const planned = new FilterHook(sys, TcFilter.at(sys, spot.index, options, chosen), spot, [program.info()]);
  const attach = () => {
    TcFilter.attach(sys, fd, spot.index, { ...options, ...chosen });
    return planned;
  };
  return { planned, attach };
}
