/**
 * Types and records of the file that a unit becomes.
 *
 * DATASECs are regenerated from where atoms are: one for each section with described variables, entries in order of
 * offset, the section's real size; and one of size 0 for each section that only lists externs (`.ksyms`, `.kconfig`,
 * an extern-only `.maps`). Entries of externs in a section that also has definitions come last, at offset 0, as
 * compilers write them.
 */

import {
  beginBlock,
  beginRecords,
  beginTypes,
  endBlock,
  endRun,
  putFunction,
  putLines,
  putRelocation,
  putTypes,
} from '../../btf/binary/encode.kernel.ts';
import { putString } from '../../btf/merge/strings.kernel.ts';
import { ATOM_KIND } from '../../image/codes.ts';
import { ATOM, NAME, RECORD, SHELL, TYPE, TYPE_OUTPUT, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { alloc, fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { CORE_RELO_SIZE, FUNC_INFO_SIZE, LINE_INFO_SIZE } from '../../uapi/sizes.ts';
import { typeOf } from './contents.kernel.ts';
import { WRITE_FAULT } from './faults.ts';

const MAX_VARIABLES = 0xffffff;

/**
 * 1: the types of a unit have to be merged before they are written: there are DATASECs among them, or there will be,
 * and then what is read again is merged. So writing once more changes nothing.
 */
export function needsMerging(unit: number): number {
  if (word(word(UNIT.merged) + unit) === 1) return 0;
  return hasDataSections(unit) === 1 || countTyped(unit) !== 0 ? 1 : 0;
}

/** 1 if the unit has the types of all its symbols; else a fault: merging has a place for no others. */
export function checkAtomTypes(unit: number): number {
  const types = word(ATOM.type);
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const last = word(word(UNIT.typeCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1) {
    const type = word(types + atom);
    if (type < 0 || type > last) return fault(WRITE_FAULT.typeId, unit, atom, type);
  }
  return 1;
}

function hasDataSections(unit: number): number {
  const types = word(word(UNIT.types) + unit);
  const end = types + word(word(UNIT.typeCount) + unit);
  const starts = word(TYPE.start);
  for (let type = types + 1; type <= end; type = type + 1)
    if (((word(word(starts + type) + 1) >>> 24) & 0x7f) === BTF_KIND.DATASEC) return 1;
  return 0;
}

/**
 * Types and records of a unit that is laid out: a row of TYPE_OUTPUT; 0 with a fault. `types` is the unit whose types
 * are written (see `typeOf`), without DATASECs; `strings` a new row of UNIT; `ksyms` the NAME of `.ksyms`.
 */
export function encodeTypes(unit: number, types: number, strings: number, ksyms: number): number {
  const shells = word(word(UNIT.shellCount) + unit);
  const variables = countTyped(unit);
  const words = word(word(UNIT.wordCount) + types);
  const size = word(word(UNIT.stringSize) + types);
  const output = beginTypes(strings, size, words + Math.imul(shells + (variables << 1), 3));
  putTypes(output, types);
  if (putDataSections(output, unit, types, ksyms) === 0) return 0;
  putRecords(output, unit, types);
  return output;
}

/** Symbols with a type that are not functions. */
function countTyped(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const kinds = word(ATOM.kind);
  const types = word(ATOM.type);
  let count = 0;
  for (let atom = first; atom < end; atom = atom + 1)
    if (word(kinds + atom) !== ATOM_KIND.function && word(types + atom) !== 0) count = count + 1;
  return count;
}

// --- data sections ------------------------------------------------------------------------------------------------

/** Appends all DATASECs; 0 with a fault. */
function putDataSections(output: number, unit: number, types: number, ksyms: number): number {
  const atoms = word(word(UNIT.atoms) + unit);
  const end = atoms + word(word(UNIT.atomCount) + unit);
  const heads = alloc(word(NAME.count) << 2) >> 2;
  const nexts = (alloc((end - atoms) << 2) >> 2) - atoms;
  for (let atom = end - 1; atom >= atoms; atom = atom - 1) {
    if (isListed(atom) === 0) continue;
    const head = heads + word(word(ATOM.section) + atom);
    setWord(nexts + atom, word(head));
    setWord(head, atom);
  }
  const first = word(word(UNIT.shells) + unit);
  const last = first + word(word(UNIT.shellCount) + unit);
  for (let shell = first; shell < last; shell = shell + 1) {
    const name = word(word(SHELL.name) + shell);
    if (putDataSection(output, unit, types, name, shell, word(heads + name), nexts, ksyms) === 0) return 0;
    setWord(heads + name, 0);
  }
  for (let atom = atoms; atom < end; atom = atom + 1) {
    const name = word(word(ATOM.section) + atom);
    if (isListed(atom) === 0 || word(heads + name) === 0) continue;
    if (putDataSection(output, unit, types, name, 0, word(heads + name), nexts, ksyms) === 0) return 0;
    setWord(heads + name, 0);
  }
  return 1;
}

/** 1: an extern that a DATASEC lists. */
function isListed(atom: number): number {
  if (word(word(ATOM.kind) + atom) !== ATOM_KIND.extern) return 0;
  return word(word(ATOM.section) + atom) !== 0 && word(word(ATOM.type) + atom) !== 0 ? 1 : 0;
}

/** Appends the DATASEC of a section with the variables in `shell` and a chain of externs, if there are any. */
function putDataSection(
  output: number,
  unit: number,
  types: number,
  name: number,
  shell: number,
  externs: number,
  nexts: number,
  ksyms: number,
): number {
  const first = word(word(TYPE_OUTPUT.words) + output) + word(word(TYPE_OUTPUT.wordCount) + output);
  let end = first + 3;
  if (shell !== 0) end = putVariables(unit, types, shell, end, ksyms);
  for (let atom = externs; atom !== 0 && end !== 0; atom = word(nexts + atom))
    end = putVariable(unit, types, atom, name, end, 0, ksyms);
  if (end === 0) return 0;
  if (end === first + 3) return 1;
  return putDataHeader(output, unit, name, first, end, shell);
}

function putDataHeader(
  output: number,
  unit: number,
  name: number,
  first: number,
  end: number,
  shell: number,
): number {
  let count = 0;
  for (let at = first + 3; at < end; at = at + 3) count = count + 1;
  if (count > MAX_VARIABLES) return fault(WRITE_FAULT.variableCount, unit, name, count);
  setWord(first, putString(name));
  setWord(first + 1, (BTF_KIND.DATASEC << 24) | count);
  setWord(first + 2, shell === 0 ? 0 : word(word(SHELL.size) + shell));
  const words = word(TYPE_OUTPUT.wordCount) + output;
  setWord(words, word(words) + end - first);
  return 1;
}

/** Writes an entry for each described variable of a section; returns the word after the last, 0 with a fault. */
function putVariables(unit: number, types: number, shell: number, at: number, ksyms: number): number {
  const members = word(word(SHELL.members) + shell);
  const last = members + word(word(SHELL.memberCount) + shell);
  const name = word(word(SHELL.name) + shell);
  let end = at;
  for (let member = members; member < last; member = member + 1) {
    const atom = word(member);
    if (word(word(ATOM.kind) + atom) === ATOM_KIND.function || word(word(ATOM.type) + atom) === 0) continue;
    end = putVariable(unit, types, atom, name, end, word(word(ATOM.place) + atom), ksyms);
    if (end === 0) return 0;
  }
  return end;
}

function putVariable(
  unit: number,
  types: number,
  atom: number,
  section: number,
  at: number,
  place: number,
  ksyms: number,
): number {
  if (section === 0) return fault(WRITE_FAULT.sectionName, unit, atom, 0);
  const type = typeOf(unit, word(word(ATOM.type) + atom), types);
  if (type < 1 || type > word(word(UNIT.typeCount) + types))
    return fault(WRITE_FAULT.typeId, unit, atom, type);
  const kind = (word(word(word(TYPE.start) + word(word(UNIT.types) + types) + type) + 1) >>> 24) & 0x7f;
  if (kind !== BTF_KIND.VAR && !(kind === BTF_KIND.FUNC && section === ksyms))
    return fault(WRITE_FAULT.variableKind, unit, section, type);
  setWord(at, type);
  setWord(at + 1, place);
  setWord(at + 2, word(word(ATOM.size) + atom));
  return at + 3;
}

// --- records ------------------------------------------------------------------------------------------------------

/** Which records are written. */
const FUNCTIONS = 0;
const LINES = 1;
const RELOCATIONS = 2;

/** Function information, lines and CO-RE relocations, by section and in order of offset, as `.BTF.ext` requires. */
function putRecords(output: number, unit: number, types: number): number {
  const first = chainSections(unit);
  makeRoom(output, unit);
  beginBlock(output, FUNC_INFO_SIZE);
  putBlock(output, unit, types, first, FUNCTIONS);
  endBlock(output, TYPE_OUTPUT.functions);
  beginBlock(output, LINE_INFO_SIZE);
  putBlock(output, unit, types, first, LINES);
  endBlock(output, TYPE_OUTPUT.lines);
  beginBlock(output, CORE_RELO_SIZE);
  putBlock(output, unit, types, first, RELOCATIONS);
  return endBlock(output, TYPE_OUTPUT.relocations);
}

/**
 * Chains sections of one name: records name their section. Returns the word index of the first section by NAME.
 */
function chainSections(unit: number): number {
  const first = word(word(UNIT.shells) + unit);
  const heads = alloc(word(NAME.count) << 2) >> 2;
  for (let shell = first + word(word(UNIT.shellCount) + unit) - 1; shell >= first; shell = shell - 1) {
    const head = heads + word(word(SHELL.name) + shell);
    setWord(word(SHELL.next) + shell, word(head));
    setWord(head, shell);
  }
  return heads;
}

function makeRoom(output: number, unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const lineCounts = word(ATOM.lineCount);
  const recordCounts = word(ATOM.recordCount);
  let lines = 0;
  let records = 0;
  for (let atom = first; atom < end; atom = atom + 1) {
    lines = lines + word(lineCounts + atom);
    records = records + word(recordCounts + atom);
  }
  return beginRecords(output, word(word(UNIT.shellCount) + unit), end - first, lines, records);
}

function putBlock(output: number, unit: number, types: number, heads: number, which: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  for (let shell = first; shell < end; shell = shell + 1) {
    if (word(heads + word(word(SHELL.name) + shell)) !== shell) continue;
    for (let same = shell; same !== 0; same = word(word(SHELL.next) + same))
      putRun(output, unit, types, same, which);
    endRun(output);
  }
  return end;
}

/** Adds the records of all functions of a section. */
function putRun(output: number, unit: number, types: number, shell: number, which: number): number {
  const members = word(word(SHELL.members) + shell);
  const end = members + word(word(SHELL.memberCount) + shell);
  const name = word(word(SHELL.name) + shell);
  for (let member = members; member < end; member = member + 1) {
    const atom = word(member);
    if (word(word(ATOM.kind) + atom) !== ATOM_KIND.function) continue;
    if (which === FUNCTIONS) putType(output, unit, types, atom, name);
    else if (which === LINES) putAtomLines(output, atom, name);
    else putAtomRelocations(output, unit, types, atom, name);
  }
  return end;
}

function putType(output: number, unit: number, types: number, atom: number, section: number): number {
  const type = word(word(ATOM.type) + atom);
  if (type === 0) return 0;
  return putFunction(output, section, word(word(ATOM.place) + atom), typeOf(unit, type, types));
}

function putAtomLines(output: number, atom: number, section: number): number {
  const count = word(word(ATOM.lineCount) + atom);
  if (count === 0) return 0;
  const shift = word(word(ATOM.place) + atom) - word(word(ATOM.lineBase) + atom);
  return putLines(
    output,
    section,
    word(word(ATOM.lines) + atom),
    count,
    shift,
    word(word(ATOM.source) + atom),
  );
}

function putAtomRelocations(
  output: number,
  unit: number,
  types: number,
  atom: number,
  section: number,
): number {
  const first = word(word(ATOM.records) + atom);
  const end = first + word(word(ATOM.recordCount) + atom);
  const source = word(word(ATOM.source) + atom);
  const place = word(word(ATOM.place) + atom);
  for (let record = first; record < end; record = record + 1) {
    const offset = place + (word(word(RECORD.place) + record) << 3);
    const type = typeOf(unit, word(word(RECORD.type) + record), types);
    const access = word(word(RECORD.access) + record);
    putRelocation(output, section, offset, type, source, access, word(word(RECORD.kind) + record));
  }
  return end;
}
