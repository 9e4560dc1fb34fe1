/**
 * Input files with other program types: the object as it is loaded, and the bytes that records keep, agree.
 */

import { type ProgramTypes, typeEntries, withProgramTypes } from '../programs/index.ts';
import { InputObject, type ObjectFile } from '../read/index.ts';
import { writeObject } from './write.ts';

/** The file with programs of these types; the same file without any. Throws as `withProgramTypes`. */
export function retypedInput(input: InputObject, types: ProgramTypes): InputObject {
  if (typeEntries(types).length === 0) return input;
  const object = withProgramTypes(input.object, types);
  const file: ObjectFile = { name: input.name, bytes: writeObject(object) };
  return new InputObject(input.path === undefined ? file : { ...file, path: input.path }, object);
}
