/** The cases on disk, and the recipes of a case carried out. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InputFile } from '../../src/bytes/input-file.ts';
import type { LinkInput } from '../../src/link/inputs/inputs.ts';
import { link } from '../../src/link/link.ts';
import type { LinkFailure } from '../../src/link/pipeline/options.ts';
import { relink } from '../../src/link/relink.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { type Case, type Input, type Recipe, readCase } from './directives.ts';

export const CASES_DIRECTORY = fileURLToPath(new URL('../cases/', import.meta.url));
export const ORDERS = ['el', 'eb'] as const;
export type Order = (typeof ORDERS)[number];

export interface CaseOnDisk extends Case {
  /** Name of its directory. */
  readonly name: string;
}

export function readCases(): CaseOnDisk[] {
  const folders = readdirSync(CASES_DIRECTORY, { withFileTypes: true }).filter(entry => entry.isDirectory());
  return folders
    .map(entry => entry.name)
    .sort()
    .map(readCaseFolder);
}

function readCaseFolder(name: string): CaseOnDisk {
  const folder = path.join(CASES_DIRECTORY, name);
  const sources = readdirSync(folder)
    .filter(file => file.endsWith('.bpf.c'))
    .sort();
  try {
    return { name, ...readCase(sources.map(file => readFileSync(path.join(folder, file), 'utf8'))) };
  } catch (error) {
    throw new Error(`test/cases/${name}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

export type Outcome = { readonly ok: true; readonly object: BpfObject } | LinkFailure;

/** Makes the object of a recipe from the checked-in objects of a case. `change`: what is done to each before. */
export function follow(
  recipe: Recipe,
  name: string,
  order: Order,
  change: (file: InputFile) => InputFile = file => file,
): Outcome {
  const load = (file: string): LinkInput =>
    change({
      name: `${file}.bpf.o`,
      bytes: readFileSync(path.join(CASES_DIRECTORY, name, 'obj', order, `${file}.bpf.o`)),
    });
  if (recipe.kind === 'link') {
    return link(
      recipe.inputs.map(input => prepare(input, load)),
      { partial: recipe.partial },
    );
  }
  const assignments = recipe.slots.map(({ slot, file, program }) => ({
    slot,
    component: load(file),
    ...(program === undefined ? {} : { program }),
  }));
  return relink(load(recipe.rootlet), assignments);
}

/** A group is linked partially, written, and used like a file. */
function prepare(input: Input, load: (file: string) => LinkInput): LinkInput {
  if (typeof input === 'string') return load(input);
  const result = link(
    input.map(member => prepare(member, load)),
    { partial: true },
  );
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return { name: 'partial.o', bytes: writeObject(result.object) };
}
