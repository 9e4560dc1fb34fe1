/** The members of a design as they are shown. */

import type { MemberState } from './chain.ts';
import type { ChainDesign } from './design.ts';

/** Without what only the kernel knows, which a back end adds. */
export function memberStates({ members }: ChainDesign): MemberState[] {
  return members.map(({ name, program, file, priority, continueOn, settings, adopted }) => ({
    name,
    program,
    file: adopted === null ? (file?.name ?? null) : null,
    priority,
    continueOn,
    settings,
    loaded: null,
    lost: null,
  }));
}
