/** Links what the page asks for, with the linker of the package. */

import { bugError, type Problem } from '../../../src/diag/index.ts';
import { type LinkReport, link, type RelinkReport, relink, relinkChain } from '../../../src/link/index.ts';
import type { BpfObject, InputObject } from '../../../src/object/index.ts';
import type { Choice, LinkRequest } from '../messages.ts';
import type { Files } from './files.ts';

export type Linked =
  | { readonly ok: true; readonly object: BpfObject; readonly report: LinkReport | RelinkReport }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Another form of a component, for the machine. `number` is its place, from 1. */
export type Prepare = (file: InputObject, program: string, number: number) => InputObject;

interface LinkOptions {
  readonly prepare: Prepare;
  readonly share: readonly string[];
}

const AS_GIVEN: LinkOptions = { prepare: file => file, share: [] };

export function linkFiles(files: Files, request: LinkRequest, options = AS_GIVEN): Linked {
  if (request.kind === 'link')
    return link(
      request.files.map(name => fileAt(files, name)),
      { name: 'linked.o' },
    );
  if (request.kind === 'chain') return chain(files, request.members, options);
  const { rootlet, slots } = request;
  const assignments = slots.map(({ slot, ...choice }, at) => ({ slot, ...part(files, choice, at, options) }));
  return relink(fileAt(files, rootlet), assignments, { name: 'relinked.o', share: options.share });
}

/** Not optimized: the page shows what came from which file. */
function chain(files: Files, members: readonly Choice[], options: LinkOptions): Linked {
  const components = members.map((choice, at) => part(files, choice, at, options));
  return relinkChain(components, { name: 'chain.o', optimize: false, share: options.share });
}

function part(files: Files, { file, program }: Choice, at: number, { prepare }: LinkOptions) {
  return { component: prepare(fileAt(files, file), program, at + 1), program };
}

/** Components of a request, in the order of their numbers. */
export function componentsOf(request: LinkRequest): readonly Choice[] {
  if (request.kind === 'link') return [];
  return request.kind === 'chain' ? request.members : request.slots;
}

function fileAt(files: Files, name: string): InputObject {
  const file = files.get(name);
  if (file === undefined) throw bugError([name], 'a file that was not given');
  return file;
}
