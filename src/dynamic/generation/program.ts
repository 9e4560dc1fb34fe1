/** Names of what a rootlet has: its program, and everything that can be filled. */

import { RootletError } from '../../diag/index.ts';
import { namedProgram, slotsOf } from '../../link/index.ts';
import type { BpfObject } from '../../object/index.ts';

/** The slots in their order. The program itself can be filled as well. */
export function slotNames(rootlet: BpfObject): string[] {
  return slotsOf(rootlet).map(({ name }) => name);
}

/** Name of the named program, or of the only one. Throws `relink-no-program`, `relink-which-program`. */
export function programNameOf(object: BpfObject, name: string | undefined): string {
  const found = namedProgram(object, name);
  if (!found.ok) throw new RootletError([found.problem]);
  return found.value.program.name;
}
