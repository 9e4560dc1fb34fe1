/** What programs must have in common to call one another: as a key that is stored, and as words for people. */

import type { ProgramTypeInfo } from '../object/index.ts';
import * as uapi from '../object/uapi.ts';

/**
 * Key of a kind of programs in names of arrays, replacements and pins: `xdp.frags attach type 37`. It is stored, so it
 * must stay as it is.
 */
export function kindKey(type: ProgramTypeInfo): string {
  const frags = hasFrags(type) ? '.frags' : '';
  const attach = type.expectedAttachType === 0 ? '' : ` attach type ${type.expectedAttachType}`;
  return `${uapi.progTypeName(type.progType)}${frags}${attach}`;
}

/** The same as words: `xdp (fragments)`, `sched_cls (tcx_egress)`, `tracepoint`. */
export function kindName(type: ProgramTypeInfo): string {
  const program = uapi.progTypeName(type.progType);
  const attach = type.expectedAttachType === 0 ? '' : uapi.attachTypeName(type.expectedAttachType);
  const more = [
    ...(attach === '' || attach === program ? [] : [attach]),
    ...(hasFrags(type) ? ['fragments'] : []),
  ];
  return more.length === 0 ? program : `${program} (${more.join(', ')})`;
}

function hasFrags({ flags }: ProgramTypeInfo): boolean {
  return (flags & uapi.BPF_F_XDP_HAS_FRAGS) !== 0;
}
