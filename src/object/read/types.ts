/**
 * BTF ids for atoms, and `.BTF.ext` records for functions.
 *
 * A defined function takes the FUNC that func_info names at its start; only this distinguishes two static
 * functions of one name. Variables are found in the DATASEC of their section: global ones by name (compilers
 * leave their offset to be filled in later), static ones by offset and name. Externs are found by name,
 * preferring one that a DATASEC lists: that DATASEC (`.ksyms`, `.kconfig`, `.maps`, …) determines the kind of
 * extern.
 *
 * Records are sorted by offset once and passed to atoms in order.
 */

import {
  type BtfExt,
  type BtfId,
  forEachVariable,
  type PackedLines,
  type ParsedExt,
  type RawBtf,
  sizeOfType,
} from '../../btf/index.ts';
import { elementAt, noElement } from '../../bytes/index.ts';
import { inputError, quote } from '../../diag/index.ts';
import { BTF_KIND, INSN_SIZE } from '../../uapi/index.ts';
import { type AtomDraft, type AtomTable, draftAt, type SectionAtoms } from './draft.ts';

/** Where old compilers (clang before 13) listed plain externs; it means no section at all. */
const PLAIN_EXTERN_SECTION = '.extern';

interface NameIndex {
  readonly functions: Map<string, BtfId[]>;
  readonly variables: Map<string, BtfId[]>;
  readonly dataSections: Map<string, SectionTypes>;
  /** VAR or FUNC id → name of the DATASEC that lists it. */
  readonly listedIn: Map<BtfId, string>;
}

interface SectionTypes {
  readonly byName: Map<string, BtfId>;
  readonly staticsAt: Map<number, BtfId[]>;
}

export function attachTypes(table: AtomTable, btf: RawBtf, ext: BtfExt | null): void {
  const names = indexNames(btf);
  attachFunctionInfo(table, ext);
  for (const section of table.bySection.values()) {
    const types = names.dataSections.get(section.name);
    for (const index of section.members) {
      const draft = draftAt(table, index);
      if (draft.kind === 'function') draft.btfId ||= functionByName(names, btf, draft);
      else draft.btfId = variableId(btf, names, types, draft);
      if (draft.size === 0 && draft.btfId !== 0 && draft.kind !== 'function')
        table.attempt(() => explainEmpty(btf, section, draft));
      if (draft.kind === 'function' && draft.name === '' && btf.linkageOf(draft.btfId) === 'static')
        draft.name = btf.nameOf(draft.btfId);
    }
  }
  attachMisplaced(table, btf, names);
  for (const draft of table.drafts) {
    if (draft.kind === 'extern' && draft.btfId === 0) attachExtern(btf, names, draft);
    else if (draft.common) draft.btfId = commonId(btf, names, draft);
  }
}

function indexNames(btf: RawBtf): NameIndex {
  const names: NameIndex = {
    functions: new Map(),
    variables: new Map(),
    dataSections: new Map(),
    listedIn: new Map(),
  };
  for (let id = 1; id <= btf.count; id++) {
    switch (btf.kindOf(id)) {
      case BTF_KIND.FUNC:
        addTo(names.functions, btf.nameOf(id), id);
        break;
      case BTF_KIND.VAR:
        addTo(names.variables, btf.nameOf(id), id);
        break;
      case BTF_KIND.DATASEC:
        indexDataSection(btf, id, names);
        break;
      default:
        break;
    }
  }
  return names;
}

function addTo<K>(index: Map<K, BtfId[]>, key: K, id: BtfId): void {
  const list = index.get(key);
  if (list === undefined) index.set(key, [id]);
  else list.push(id);
}

function indexDataSection(btf: RawBtf, id: BtfId, names: NameIndex): void {
  const section = btf.nameOf(id);
  const known = names.dataSections.get(section);
  const types = known ?? { byName: new Map<string, BtfId>(), staticsAt: new Map<number, BtfId[]>() };
  if (known === undefined) names.dataSections.set(section, types);
  forEachVariable(btf, id, (member, offset) => {
    names.listedIn.set(member, section);
    if (isStaticVariable(btf, member)) addTo(types.staticsAt, offset, member);
    else types.byName.set(btf.nameOf(member), member);
  });
}

function isStaticVariable(btf: RawBtf, id: BtfId): boolean {
  return btf.kindOf(id) === BTF_KIND.VAR && btf.linkageOf(id) === 'static';
}

function attachFunctionInfo(table: AtomTable, ext: BtfExt | null): void {
  const sections = sectionsByName(table);
  for (const info of ext?.funcs ?? []) {
    const section = sections.get(info.section);
    const index = section === undefined ? -1 : exactAtom(section, info.byteOffset);
    if (index >= 0) draftAt(table, index).btfId = info.type;
  }
}

function sectionsByName(table: AtomTable): Map<string, SectionAtoms> {
  return new Map([...table.bySection.values()].map(section => [section.name, section]));
}

/** The atom that starts exactly at `offset`, or -1. */
function exactAtom(section: SectionAtoms, offset: number): number {
  const position = lowerBound(section.offsets, offset);
  return section.offsets[position] === offset
    ? (section.members[position] ?? noElement(section.members, position))
    : -1;
}

/** First position whose offset is at least `offset`. */
function lowerBound(offsets: readonly number[], offset: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] ?? noElement(offsets, middle)) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function functionByName(names: NameIndex, btf: RawBtf, draft: AtomDraft): BtfId {
  const wantStatic = draft.binding === 'local';
  const candidates = names.functions.get(draft.name);
  return only(candidates?.filter(id => (btf.linkageOf(id) === 'static') === wantStatic)) ?? 0;
}

function variableId(btf: RawBtf, names: NameIndex, types: SectionTypes | undefined, draft: AtomDraft): BtfId {
  if (draft.name === '') return 0;
  if (draft.binding === 'local') return staticId(btf, types, draft);
  const named = names.variables.get(draft.name)?.filter(id => btf.linkageOf(id) !== 'static');
  return types?.byName.get(draft.name) ?? only(named) ?? 0;
}

function staticId(btf: RawBtf, types: SectionTypes | undefined, draft: AtomDraft): BtfId {
  return types?.staticsAt.get(draft.offset)?.find(id => isNameOf(btf.nameOf(id), draft.name)) ?? 0;
}

/**
 * Clang lists a constant that it puts in `.rodata.cst16` under `.rodata`, at the offset that it has
 * elsewhere. Its name is enough, if no other variable has it.
 */
function attachMisplaced(table: AtomTable, btf: RawBtf, names: NameIndex): void {
  const isOpen = ({ kind, name, binding, btfId }: AtomDraft): boolean =>
    kind === 'variable' && name !== '' && binding === 'local' && btfId === 0;
  if (!table.drafts.some(isOpen)) return;
  const taken = new Set(table.drafts.map(draft => draft.btfId));
  for (const draft of table.drafts) {
    if (!isOpen(draft)) continue;
    const id = only(names.variables.get(draft.name)?.filter(one => btf.linkageOf(one) === 'static'));
    if (id === undefined || taken.has(id)) continue;
    draft.btfId = id;
    taken.add(id);
  }
}

/** A static variable of the same name, of another file that was linked into this one, is something else. */
function commonId(btf: RawBtf, names: NameIndex, draft: AtomDraft): BtfId {
  return names.variables.get(draft.name)?.find(id => btf.linkageOf(id) !== 'static') ?? 0;
}

/** GCC numbers variables of functions: `count.0`. */
function isNameOf(variable: string, symbol: string): boolean {
  return symbol === variable || symbol.startsWith(`${variable}.`);
}

function only(ids: readonly BtfId[] | undefined): BtfId | undefined {
  return ids?.length === 1 ? ids[0] : undefined;
}

/**
 * Something of size 0 that has a type with a size. libbpf's linker makes this of an extern that it leaves
 * open in a section of data or maps: it is one again. Otherwise it comes from assembly without `.size`: its
 * extent is not known, and guessing it would move data.
 */
function explainEmpty(btf: RawBtf, section: SectionAtoms, draft: AtomDraft): void {
  const variable = btf.type(draft.btfId);
  if (variable.kind !== 'var') return;
  if (variable.linkage === 'extern') {
    draft.kind = 'extern';
    draft.externSection = section.name;
    return;
  }
  if (draft.kind === 'variable' && sizeOfType(btf, variable.type) === 0) return;
  throw inputError(
    'object-symbol-size',
    [`section ${quote(section.name)}`, `${draft.kind} ${quote(draft.name)}`],
    'has size 0, but its type has not',
    { hint: 'assembly needs .size' },
  );
}

function attachExtern(btf: RawBtf, names: NameIndex, draft: AtomDraft): void {
  const all = [...(names.functions.get(draft.name) ?? []), ...(names.variables.get(draft.name) ?? [])];
  // A static function of the same name, of another file that was linked into this one, is something else.
  const ids = all.filter(id => btf.linkageOf(id) !== 'static');
  const listed = ids.find(id => names.listedIn.has(id));
  draft.btfId = listed ?? ids[0] ?? 0;
  const section = listed === undefined ? undefined : names.listedIn.get(listed);
  draft.externSection = section === undefined || section === PLAIN_EXTERN_SECTION ? null : section;
}

// --- records ------------------------------------------------------------------------------------------------------

/**
 * Hands line information and CO-RE relocations to the functions that they are in; those in holes are dropped.
 */
export function attachRecords(table: AtomTable, ext: ParsedExt): void {
  const sections = sectionsByName(table);
  for (const { section, lines } of ext.lines) attachLines(table, sections.get(section), lines);
  for (const info of ext.core) {
    const draft = functionAt(table, sections.get(info.section), info.byteOffset);
    if (draft === undefined) continue;
    const { type, access, kind } = info;
    draft.coreRecords.push({ insnIndex: (info.byteOffset - draft.offset) / INSN_SIZE, type, access, kind });
  }
  for (const draft of table.drafts) sortByInsn(draft.coreRecords);
}

function attachLines(table: AtomTable, section: SectionAtoms | undefined, lines: PackedLines): void {
  if (section === undefined || section.role !== 'code') return;
  for (const index of section.members) {
    const draft = draftAt(table, index);
    draft.lines = lines.between(draft.offset, draft.offset + draft.size);
  }
}

function functionAt(
  table: AtomTable,
  section: SectionAtoms | undefined,
  byteOffset: number,
): AtomDraft | undefined {
  if (section === undefined || section.role !== 'code') return undefined;
  const position = lowerBound(section.offsets, byteOffset + 1) - 1;
  const index = section.members[position];
  if (index === undefined) return undefined;
  const draft = draftAt(table, index);
  return byteOffset < draft.offset + draft.size ? draft : undefined;
}

function sortByInsn(records: { readonly insnIndex: number }[]): void {
  const sorted = records.every(
    (record, index) => index === 0 || elementAt(records, index - 1).insnIndex <= record.insnIndex,
  );
  if (!sorted) records.sort((a, b) => a.insnIndex - b.insnIndex);
}
