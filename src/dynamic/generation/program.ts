/** Names of what a rootlet has: its program, and everything that can be filled. */

import { inputError, quote } from '../../diag/index.ts';
import { likelyProgram, slotsOf } from '../../link/index.ts';
import { type BpfObject, programsOf } from '../../object/index.ts';

/** The slots in their order. The program itself can be filled as well. */
export function slotNames(rootlet: BpfObject): string[] {
  return slotsOf(rootlet).map(({ name }) => name);
}

/**
 * The rootlet's program that goes on the hook. Throws `relink-which-program` when there are several,
 * `relink-no-program`.
 */
export function mainProgramOf(rootlet: BpfObject, name: string | undefined): string {
  const names = programsOf(rootlet).map(({ program }) => program.name);
  const listed = names.map(quote).join(', ');
  if (name !== undefined && !names.includes(name)) {
    throw inputError('relink-no-program', [rootlet.name], `has no program ${quote(name)}`, {
      hint: `there ${names.length === 0 ? 'is none' : `are: ${listed}`}`,
    });
  }
  const [first, second] = names;
  const chosen = name ?? first;
  if (chosen === undefined) throw inputError('relink-no-program', [rootlet.name], 'has no program');
  if (name === undefined && second !== undefined)
    throw inputError('relink-which-program', [rootlet.name], `has several programs: ${listed}`, {
      hint: `specify which one: ${rootlet.name}:${likelyProgram(rootlet) ?? ''}`,
    });
  return chosen;
}
