/**
 * The object of a member as it is loaded. On tcx the kernel runs the next program after UNSPEC and after nothing
 * else: a member with other verdicts gets a wrapper that returns UNSPEC for them. Its record keeps the file as it
 * was given.
 */

import { quote } from '../../diag/index.ts';
import { type HookRequest, hookTypeNotes, programForHook, typesForHook } from '../../hooks/index.ts';
import { wrapVerdicts } from '../../link/index.ts';
import { type InputObject, retypedInput, type Verdict, verdictName } from '../../object/index.ts';
import { BPF_PROG_TYPE_SCHED_CLS, TC_ACT_PIPE, TC_ACT_UNSPEC } from '../../uapi/index.ts';
import {
  type ChainDesign,
  type ChainHook,
  countedMember,
  type DesignMember,
  type LoadedMember,
} from '../model/index.ts';

/** What the kernel itself does. */
export const KERNEL_RULE: readonly Verdict[] = [TC_ACT_UNSPEC];

/** After PIPE no other tcx program runs, and the packet goes on as after UNSPEC of the last one. */
const VERDICTS = { next: TC_ACT_UNSPEC, stop: TC_ACT_PIPE };

/** A hook as other commands name it. */
export function tcxRequest({ interface: target, direction }: ChainHook): HookRequest {
  return { kind: 'tcx', target, place: { direction: direction ?? 'ingress' } };
}

type Wrapped = Pick<DesignMember, 'name' | 'program' | 'continueOn' | 'given'> & {
  readonly file: InputObject;
};

/**
 * `counters`: whether the chain has them; they count the member's own verdicts. Throws `attach-program` for a program
 * that is not for the hook, and what prevents a wrapper.
 */
export function memberObject(hook: ChainHook, member: Wrapped, counters: boolean): LoadedMember {
  const { file, program, name } = member;
  const types = typesForHook(file.object, tcxRequest(hook), program);
  const typed = types.size === 0 ? file : retypedInput(file, types);
  programForHook(typed.object, tcxRequest(hook), program);
  const counted = countedMember(typed.object, member, counters);
  const { object } = counted;
  const notes = [...hookTypeNotes(file.object, types), ...counted.notes];
  const verdicts = verdictsOf(member);
  if (isKernelRule(verdicts)) return { object, notes };
  const words = verdicts.map(spellVerdict).join(', ');
  const wrapped = `member ${quote(name)} is wrapped: after ${words === '' ? 'no verdict' : words} the next one runs; the kernel itself goes on after UNSPEC only`;
  return { object: wrapVerdicts(object, program, verdicts, VERDICTS), notes: [...notes, wrapped] };
}

/** What is not given is the rule of the kernel, whatever continues on other hooks. */
export function verdictsOf({
  continueOn,
  given,
}: Pick<DesignMember, 'continueOn' | 'given'>): readonly Verdict[] {
  return given.continueOn ? continueOn : KERNEL_RULE;
}

/** The design with the verdicts that its members have on tcx. */
export function byKernelRule(design: ChainDesign): ChainDesign {
  const members = design.members.map(member => ({ ...member, continueOn: verdictsOf(member) }));
  return { ...design, members };
}

function isKernelRule(verdicts: readonly Verdict[]): boolean {
  return verdicts.length === 1 && verdicts[0] === TC_ACT_UNSPEC;
}

function spellVerdict(verdict: Verdict): string {
  return typeof verdict === 'number' ? verdictName(BPF_PROG_TYPE_SCHED_CLS, verdict) : verdict;
}
