/** What is in an object, as data: programs, functions, maps, variables, externs, sections, types. */

import type { BpfObject } from '../../object/index.ts';
import type { Inspection } from './inspection.ts';
import { surveyOf } from './survey.ts';

/** What is in an object: programs, functions, maps, variables, externs, sections, types. */
export function inspect(object: BpfObject): Inspection {
  const { symbols, rows, overview } = surveyOf(object);
  const { name, byteOrder, license, maps, sections, types, notes, problems } = overview;
  return {
    name,
    byteOrder,
    license,
    programs: rows.programs.map(row => symbols.functionAt(row)),
    functions: rows.functions.map(row => symbols.functionAt(row)),
    maps,
    variables: rows.variables.map(row => symbols.variableAt(row)),
    externs: rows.externs.map(row => symbols.symbolAt(row)),
    sections,
    types,
    notes,
    problems,
  };
}
