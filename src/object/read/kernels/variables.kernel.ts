/** Types of the variables and maps of one section, by the DATASECs of its name. */

import { ATOM_BINDING } from '../../../image/codes.ts';
import { ATOM, NAME, SECTION } from '../../../image/layout.ts';
import { byte, setWord, word } from '../../../image/memory.ts';
import { sortRows } from '../../../image/sort.kernel.ts';
import { BTF_KIND } from '../../../uapi/btf.ts';
import { endOfAtoms, firstAtom } from './atoms.kernel.ts';
import { firstOf, kindOf, linkageOf, nextOf, onlyOf, wordsOfType } from './names.kernel.ts';
import { READER } from './reader.ts';
import { room, setState, state } from './state.kernel.ts';

const TOP = 1 << 31;
const ENTRY_WORDS = 3;

export function attachVariables(unit: number, section: number): number {
  const name = word(word(SECTION.name) + section);
  const statics = listEntries(unit, name);
  const end = endOfAtoms(section);
  let next = 0;
  for (let atom = firstAtom(section); atom < end; atom = atom + 1) {
    if (word(word(ATOM.owner) + atom) !== 0 || word(word(ATOM.name) + atom) === 0) continue;
    if (word(word(ATOM.binding) + atom) === ATOM_BINDING.local) {
      next = staticFrom(next, statics, word(word(ATOM.offset) + atom));
      setWord(word(ATOM.type) + atom, staticType(atom, next, statics));
    } else setWord(word(ATOM.type) + atom, globalType(unit, word(word(ATOM.name) + atom)));
    if (word(word(ATOM.size) + atom) === 0 && word(word(ATOM.type) + atom) !== 0)
      setState(READER.empty, state(READER.empty) + 1);
  }
  forgetEntries(unit, name);
  return end;
}

/**
 * Notes what the DATASECs of a name list: static variables by offset in READER.statics, of others the first of a name in
 * NAME.entry. Returns the number of static ones.
 */
function listEntries(unit: number, section: number): number {
  let statics = 0;
  for (let id = firstOf(section); id !== 0; id = nextOf(id)) {
    if (kindOf(unit, id) !== BTF_KIND.DATASEC) continue;
    const start = wordsOfType(unit, id);
    const end = start + 3 + Math.imul(word(start + 1) & 0xffff, ENTRY_WORDS);
    for (let entry = start + 3; entry < end; entry = entry + ENTRY_WORDS) {
      const member = word(entry);
      if (kindOf(unit, member) === BTF_KIND.VAR && linkageOf(unit, member) === 0) {
        addStatic(statics, member, word(entry + 1));
        statics = statics + 1;
      } else if (word(word(NAME.entry) + word(state(READER.names) + member)) === 0)
        setWord(word(NAME.entry) + word(state(READER.names) + member), member);
    }
  }
  sortRows(state(READER.staticOrder), statics, state(READER.staticOffsets));
  return statics;
}

/** Buffers keep their contents only while they have room. */
function addStatic(count: number, id: number, offset: number): number {
  const at = grown(READER.statics, count);
  setWord(at + count, id);
  setWord(grown(READER.staticOffsets, count) + count, offset ^ TOP);
  setWord(grown(READER.staticOrder, count) + count, count);
  return at;
}

/** A buffer of `count` words with room for one more. */
function grown(buffer: number, count: number): number {
  const before = state(buffer);
  const at = room(buffer, count + 1);
  if (at !== before) for (let i = 0; i < count; i = i + 1) setWord(at + i, word(before + i));
  return at;
}

function forgetEntries(unit: number, section: number): number {
  for (let id = firstOf(section); id !== 0; id = nextOf(id)) {
    if (kindOf(unit, id) !== BTF_KIND.DATASEC) continue;
    const start = wordsOfType(unit, id);
    const end = start + 3 + Math.imul(word(start + 1) & 0xffff, ENTRY_WORDS);
    for (let entry = start + 3; entry < end; entry = entry + ENTRY_WORDS)
      setWord(word(NAME.entry) + word(state(READER.names) + word(entry)), 0);
  }
  return section;
}

function globalType(unit: number, name: number): number {
  const listed = word(word(NAME.entry) + name);
  return listed === 0 ? onlyOf(unit, name, BTF_KIND.VAR, 0) : listed;
}

/** Position in READER.staticOrder, from `next` on, of the first variable at an offset or after it. */
function staticFrom(next: number, count: number, offset: number): number {
  while (next < count && staticOffset(next) >>> 0 < offset >>> 0) next = next + 1;
  return next;
}

function staticOffset(position: number): number {
  return word(state(READER.staticOffsets) + word(state(READER.staticOrder) + position)) ^ TOP;
}

/** The first static variable at the atom's offset that has its name. */
function staticType(atom: number, next: number, count: number): number {
  const offset = word(word(ATOM.offset) + atom);
  for (let at = next; at < count && staticOffset(at) === offset; at = at + 1) {
    const id = word(state(READER.statics) + word(state(READER.staticOrder) + at));
    if (isNameOf(word(state(READER.names) + id), word(word(ATOM.name) + atom)) === 1) return id;
  }
  return 0;
}

/** GCC numbers variables of functions: `count.0`. */
function isNameOf(variable: number, symbol: number): number {
  if (variable === symbol) return 1;
  const size = word(word(NAME.size) + variable);
  if (size >= word(word(NAME.size) + symbol)) return 0;
  const left = word(word(NAME.at) + variable);
  const right = word(word(NAME.at) + symbol);
  for (let i = 0; i < size; i = i + 1) if (byte(left + i) !== byte(right + i)) return 0;
  return byte(right + size) === 46 ? 1 : 0; // a dot
}
