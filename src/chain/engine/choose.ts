/**
 * Which back end builds a chain: what was requested, else that of the chain that runs, else what the kernel offers:
 * the protocol of libxdp, so that its tools see the chain and can change it, and static linking where that cannot be.
 */

import { RootletError } from '../../diag/index.ts';
import { replacementRefusal } from '../../dynamic/index.ts';
import { requireBpffs } from '../../store/index.ts';
import { libxdpDirectory, MAX_SLOTS } from '../libxdp/index.ts';
import type { ChainBackEnd, ChainDesign, ChainState } from '../model/index.ts';
import type { ChainContext } from './context.ts';

export interface ChosenBackEnd {
  readonly via: ChainBackEnd;
  /** As text, for users. */
  readonly reason: string;
  /** Neither requested nor that of a chain that runs: another one may do as well. */
  readonly free: boolean;
}

/** `asked`: what the operator requested. */
export function chooseChainBackEnd(
  context: ChainContext,
  state: ChainState,
  design: ChainDesign,
  asked: ChainBackEnd | undefined,
): ChosenBackEnd {
  if (asked !== undefined) return { via: asked, reason: 'as requested', free: false };
  if (state.via !== null) return { via: state.via, reason: 'as it was', free: false };
  const objection = libxdpObjection(context, state, design);
  return objection === undefined
    ? {
        via: 'libxdp',
        reason: 'this kernel replaces functions, so that tools of libxdp see the chain',
        free: true,
      }
    : linked(objection);
}

/** `objection`: why not by libxdp; '' where the protocol does not apply. */
export function linked(objection: string): ChosenBackEnd {
  const reason = 'members are linked into one program';
  const why = objection.replace(/\n.*/s, ''); // without the hint of an error
  return {
    via: 'static',
    reason: why === '' ? reason : `${reason}; not libxdp: ${why}`,
    free: true,
  };
}

/** Why a chain cannot be built by the protocol of libxdp; undefined when it can. */
function libxdpObjection(
  { sys }: ChainContext,
  { hook }: ChainState,
  { members }: ChainDesign,
): string | undefined {
  if (hook.kind !== 'xdp') return '';
  if (members.length > MAX_SLOTS) return `a dispatcher has ${MAX_SLOTS} slots`;
  if (members.some(({ adopted }) => adopted !== null)) return 'a program is adopted';
  return pinsObjection() ?? replacementRefusal(sys)();
}

function pinsObjection(): string | undefined {
  try {
    requireBpffs(libxdpDirectory());
    return undefined;
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return error.problems.map(({ message }) => message).join('; ');
  }
}
