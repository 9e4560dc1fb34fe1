/**
 * Loaded programs, as every back end shows them. Separate from reading hooks, because a program has the same facts
 * wherever it is.
 */

import { RootletError } from '../../diag/index.ts';
import { BpfProgram, isNotVisible, openById, type Sys } from '../../kernel/index.ts';
import { readProgramTypes } from '../../load/index.ts';
import type { ProgramFacts } from '../model/index.ts';

/**
 * Facts of a loaded program; undefined when it is gone. Of one that this process may not look at (no CAP_SYS_ADMIN,
 * and no pin in the store) the id is all that is known: name and tag are empty.
 */
export function programFacts(sys: Sys, id: number): ProgramFacts | undefined {
  try {
    using program = openProgramById(sys, id);
    if (program === undefined) return undefined;
    const { name, tag } = program.info();
    return { id, name: fullName(program, name), tag };
  } catch (error) {
    if (isNotVisible(error)) return { id, name: '', tag: '' };
    throw error;
  }
}

/** Whether nothing but its id is known. */
export function isHidden({ tag }: ProgramFacts): boolean {
  return tag === '';
}

/** A program by its id, owned by the caller; undefined when it is gone. */
export function openProgramById(sys: Sys, id: number): BpfProgram | undefined {
  const fd = openById(sys, 'program', id);
  return fd === undefined ? undefined : BpfProgram.adopt(sys, fd);
}

const SHORT = 15;

/** The kernel keeps 15 characters; the types of the program have the rest. */
function fullName(program: BpfProgram, name: string): string {
  if (name.length < SHORT) return name;
  try {
    const [main] = readProgramTypes(program).functions;
    return main?.name.startsWith(name) === true ? main.name : name;
  } catch (error) {
    if (error instanceof RootletError) return name; // loaded without types
    throw error;
  }
}
