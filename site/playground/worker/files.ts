/** The files that were given, each read once, and what can be chosen of them. */

import { printableName } from '../../../src/diag/index.ts';
import { slotsOf } from '../../../src/link/index.ts';
import {
  type BpfObject,
  faultsOf,
  InputObject,
  programsOf,
  sectionNameOf,
} from '../../../src/object/index.ts';
import type { FileView, GivenFile } from '../messages.ts';
import { problemViews, thrownProblems } from './problems.ts';

export type Files = ReadonlyMap<string, InputObject>;

export function inputObjects(given: readonly GivenFile[]): Files {
  return new Map(given.map(file => [file.name, new InputObject(file)]));
}

export function surveyOf(file: InputObject): FileView {
  const { name, bytes } = file;
  const empty = { name, size: bytes.length, programs: [], slots: [], externs: [], problems: [] };
  try {
    return { ...empty, ...choicesOf(file.object), problems: problemViews(faultsOf(file.object)) };
  } catch (error) {
    return { ...empty, problems: thrownProblems(error) };
  }
}

function choicesOf(object: BpfObject): Pick<FileView, 'programs' | 'slots' | 'externs'> {
  return {
    programs: programsOf(object).map(({ program }) => ({
      name: program.name,
      section: printableName(sectionNameOf(object, program)),
    })),
    slots: slotsOf(object).map(({ name }) => name),
    externs: object.symbols.flatMap(symbol => (symbol.kind === 'extern' ? [printableName(symbol.name)] : [])),
  };
}
