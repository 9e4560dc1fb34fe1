/**
 * Entries of members whose links have ended for good: the interface was deleted, or another process detached
 * them. Nothing that runs is removed, in whichever namespace it runs.
 */

import type { TcxContext } from './context.ts';
import { endOfMember, type TcxMember, tcxMembers } from './hook.ts';
import { unloadMember } from './steps.ts';

/** A member that no longer runs. */
export interface EndedMember {
  /** Name of its entry. */
  readonly entry: string;
  readonly member: string;
  /** Name of the interface when it was attached. */
  readonly interface: string;
  readonly direction: 'ingress' | 'egress';
  readonly why: string;
}

/** Removes the entries of members that have ended, and returns them. `dryRun`: only returns them. */
export function cleanTcx(
  context: TcxContext,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): readonly EndedMember[] {
  const ended = (): { readonly member: TcxMember; readonly why: string }[] =>
    tcxMembers(context.store).flatMap(member => {
      const why = endOfMember(context.store, member);
      return why === undefined ? [] : [{ member, why }];
    });
  const remove = () =>
    ended().map(one => {
      unloadMember(context.store, one.member);
      return describe(one);
    });
  return dryRun || ended().length === 0 ? ended().map(describe) : context.store.locked(remove);
}

function describe({ member, why }: { readonly member: TcxMember; readonly why: string }): EndedMember {
  const { hook, name } = member.facts;
  return {
    entry: member.entry.name,
    member: name,
    interface: hook.interface,
    direction: hook.direction,
    why,
  };
}
