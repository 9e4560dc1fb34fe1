/** What the files of members do that kernels have rules about: larger packets, tail calls, changes of packets. */

import { elementAt } from '../../bytes/index.ts';
import { effectsOf } from '../../dynamic/index.ts';
import {
  type BpfObject,
  heldPrograms,
  programFunctions,
  programsOf,
  programTypeOf,
  sectionNameOf,
} from '../../object/index.ts';
import { BPF_F_XDP_HAS_FRAGS } from '../../uapi/index.ts';
import type { DesignMember } from '../model/index.ts';

/** What is known of a member before it is loaded. */
export interface MemberEffects {
  readonly name: string;
  readonly program: string;
  /** Whether it reads packets in several buffers (`xdp.frags`); null where there is no file. */
  readonly frags: boolean | null;
  /** Helper that may change packets, by name; null when none is called. */
  readonly changesPacket: string | null;
  readonly tailCalls: boolean;
  /** Whether a program array of its file holds it. */
  readonly isHeld: boolean;
  /** Kfuncs that read what the card knows of a packet, by name. */
  readonly metadata: readonly string[];
}

const METADATA_KFUNC = 'bpf_xdp_metadata_';

/** Of a member without a file, which another tool loaded, the kernel has checked everything already. */
export function memberEffects({ name, program, file }: DesignMember): MemberEffects {
  const unknown = { frags: null, changesPacket: null, tailCalls: false, isHeld: false, metadata: [] };
  const found = file === null ? undefined : programsOf(file.object).find(one => one.program.name === program);
  if (file === null || found === undefined) return { name, program, ...unknown };
  const { object } = file;
  const type = programTypeOf(sectionNameOf(object, found.program));
  const { changesPacket, tailCalls } = effectsOf(object, found.index);
  return {
    name,
    program,
    frags: type !== undefined && Math.floor(type.flags / BPF_F_XDP_HAS_FRAGS) % 2 === 1,
    changesPacket: changesPacket === 'bpf_tail_call' ? null : changesPacket,
    tailCalls,
    isHeld: heldPrograms(object).has(found.index),
    metadata: metadataKfuncs(object, found.index),
  };
}

function metadataKfuncs(object: BpfObject, program: number): string[] {
  const names = programFunctions(object, program).flatMap(index => {
    const symbol = elementAt(object.symbols, index);
    if (symbol.kind !== 'function') return [];
    return symbol.references.map(({ symbol: target }) => elementAt(object.symbols, target).name);
  });
  return [...new Set(names.filter(name => name.startsWith(METADATA_KFUNC)))];
}
