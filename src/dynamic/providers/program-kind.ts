/** What programs must have in common to call one another: as a key that is stored, and as words for people. */

import type { ProgramTypeInfo } from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';

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
  return words(uapi.progTypeName(type.progType), type.expectedAttachType, hasFrags(type));
}

/** Words for a key that was stored; text that is not such a key comes back as it is. */
export function nameOfKey(key: string): string {
  const match = /^(\w+)(\.frags)?(?: attach type (\d{1,9}))?$/.exec(key);
  if (match === null) return key;
  const [, program = '', frags, attachType = '0'] = match;
  return words(program, Number(attachType), frags !== undefined);
}

function words(program: string, attachType: number, frags: boolean): string {
  const attach = attachType === 0 ? program : uapi.attachTypeName(attachType);
  const more = [...(attach === program ? [] : [attach]), ...(frags ? ['fragments'] : [])];
  return more.length === 0 ? program : `${program} (${more.join(', ')})`;
}

function hasFrags({ flags }: ProgramTypeInfo): boolean {
  return (flags & uapi.BPF_F_XDP_HAS_FRAGS) !== 0;
}
