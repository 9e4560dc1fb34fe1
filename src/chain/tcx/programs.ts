/** Loaded programs as chains show them, by id. */

import { RootletError } from '../../diag/index.ts';
import { BpfProgram, openById, type Sys } from '../../kernel/index.ts';
import { readProgramTypes } from '../../load/index.ts';
import type { ProgramFacts } from '../model/index.ts';

/** Facts of a loaded program; undefined when it is gone. */
export function programFacts(sys: Sys, id: number): ProgramFacts | undefined {
  const fd = openById(sys, 'program', id);
  if (fd === undefined) return undefined;
  using program = BpfProgram.adopt(sys, fd);
  const { name, tag } = program.info();
  return { id, name: fullName(program, name), tag };
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
