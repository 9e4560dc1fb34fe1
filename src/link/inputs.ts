/** Inputs of a link: bytes or objects, all of them read before anything is said. */

import { type Problem, RootletError } from '../diag/index.ts';
import { type BpfObject, type ReadOptions, readObject } from '../object/index.ts';

/** A file's contents with the name that messages use, or an object that was read or made before. */
export type LinkInput = { readonly name: string; readonly bytes: Uint8Array } | BpfObject;

export interface ReadInputs {
  /** Only the inputs that could be read. */
  readonly objects: readonly BpfObject[];
  readonly problems: readonly Problem[];
}

export function readInputs(inputs: readonly LinkInput[], options: ReadOptions = {}): ReadInputs {
  const objects: BpfObject[] = [];
  const problems: Problem[] = [];
  for (const input of inputs) {
    try {
      objects.push('bytes' in input ? readObject(input.bytes, input.name, options) : input);
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(...error.problems);
    }
  }
  return { objects, problems: [...problems, ...byteOrderProblems(objects)] };
}

function byteOrderProblems(objects: readonly BpfObject[]): Problem[] {
  const first = objects[0];
  return objects
    .filter(object => object.byteOrder !== first?.byteOrder)
    .map(object => ({
      code: 'link-byte-order',
      class: 'input',
      where: [object.name],
      message: `is ${object.byteOrder}-endian, but ${first?.name ?? ''} is ${first?.byteOrder ?? ''}-endian`,
      hint: 'compile all files for one target: -target bpfel or -target bpfeb',
    }));
}
