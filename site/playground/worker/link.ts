/** Links what the page asks for, with the linker of the package. */

import { bugError, type Problem } from '../../../src/diag/index.ts';
import { type LinkReport, link, type RelinkReport, relink, relinkChain } from '../../../src/link/index.ts';
import type { BpfObject, InputObject } from '../../../src/object/index.ts';
import type { Choice, LinkRequest } from '../messages.ts';
import type { Files } from './files.ts';

export type Linked =
  | { readonly ok: true; readonly object: BpfObject; readonly report: LinkReport | RelinkReport }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function linkFiles(files: Files, request: LinkRequest): Linked {
  if (request.kind === 'link')
    return link(
      request.files.map(name => fileAt(files, name)),
      { name: 'linked.o' },
    );
  if (request.kind === 'chain') return chain(files, request.members);
  const { rootlet, slots } = request;
  const assignments = slots.map(({ slot, ...choice }) => ({ slot, ...part(files, choice) }));
  return relink(fileAt(files, rootlet), assignments, { name: 'relinked.o' });
}

/** Not optimized: the page shows what came from which file. */
function chain(files: Files, members: readonly Choice[]): Linked {
  const components = members.map(choice => part(files, choice));
  return relinkChain(components, { name: 'chain.o', optimize: false });
}

function part(files: Files, { file, program }: Choice) {
  return { component: fileAt(files, file), program };
}

function fileAt(files: Files, name: string): InputObject {
  const file = files.get(name);
  if (file === undefined) throw bugError([name], 'a file that was not given');
  return file;
}
