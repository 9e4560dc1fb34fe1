/** The back end `static`: the rootlet that is generated for the members, to be linked with them into one program. */

import { elementAt, given } from '../../bytes/index.ts';
import { bugError, RootletError } from '../../diag/index.ts';
import type { SlotChange } from '../../dynamic/index.ts';
import { chainRootlet } from '../../link/index.ts';
import { InputObject, writeObject } from '../../object/index.ts';
import { type ChainDesign, type ChainHook, type DesignMember, hasCounters } from '../model/index.ts';
import { encodeFacts } from './facts.ts';

/** Programs of chains; not that of libxdp, which takes a program of its name for one that it built. */
const PROGRAMS = { xdp: 'xdp_chain', tc: 'tc_chain' } as const;

/** A change that makes the running rootlet this chain, and the name of its program. */
export interface GeneratedChain {
  readonly change: SlotChange & { readonly rootlet: InputObject; readonly program: string };
  /** Settings without effect, and what members lose; one sentence each. */
  readonly notes: readonly string[];
}

/** Throws what prevents a chain of these members. */
export function staticChain(hook: ChainHook, design: ChainDesign): GeneratedChain {
  const program = PROGRAMS[hook.kind];
  const parts = design.members.map(member => ({
    object: fileOf(member).object,
    program: member.program,
    ...given({ continueOn: member.given.continueOn ? member.continueOn.map(String) : undefined }),
  }));
  const made = chainRootlet(parts, {
    program,
    final: finalVerdict(hook, design),
    prioritized: true,
    watch: hasCounters(design),
  });
  if (!made.ok) throw new RootletError(made.problems);
  const { object, slots, mustReturn, notes } = made.value;
  const rootlet = new InputObject({ name: object.name, bytes: writeObject(object) }, object);
  const components = design.members.map((member, at) => ({
    slot: elementAt(slots, at),
    component: member.name,
    file: fileOf(member),
    program: member.program,
  }));
  const generated = { components, mustReturn, facts: encodeFacts(design) };
  return { change: { rootlet, program, generated }, notes };
}

/** The rule of libxdp: of one member its own verdict, of several PASS when the last one continues. */
function finalVerdict({ kind }: ChainHook, { members }: ChainDesign): string {
  return kind === 'xdp' && members.length > 1 ? 'pass' : 'last';
}

function fileOf({ file, name }: DesignMember): InputObject {
  if (file === null) throw bugError([name], 'a member without a file in a linked chain');
  return file;
}
