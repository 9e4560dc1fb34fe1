/**
 * Whether an object has what a pass changes or reports. Most objects have nothing of it: then the pass leaves the
 * object alone, and no symbol of it has to be made.
 */

import { ATOM_BINDING, ATOM_KIND } from '../../image/codes.ts';
import { ATOM, NAME, REFERENCE, SHELL, TYPE, UNIT } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { alloc, giveBack } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';

// --- sections -----------------------------------------------------------------------------------------------------

/** Row of the first variable with contents in a section of the name; 0: none. */
export function firstVariable(unit: number, section: number): number {
  if (hasSection(unit, section) === 0) return 0;
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(word(ATOM.kind) + atom) !== ATOM_KIND.variable || word(word(ATOM.at) + atom) === 0) continue;
    if (word(word(SHELL.name) + word(word(ATOM.shell) + atom)) === section) return atom;
  }
  return 0;
}

/** Whether a unit has a section of the name. */
export function hasSection(unit: number, section: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  for (let shell = first; shell < end; shell = shell + 1)
    if (word(word(SHELL.name) + shell) === section) return 1;
  return 0;
}

/** The largest number of variables and maps that a section has. */
export function mostVariables(unit: number): number {
  const count = word(word(UNIT.shellCount) + unit);
  const counts = alloc(count << 2) >> 2;
  const shells = word(word(UNIT.shells) + unit);
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  let most = 0;
  for (let atom = first; atom < end; atom = atom + 1) {
    const kind = word(word(ATOM.kind) + atom);
    if (kind !== ATOM_KIND.variable && kind !== ATOM_KIND.map) continue;
    const at = counts + word(word(ATOM.shell) + atom) - shells;
    setWord(at, word(at) + 1);
    if (word(at) > most) most = word(at);
  }
  giveBack(counts << 2);
  return most;
}

// --- functions ----------------------------------------------------------------------------------------------------

/** Whether a function may have to move to `.text`: it is static elsewhere, or in `.text.NAME`. `text`: NAME of `.text`. */
export function hasStrayFunction(unit: number, text: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(word(ATOM.kind) + atom) !== ATOM_KIND.function) continue;
    const section = word(word(SHELL.name) + word(word(ATOM.shell) + atom));
    if (section === text) continue;
    if (word(word(ATOM.binding) + atom) === ATOM_BINDING.local || isPartOfText(section, text) === 1) return 1;
  }
  return 0;
}

/** Whether a name is `.text` and a dot with more after it. */
function isPartOfText(name: number, text: number): number {
  const size = word(word(NAME.size) + text);
  if (word(word(NAME.size) + name) <= size) return 0;
  const left = word(word(NAME.at) + name);
  const right = word(word(NAME.at) + text);
  for (let at = 0; at < size; at = at + 1) if (byte(left + at) !== byte(right + at)) return 0;
  return byte(left + size) === 46 ? 1 : 0;
}

/** Whether functions may lack types or lines that others have, or that callbacks need. */
export function lacksFunctionTypes(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  let typed = 0;
  let untyped = 0;
  let lined = 0;
  let unlined = 0;
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(word(ATOM.kind) + atom) !== ATOM_KIND.function) continue;
    if (word(word(ATOM.type) + atom) === 0) untyped = untyped + 1;
    else typed = typed + 1;
    if (word(word(ATOM.lineCount) + atom) === 0) unlined = unlined + 1;
    else lined = lined + 1;
  }
  if (typed === 0 && handsOutFunctions(first, end) === 0) return 0;
  return untyped !== 0 || (lined !== 0 && unlined !== 0) ? 1 : 0;
}

function handsOutFunctions(first: number, end: number): number {
  const kinds = word(ATOM.kind);
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(kinds + atom) !== ATOM_KIND.function) continue;
    const from = word(word(ATOM.references) + atom);
    const to = from + word(word(ATOM.referenceCount) + atom);
    for (let reference = from; reference < to; reference = reference + 1) {
      if (word(word(REFERENCE.kind) + reference) !== 1) continue;
      if (word(kinds + word(word(REFERENCE.atom) + reference)) === ATOM_KIND.function) return 1;
    }
  }
  return 0;
}

// --- names --------------------------------------------------------------------------------------------------------

/** Whether a static function or map has the name of another one, or of anything that is not static. */
export function hasNamesake(unit: number): number {
  const seen = alloc(word(NAME.count) << 2) >> 2;
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const names = word(ATOM.name);
  let found = 0;
  for (let atom = first; atom < end; atom = atom + 1)
    if (word(word(ATOM.binding) + atom) !== ATOM_BINDING.local) setWord(seen + word(names + atom), 1);
  for (let atom = first; atom < end && found === 0; atom = atom + 1) {
    const kind = word(word(ATOM.kind) + atom);
    if (word(word(ATOM.binding) + atom) !== ATOM_BINDING.local || word(names + atom) === 0) continue;
    if (kind !== ATOM_KIND.function && kind !== ATOM_KIND.map) continue;
    found = word(seen + word(names + atom));
    setWord(seen + word(names + atom), 1);
  }
  giveBack(seen << 2);
  return found;
}

// --- types --------------------------------------------------------------------------------------------------------

/** Whether a map may be pinned: its definition has a member of this NAME, or is not a struct. */
export function hasMapMember(unit: number, name: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1)
    if (word(word(ATOM.kind) + atom) === ATOM_KIND.map && mayHaveMember(unit, atom, name) === 1) return 1;
  return 0;
}

function mayHaveMember(unit: number, map: number, name: number): number {
  const struct = definitionOf(unit, map);
  if (struct === 0) return 1;
  const start = word(word(TYPE.start) + struct);
  const count = word(start + 1) & 0xffff;
  const strings = word(word(UNIT.strings) + unit);
  const end = start + 3 + count + count + count;
  for (let member = start + 3; member < end; member = member + 3)
    if (isText(strings + word(member), word(word(NAME.at) + name)) === 1) return 1;
  return 0;
}

/** Row of the struct that defines a map; 0: it is another type. */
function definitionOf(unit: number, map: number): number {
  const types = word(word(UNIT.types) + unit);
  let type = word(word(ATOM.type) + map);
  for (let step = 0; step < 32 && type !== 0; step = step + 1) {
    const start = word(word(TYPE.start) + types + type);
    const kind = (word(start + 1) >>> 24) & 31;
    if (kind === BTF_KIND.STRUCT) return types + type;
    if (kind !== BTF_KIND.VAR && isModifier(kind) === 0) return 0;
    type = word(start + 2);
  }
  return 0;
}

function isModifier(kind: number): number {
  if (kind === BTF_KIND.TYPEDEF || kind === BTF_KIND.CONST || kind === BTF_KIND.VOLATILE) return 1;
  return kind === BTF_KIND.RESTRICT || kind === BTF_KIND.TYPE_TAG ? 1 : 0;
}

function isText(left: number, right: number): number {
  let at = 0;
  while (byte(left + at) !== 0 && byte(left + at) === byte(right + at)) at = at + 1;
  return byte(left + at) === byte(right + at) ? 1 : 0;
}

/** Whether a declaration tag of the unit may begin with the text of a NAME. */
export function hasTag(unit: number, prefix: number): number {
  const types = word(word(UNIT.types) + unit);
  const end = types + word(word(UNIT.typeCount) + unit);
  const strings = word(word(UNIT.strings) + unit);
  const text = word(word(NAME.at) + prefix);
  const size = word(word(NAME.size) + prefix);
  for (let row = types + 1; row <= end; row = row + 1) {
    const start = word(word(TYPE.start) + row);
    if (((word(start + 1) >>> 24) & 31) !== BTF_KIND.DECL_TAG) continue;
    let at = 0;
    while (at < size && byte(strings + word(start) + at) === byte(text + at)) at = at + 1;
    if (at === size) return 1;
  }
  return 0;
}
