/** Externs that got a definition of another input: which file needed what, and which file gave it. */

import type { BpfObject } from '../../object/index.ts';
import {
  type ExplicitBinding,
  inputName,
  type Resolution,
  type SymbolAt,
  symbolAt,
} from '../resolve/index.ts';

/** In the order of names, then those that were bound explicitly. */
export function boundExternsOf(
  objects: readonly BpfObject[],
  resolution: Resolution,
  explicit: readonly ExplicitBinding[],
) {
  const byName = resolution.groups.flatMap(({ defined, winner, externs }) =>
    defined ? externs.map(at => describe(objects, at, winner, 'name')) : [],
  );
  const requested = explicit.map(({ loser, winner }) => describe(objects, loser, winner, 'explicit'));
  return [...byName, ...requested].filter(({ file, winner }) => file !== winner);
}

function describe(
  objects: readonly BpfObject[],
  extern: SymbolAt,
  winner: SymbolAt,
  by: 'name' | 'explicit',
) {
  const definition = symbolAt(objects, winner);
  return {
    name: symbolAt(objects, extern).name,
    kind: definition.kind,
    file: inputName(objects, extern.file),
    definition: definition.name,
    winner: inputName(objects, winner.file),
    by,
  };
}
