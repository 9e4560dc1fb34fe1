/** Atoms while they are being read: mutable, with the ELF section that they came from. */

import type { LineRecords } from '../../btf/index.ts';
import { noElement } from '../../bytes/index.ts';
import type {
  Binding,
  BpfSymbol,
  CodeReference,
  CoreRecord,
  DataReference,
  FunctionSymbol,
  Origin,
  SectionIndex,
  SectionShell,
  VariableSymbol,
  Visibility,
} from '../model/index.ts';
import type { Attempt, FaultHolder, Tolerance } from './attempt.ts';

export interface AtomDraft extends FaultHolder {
  kind: 'function' | 'variable' | 'map' | 'extern';
  name: string;
  binding: Binding;
  visibility: Visibility;
  /** ELF section index; 0 for externs. */
  elfSection: number;
  /** Index of the shell; -1 for externs. */
  shell: SectionIndex;
  offset: number;
  size: number;
  align: number;
  /** Own copy, so that addends can be cleared; null for NOBITS and externs. */
  bytes: Uint8Array | null;
  codeReferences: CodeReference[];
  dataReferences: DataReference[];
  lines: LineRecords;
  coreRecords: CoreRecord[];
  btfId: number;
  /** DATASEC of an extern. */
  externSection: string | null;
  /** SHN_COMMON. */
  common: boolean;
  /** Signature of its COMDAT group. */
  comdat: string | null;
  /** The draft at the same place that this one is another name of; -1 for others. */
  aliasOf: number;
}

/** The atoms of one ELF section by offset, for looking up addresses. */
export interface SectionAtoms {
  readonly elfSection: number;
  readonly shell: SectionIndex;
  readonly name: string;
  readonly role: SectionShell['role'];
  /** Draft indexes in order of offset. */
  readonly members: number[];
  /** Signature of the COMDAT group that it is in. */
  readonly comdat: string | null;
  /** `offsets[i]` is the offset of `members[i]`. */
  readonly offsets: number[];
}

/** What cutting the sections leaves for the later steps. */
export interface AtomTable {
  readonly shells: SectionShell[];
  readonly drafts: AtomDraft[];
  /** ELF section index → its atoms, for every kept section. */
  readonly bySection: ReadonlyMap<number, SectionAtoms>;
  /** ELF symbol index → draft index, -1 where the symbol is not an atom (section symbols, labels). */
  readonly ofElfSymbol: Int32Array;
  /** How a part that cannot be read is dealt with. */
  readonly attempt: Attempt;
  /** The same for the code of one function. */
  readonly attemptIn: Tolerance['attemptIn'];
}

type Given =
  | 'binding'
  | 'visibility'
  | 'elfSection'
  | 'shell'
  | 'offset'
  | 'size'
  | 'align'
  | 'bytes'
  | 'common';
type NewDraft = Pick<AtomDraft, 'kind' | 'name'> & Partial<Pick<AtomDraft, Given>>;

/** Missing fields mean nothing. They are written out one by one: spreading them took longer than the rest. */
export function newDraft(fields: NewDraft): AtomDraft {
  return {
    kind: fields.kind,
    name: fields.name,
    binding: fields.binding ?? 'local',
    visibility: fields.visibility ?? 'default',
    elfSection: fields.elfSection ?? 0,
    shell: fields.shell ?? -1,
    offset: fields.offset ?? 0,
    size: fields.size ?? 0,
    align: fields.align ?? 1,
    bytes: fields.bytes ?? null,
    codeReferences: [],
    dataReferences: [],
    lines: NONE,
    coreRecords: [],
    btfId: 0,
    externSection: null,
    common: fields.common ?? false,
    comdat: null,
    aliasOf: -1,
    faults: NONE,
  };
}

const NONE: readonly never[] = [];

/** The draft at `index`; an index that came from rootlet's table is always there. */
export function draftAt(table: AtomTable, index: number): AtomDraft {
  return table.drafts[index] ?? noElement(table.drafts, index);
}

/** The atom of the section that covers `offset`, or that ends exactly there; -1 when none does. */
export function atomCovering(table: AtomTable, section: SectionAtoms, offset: number): number {
  let low = 0;
  let high = section.offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((section.offsets[middle] ?? noElement(section.offsets, middle)) <= offset) low = middle + 1;
    else high = middle;
  }
  const index = section.members[low - 1];
  if (index === undefined) return -1;
  const draft = draftAt(table, index);
  return offset <= draft.offset + draft.size ? index : -1;
}

/**
 * The symbol. Every field is written out and lists are cut to their length: there are hundreds of thousands
 * of symbols in a large link, and spreads and grown lists double what each takes.
 */
export function finishDraft(draft: AtomDraft, file: string): BpfSymbol {
  const { kind, name, binding, visibility, btfId, size, align, bytes, shell: section } = draft;
  const origin = { file, offset: draft.offset };
  switch (kind) {
    case 'extern':
      return { kind, name, binding, visibility, btfId, section: draft.externSection };
    case 'function':
      return finishFunction(draft, origin);
    case 'map': {
      const references = exactly(draft.dataReferences);
      const contents = bytes ?? new Uint8Array(size);
      return {
        kind,
        name,
        binding,
        visibility,
        btfId,
        section,
        origin,
        size,
        align,
        bytes: contents,
        references,
      };
    }
    case 'variable':
      return finishVariable(draft, origin);
  }
}

function finishFunction(draft: AtomDraft, origin: Origin): FunctionSymbol {
  const { name, binding, visibility, btfId, bytes, shell: section, lines } = draft;
  const references = exactly(draft.codeReferences);
  const coreRecords = exactly(draft.coreRecords);
  const code = bytes ?? new Uint8Array(0);
  const kind = 'function';
  const symbol: FunctionSymbol = {
    kind,
    name,
    binding,
    visibility,
    btfId,
    section,
    origin,
    code,
    references,
    lines,
    coreRecords,
  };
  return withMarks(draft, draft.faults.length === 0 ? symbol : { ...symbol, faults: draft.faults });
}

function finishVariable(draft: AtomDraft, origin: Origin): VariableSymbol {
  const { name, binding, visibility, btfId, size, align, bytes, shell: section } = draft;
  const references = exactly(draft.dataReferences);
  const kind = 'variable';
  const variable: VariableSymbol = {
    kind,
    name,
    binding,
    visibility,
    btfId,
    section,
    origin,
    size,
    align,
    bytes,
    references,
  };
  return withMarks(draft, draft.common ? { ...variable, common: true } : variable);
}

/** What few symbols have. */
function withMarks<S extends FunctionSymbol | VariableSymbol>(draft: AtomDraft, symbol: S): S {
  const grouped = draft.comdat === null ? symbol : { ...symbol, comdat: draft.comdat };
  return draft.aliasOf < 0 ? grouped : { ...grouped, aliasOf: draft.aliasOf };
}

/** A list that grew by `push` has room for many more. */
function exactly<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list.slice();
}
