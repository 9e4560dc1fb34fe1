/**
 * Legacy map definitions as BTF-defined maps.
 *
 * The rest of rootlet knows maps of `.maps` only, and so does libbpf since 1.0. Each entry of a `maps` section
 * becomes a map of `.maps` with the type that `__uint()` and `__type()` would give; what such a definition
 * cannot express is noted.
 */

import { type Btf, mergeBtf } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { inputError, quote, type RootletError } from '../../diag/index.ts';
import { type ElfFile, SHF_ALLOC, SHF_WRITE, SHT_PROGBITS } from '../../elf/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/index.ts';
import type { SectionIndex } from '../model/index.ts';
import { isLegacyMaps } from './cut-legacy-maps.ts';
import { type AtomDraft, type AtomTable, draftAt } from './draft.ts';
import { type LegacyMap, parseLegacyMap } from './legacy-layouts.ts';
import { LegacyTypes, POINTER_SIZE } from './legacy-types.ts';

/** Types with those of the maps, and what the definitions lost. */
export interface LegacyResult {
  readonly types: Btf | null;
  readonly notes: readonly string[];
}

/** A legacy map of the file. */
interface Entry {
  readonly index: number;
  readonly draft: AtomDraft;
  readonly map: LegacyMap;
  readonly section: string;
}

/** Moves the maps of all legacy sections to `.maps`, and describes them. Throws `object-legacy-maps`. */
export function defineLegacyMaps(elf: ElfFile, table: AtomTable, btf: Btf | null): LegacyResult {
  const entries = readEntries(elf, table);
  const first = entries[0];
  if (first === undefined) return { types: btf, notes: [] };
  const shell = mapsShell(table, first.draft.shell);
  const types = new LegacyTypes(btf);
  const stages = tailCallStages(table);
  const notes: string[] = [];
  for (const entry of entries) table.attempt(() => defineEntry(entry, { entries, stages }, types, notes));
  for (const { draft } of entries) draft.shell = shell;
  return { types: withoutDuplicates(types.build(), table), notes: notes.map(note => `${elf.name}: ${note}`) };
}

/** Each type once, so that writing what was read changes nothing. */
function withoutDuplicates(types: Btf, { drafts }: AtomTable): Btf {
  const merged = mergeBtf([{ btf: types }]);
  const ids = elementAt(merged.ids, 0);
  for (const draft of drafts) {
    draft.btfId = elementAt(ids, draft.btfId);
    draft.coreRecords = draft.coreRecords.map(record => ({ ...record, type: elementAt(ids, record.type) }));
  }
  return merged.btf;
}

function readEntries(elf: ElfFile, table: AtomTable): Entry[] {
  const entries: Entry[] = [];
  for (const section of table.bySection.values()) {
    if (!isLegacyMaps(section)) continue;
    for (const index of section.members) {
      const draft = draftAt(table, index);
      table.attempt(() => {
        const map = parseLegacyMap(draft.bytes ?? new Uint8Array(0), elf.byteOrder);
        if (typeof map === 'string') throw entryError(section.name, draft, map);
        entries.push({ index, draft, map, section: section.name });
      });
    }
  }
  return entries;
}

/** `.maps`, which the first legacy section becomes if there is none. */
function mapsShell({ shells }: AtomTable, first: SectionIndex): SectionIndex {
  const known = shells.findIndex(({ name }) => name === '.maps');
  if (known >= 0) return known;
  const flags = SHF_ALLOC | SHF_WRITE;
  shells[first] = { name: '.maps', type: SHT_PROGBITS, flags, align: POINTER_SIZE, entsize: 0, role: 'maps' };
  return first;
}

/** What a map may hold. */
interface Holdable {
  readonly entries: readonly Entry[];
  readonly stages: readonly TailCallStage[];
}

function defineEntry(entry: Entry, holdable: Holdable, types: LegacyTypes, notes: string[]): void {
  const { entries } = holdable;
  const { draft, map } = entry;
  const { name, btfId } = draft;
  const inner = innerOf(entry, entries);
  const template = inner === null ? null : { name: inner.draft.name, map: inner.map };
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
    variable: btfId,
  });
  draft.btfId = variable;
  draft.size = size + held.length * POINTER_SIZE;
  draft.bytes = new Uint8Array(draft.size);
  held.forEach((one, position) => {
    if (one === undefined) return;
    const offset = size + position * POINTER_SIZE;
    draft.dataReferences.push({ kind: 'address', offset, width: 8, symbol: one.index, addend: 0 });
  });
}

// --- maps of maps -------------------------------------------------------------------------------------------------

/** The map that describes what a map of maps holds; null for other maps. */
function innerOf({ draft, map, section }: Entry, entries: readonly Entry[]): Entry | null {
  const { inner } = map;
  if (inner === null) return null;
  const found =
    'id' in inner
      ? entries.find(other => inner.id !== 0 && other.map.id === inner.id)
      : entries.filter(other => other.section === section)[inner.position];
  const wanted = 'id' in inner ? `the id ${inner.id}` : `the index ${inner.position}`;
  if (found === undefined)
    throw entryError(section, draft, `holds maps like the one with ${wanted}, which does not exist`);
  if (found.map.inner !== null)
    throw entryError(section, draft, `holds maps like ${quote(found.draft.name)}, which holds maps itself`);
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
    return other.map.id !== inner.id || at === null ? [] : [{ at, index: other.index, draft: other.draft }];
  });
  return atIndexes(entry, members, 'maps');
}

/** Something that a map holds: an index into it, and the draft that is there. */
interface Held {
  readonly at: number;
  /** Of the draft. */
  readonly index: number;
  readonly draft: AtomDraft;
}

/** Initial values in the order of their indexes. */
function atIndexes(
  { draft, map, section }: Entry,
  members: readonly Held[],
  what: 'maps' | 'programs',
): (Held | undefined)[] {
  const held: (Held | undefined)[] = [];
  for (const member of members) {
    const { at } = member;
    if (at >= Math.min(map.maxEntries, MOST_INDEXES))
      throw entryError(section, draft, `has no index ${at}, where ${quote(member.draft.name)} is to be`);
    const before = held[at];
    if (before !== undefined) {
      const both = `${quote(before.draft.name)} and ${quote(member.draft.name)}`;
      throw entryError(section, draft, `gets two ${what} at index ${at}: ${both}`);
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

function tailCallStages(table: AtomTable): TailCallStage[] {
  return [...table.bySection.values()].flatMap(({ role, name, members }): TailCallStage[] => {
    const found = STAGE_SECTION.exec(name);
    const index = members[0];
    if (role !== 'code' || found === null || index === undefined) return [];
    const [id = name, at = name] = found.slice(1);
    return [{ id: numberOf(id), at: numberOf(at), index, draft: draftAt(table, index), section: name }];
  });
}

/** A number of C: 0 begins octal, 0x hexadecimal ones. */
function numberOf(digits: string): number {
  return /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
}

/** The programs that iproute2 would put into the map. */
function stagesOf({ draft, map }: Entry, stages: readonly TailCallStage[], notes: string[]): TailCallStage[] {
  if (map.type !== BPF_MAP_TYPE_PROG_ARRAY || map.id === 0) return [];
  const own = stages.filter(stage => stage.id === map.id);
  for (const stage of own) {
    const place = `index ${stage.at} of map ${quote(draft.name)}`;
    notes.push(
      `section ${quote(stage.section)}: program ${quote(stage.draft.name)} is at ${place}, as in iproute2`,
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
function pinningOf({ draft, map }: Entry, notes: string[]): number {
  const { pinning, pinningOf: owner } = map;
  if (pinning === 0) return 0;
  const name = `map ${quote(draft.name)}`;
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

function entryError(section: string, draft: AtomDraft, message: string): RootletError {
  return inputError(
    'object-legacy-maps',
    [`section ${quote(section)}`, `map ${quote(draft.name)}`],
    message,
    {
      offset: draft.offset,
    },
  );
}
