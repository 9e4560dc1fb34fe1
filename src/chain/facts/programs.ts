/**
 * Loaded programs, as every back end shows them. Separate from reading hooks, because a program has the same facts
 * wherever it is.
 */

import { RootletError } from '../../diag/index.ts';
import { BpfProgram, openById, type Sys } from '../../kernel/index.ts';
import { readProgramTypes } from '../../load/index.ts';
import type { ProgramFacts } from '../model/index.ts';

/** Facts of a loaded program; undefined when it is gone. The caller may not see programs: throws that. */
export function programFacts(sys: Sys, id: number): ProgramFacts | undefined {
  using program = openProgramById(sys, id);
  if (program === undefined) return undefined;
  const { name, tag } = program.info();
  return { id, name: fullName(program, name), tag };
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
