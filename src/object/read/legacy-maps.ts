/**
 * Legacy map definitions as BTF-defined maps.
 *
 * The rest of rootlet knows maps of `.maps` only, and so does libbpf since 1.0. Each entry of a `maps` section
 * becomes a map of `.maps` with the type that `__uint()` and `__type()` would give; what such a definition
 * cannot express is noted.
 */

import { type Btf, btfOf, mergeBtf } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { inputError, quote, type RootletError } from '../../diag/index.ts';
import { SHF_ALLOC, SHF_WRITE, SHT_PROGBITS } from '../../elf/index.ts';
import { ATOM, type Image, RECORD, REFERENCE_KIND, SHELL, UNIT } from '../../image/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/index.ts';
import { type AtomRow, atomRows, type NewReference, setName } from './atom-rows.ts';
import { isLegacyMaps } from './cut-legacy-maps.ts';
import { type LegacyMap, parseLegacyMap } from './legacy-layouts.ts';
import { LegacyTypes, POINTER_SIZE } from './legacy-types.ts';
import type { Reading } from './reading.ts';
import { setTypes } from './set-types.ts';

/** A legacy map of the file. */
interface Entry {
  readonly atom: AtomRow;
  readonly map: LegacyMap;
  readonly section: string;
}

/**
 * Moves the maps of all legacy sections to `.maps`, and describes them; returns what the definitions lost. Throws
 * `object-legacy-maps`.
 */
export function defineLegacyMaps(reading: Reading): readonly string[] {
  const { image, unit } = reading;
  const entries = readEntries(reading);
  const first = entries[0];
  if (first === undefined) return [];
  const shell = mapsShell(image, unit, first.atom.get(ATOM.shell));
  const types = new LegacyTypes(image.get(UNIT.typed, unit) === 1 ? btfOf(image, unit) : null);
  const stages = tailCallStages(image, unit);
  const notes: string[] = [];
  for (const entry of entries) reading.attempt(() => defineEntry(entry, { entries, stages }, types, notes));
  for (const { atom } of entries) atom.set(ATOM.shell, shell);
  setTypes(image, unit, withoutDuplicates(image, unit, types.build()));
  return notes;
}

/** Each type once, so that writing what was read changes nothing. */
function withoutDuplicates(image: Image, unit: number, types: Btf): Btf {
  const merged = mergeBtf([{ btf: types }]);
  const ids = elementAt(merged.ids, 0);
  for (const atom of atomRows(image, unit)) {
    atom.type = elementAt(ids, atom.type);
    if (atom.owner !== undefined) continue; // it shares its records
    const records = atom.get(ATOM.records);
    for (let row = records; row < records + atom.get(ATOM.recordCount); row++)
      image.set(RECORD.type, row, elementAt(ids, image.get(RECORD.type, row)));
  }
  return merged.btf;
}

function readEntries(reading: Reading): Entry[] {
  const { image, unit } = reading;
  const entries: Entry[] = [];
  const order = image.get(UNIT.order, unit) === 1 ? 'big' : 'little';
  for (const atom of atomRows(image, unit)) {
    const section = atom.isMap ? atom.sectionName : '';
    if (!isLegacyMaps(section)) continue;
    reading.attempt(() => {
      const map = parseLegacyMap(atom.bytes, order);
      if (typeof map === 'string') throw entryError(section, atom, map);
      entries.push({ atom, map, section });
    });
  }
  return entries;
}

/** Row of SHELL of `.maps`, which the first legacy section becomes if there is none. */
function mapsShell(image: Image, unit: number, first: number): number {
  const shells = image.get(UNIT.shells, unit);
  for (let row = shells; row < shells + image.get(UNIT.shellCount, unit); row++)
    if (image.nameText(image.get(SHELL.name, row)) === '.maps') return row;
  setName(image, SHELL.name, first, '.maps');
  image.set(SHELL.type, first, SHT_PROGBITS);
  image.set(SHELL.flags, first, SHF_ALLOC | SHF_WRITE);
  image.set(SHELL.align, first, POINTER_SIZE);
  image.set(SHELL.entsize, first, 0);
  image.set(SHELL.entsizeHigh, first, 0);
  return first;
}

/** What a map may hold. */
interface Holdable {
  readonly entries: readonly Entry[];
  readonly stages: readonly TailCallStage[];
}

function defineEntry(entry: Entry, holdable: Holdable, types: LegacyTypes, notes: string[]): void {
  const { entries } = holdable;
  const { atom, map } = entry;
  const { name } = atom;
  const inner = innerOf(entry, entries);
  const template = inner === null ? null : { name: inner.atom.name, map: inner.map };
  const stages = inner === null ? stagesOf(entry, holdable.stages, notes) : [];
  const held = inner === null ? atIndexes(entry, stages, 'programs') : heldBy(entry, entries);
  const pinning = pinningOf(entry, notes);
  const holdsPrograms = stages.length > 0;
  const { variable, size } = types.define({
    name,
    map,
    pinning,
    inner: template,
    holdsPrograms,
    variable: atom.type,
  });
  atom.type = variable;
  atom.clear(size + held.length * POINTER_SIZE);
  const references = held.flatMap((one, position): NewReference[] =>
    one === undefined
      ? []
      : [{ kind: REFERENCE_KIND.dataWide, place: size + position * POINTER_SIZE, atom: one.atom, addend: 0 }],
  );
  atom.setReferences(references);
}

// --- maps of maps -------------------------------------------------------------------------------------------------

/** The map that describes what a map of maps holds; null for other maps. */
function innerOf({ atom, map, section }: Entry, entries: readonly Entry[]): Entry | null {
  const { inner } = map;
  if (inner === null) return null;
  const found =
    'id' in inner
      ? entries.find(other => inner.id !== 0 && other.map.id === inner.id)
      : entries.filter(other => other.section === section)[inner.position];
  const wanted = 'id' in inner ? `the id ${inner.id}` : `the index ${inner.position}`;
  if (found === undefined)
    throw entryError(section, atom, `holds maps like the one with ${wanted}, which does not exist`);
  if (found.map.inner !== null)
    throw entryError(section, atom, `holds maps like ${quote(found.atom.name)}, which holds maps itself`);
  return found;
}

/** More initial values would take more room than any map of maps has. */
const MOST_INDEXES = 0x10000;

/** Initial values by index: maps of that id which have an index. */
function heldBy(entry: Entry, entries: readonly Entry[]): (Held | undefined)[] {
  const { inner } = entry.map;
  if (inner === null || !('id' in inner)) return [];
  const members = entries.flatMap(other => {
    const at = other.map.indexInOuter;
    return other.map.id !== inner.id || at === null ? [] : [{ at, atom: other.atom }];
  });
  return atIndexes(entry, members, 'maps');
}

/** Something that a map holds: an index into it, and the atom that is there. */
interface Held {
  readonly at: number;
  readonly atom: AtomRow;
}

/** Initial values in the order of their indexes. */
function atIndexes(
  { atom, map, section }: Entry,
  members: readonly Held[],
  what: 'maps' | 'programs',
): (Held | undefined)[] {
  const held: (Held | undefined)[] = [];
  for (const member of members) {
    const { at } = member;
    if (at >= Math.min(map.maxEntries, MOST_INDEXES))
      throw entryError(section, atom, `has no index ${at}, where ${quote(member.atom.name)} is to be`);
    const before = held[at];
    if (before !== undefined) {
      const both = `${quote(before.atom.name)} and ${quote(member.atom.name)}`;
      throw entryError(section, atom, `gets two ${what} at index ${at}: ${both}`);
    }
    while (held.length < at) held.push(undefined);
    held[at] = member;
  }
  return held;
}

// --- tail calls ---------------------------------------------------------------------------------------------------

/** A program in a section `ID/INDEX` of iproute2, which puts it into the program array of that id. */
interface TailCallStage extends Held {
  readonly id: number;
  readonly section: string;
}

/** As `sscanf("%i/%i")` of iproute2 reads the names of sections, without signs. */
const STAGE_SECTION = /^(0[xX][0-9a-fA-F]+|\d+)\/(0[xX][0-9a-fA-F]+|\d+)$/;

/** The first function of each section of such a name. */
function tailCallStages(image: Image, unit: number): TailCallStage[] {
  const seen = new Set<string>();
  return atomRows(image, unit).flatMap((atom): TailCallStage[] => {
    const section = atom.isFunction ? atom.sectionName : '';
    const found = seen.has(section) ? null : STAGE_SECTION.exec(section);
    seen.add(section);
    if (found === null) return [];
    const [id = section, at = section] = found.slice(1);
    return [{ id: numberOf(id), at: numberOf(at), atom, section }];
  });
}

/** A number of C: 0 begins octal, 0x hexadecimal ones. */
function numberOf(digits: string): number {
  return /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
}

/** The programs that iproute2 would put into the map. */
function stagesOf({ atom, map }: Entry, stages: readonly TailCallStage[], notes: string[]): TailCallStage[] {
  if (map.type !== BPF_MAP_TYPE_PROG_ARRAY || map.id === 0) return [];
  const own = stages.filter(stage => stage.id === map.id);
  for (const stage of own) {
    const place = `index ${stage.at} of map ${quote(atom.name)}`;
    notes.push(
      `section ${quote(stage.section)}: program ${quote(stage.atom.name)} is at ${place}, as in iproute2`,
    );
  }
  return own;
}

// --- pins ---------------------------------------------------------------------------------------------------------

const PIN_BY_NAME = 1;
/** Of iproute2 and gobpf: below a directory of the object, and of all objects. */
const PIN_OBJECT = 1;
const PIN_GLOBAL = 2;

/** The kind of pin that a BTF definition gives; `notes` gets what differs. */
function pinningOf({ atom, map }: Entry, notes: string[]): number {
  const { pinning, pinningOf: owner } = map;
  if (pinning === 0) return 0;
  const name = `map ${quote(atom.name)}`;
  if (owner === 'aya' && pinning === PIN_BY_NAME) {
    notes.push(
      `${name}: pinning 1 is read as by name, as aya writes it; iproute2 means its object's directory`,
    );
    return PIN_BY_NAME;
  }
  if (pinning === PIN_GLOBAL) {
    notes.push(
      `${name}: PIN_GLOBAL_NS is read as pinned by name; tc pins such maps in /sys/fs/bpf/tc/globals`,
    );
    return PIN_BY_NAME;
  }
  const kind = pinning === PIN_OBJECT ? 'PIN_OBJECT_NS' : `kind of pinning ${pinning}`;
  notes.push(`${name}: ${kind} is not supported, so the map is not pinned`);
  return 0;
}

function entryError(section: string, atom: AtomRow, message: string): RootletError {
  return inputError('object-legacy-maps', [`section ${quote(section)}`, `map ${quote(atom.name)}`], message, {
    offset: atom.offset,
  });
}
