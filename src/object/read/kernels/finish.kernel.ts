/** Checks of the whole object. */

import { ATOM_KIND } from '../../../image/codes.ts';
import { ATOM, SHELL, UNIT } from '../../../image/layout.ts';
import { byte, word } from '../../../image/memory.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { READER } from './reader.ts';
import { refuse, state } from './state.kernel.ts';

/** A map in `.maps` is defined by nothing but its type. */
export function requireMapTypes(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1)
    if (word(word(ATOM.kind) + atom) === ATOM_KIND.map && word(word(ATOM.type) + atom) === 0)
      return refuse(OBJECT_FAULT.untypedMap, unit, atom, 0, 0, 0, 0);
  return 1;
}

/** The kernel gets the text of the first variable in `license`, up to its NUL. */
export function requireLicenseText(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(word(ATOM.kind) + atom) !== ATOM_KIND.variable) continue;
    if (word(word(SHELL.name) + word(word(ATOM.shell) + atom)) !== state(READER.license)) continue;
    if (word(word(ATOM.referenceCount) + atom) !== 0)
      return refuse(OBJECT_FAULT.licensePointer, unit, atom, 0, 0, 0, 0);
    return isTerminated(atom) === 1 ? 1 : refuse(OBJECT_FAULT.licenseUnterminated, unit, atom, 0, 0, 0, 0);
  }
  return 1;
}

function isTerminated(atom: number): number {
  const at = word(word(ATOM.at) + atom);
  if (at === 0) return 1;
  const end = at + word(word(ATOM.size) + atom);
  for (let i = at; i < end; i = i + 1) if (byte(i) === 0) return 1;
  return 0;
}
