/** Pinned maps of a re-link: notes about those that were merged, and requests that cannot be met. */

import { elementAt } from '../../bytes/index.ts';
import { type Problem, problem, quote } from '../../diag/index.ts';
import type { BpfObject } from '../../object/index.ts';
import type { PinnedMerge } from '../passes/index.ts';
import { inputName } from '../resolve/index.ts';
import type { RelinkInputs } from './inputs.ts';

/** How `--redefine-sym` names an input of a re-link: without the suffix of copies of a file. */
export function fileNames(inputs: RelinkInputs): (file: number) => string {
  return file => {
    const scope = elementAt(inputs.scopes, file);
    const name = inputName(inputs.objects, file);
    const id = inputs.ids[scope - 1];
    if (file > 0 && file <= inputs.components.length)
      return elementAt(inputs.components, file - 1).component.name;
    return id !== undefined && name.endsWith(`#${id}`) ? name.slice(0, -id.length - 1) : name;
  };
}

/** `--private NAME` of a map that several inputs pin. */
export function privatePins(
  merges: readonly PinnedMerge[],
  objects: readonly BpfObject[],
  names: readonly string[],
): Problem[] {
  const asked = new Set(names);
  return merges
    .filter(({ name }) => asked.has(name))
    .map(({ name, winner, others }) =>
      problem(
        'relink-private-pin',
        [],
        `map ${quote(name)} cannot be private: ${filesOf(objects, [winner, ...others])} pin it, so it is one map`,
        { hint: `give it another name and pin in one of them: --redefine-sym FILE:${name}=NEW` },
      ),
    );
}

/**
 * Maps that are common although copies of a component were to have a state of their own, or all were to be
 * private.
 */
export function pinnedNotes(
  merges: readonly PinnedMerge[],
  { objects, scopes, components, ids }: RelinkInputs,
  isPrivate: boolean,
): string[] {
  return merges.flatMap(({ name, winner, others }) => {
    const owners = [...new Set([winner, ...others].map(({ file }) => elementAt(scopes, file) - 1))];
    const files = owners.map(owner => components[owner]?.component.name);
    const copies = owners.filter(
      (owner, at) => owner >= 0 && files.some((file, other) => other !== at && file === files[at]),
    );
    const sharers = isPrivate
      ? filesOf(objects, [winner, ...others])
      : copies.map(owner => ids[owner]).join(' and ');
    return sharers === '' ? [] : [`map ${quote(name)} is pinned, so ${sharers} share it`];
  });
}

function filesOf(objects: readonly BpfObject[], places: readonly { readonly file: number }[]): string {
  return [...new Set(places.map(({ file }) => inputName(objects, file)))].join(' and ');
}
