/**
 * The kernel's view of a program, whatever section it comes from: its type, the key of the type, which is
 * stored, and its name in messages, which is not.
 */

import * as uapi from '../../uapi/index.ts';

/** What kind of program the kernel is given. */
export interface ProgramType {
  /** enum bpf_prog_type. */
  readonly progType: number;
  /** enum bpf_attach_type, 0 when none is fixed. */
  readonly expectedAttachType: number;
  /** BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS. */
  readonly flags: number;
  /** The kernel wants the BTF id of what the program attaches to (fentry, lsm, freplace, …). */
  readonly attachBtf: boolean;
  /** Kernels too old for an expected attach type take the program without it (before Linux 4.17). */
  readonly attachTypeOptional: boolean;
}

/**
 * Key of what programs must have in common to call one another, from the kernel's numbers: `6.37.frags` is
 * program type 6 with attach type 37 and XDP fragments. Names of arrays, replacements and pins contain it.
 */
export function kindId(type: ProgramType): string {
  return `${type.progType}.${type.expectedAttachType}${hasFrags(type) ? '.frags' : ''}`;
}

/** The same for messages: `xdp (fragments)`, `sched_cls (tcx_egress)`, `tracepoint`. */
export function kindName(type: ProgramType): string {
  return nameOf(type.progType, type.expectedAttachType, hasFrags(type));
}

/** The name of a kind from its key; text that is not such a key comes back as it is. */
export function kindNameOf(id: string): string {
  const match = /^(\d{1,9})\.(\d{1,9})(\.frags)?$/.exec(id);
  if (match === null) return id;
  const [, progType, attachType, frags] = match;
  return nameOf(Number(progType), Number(attachType), frags !== undefined);
}

function nameOf(progType: number, attachType: number, frags: boolean): string {
  const program = uapi.progTypeName(progType);
  const attach = attachType === 0 ? program : uapi.attachTypeName(attachType);
  const more = [...(attach === program ? [] : [attach]), ...(frags ? ['fragments'] : [])];
  return more.length === 0 ? program : `${program} (${more.join(', ')})`;
}

function hasFrags({ flags }: ProgramType): boolean {
  return (flags & uapi.BPF_F_XDP_HAS_FRAGS) !== 0;
}
