/**
 * Many resolved objects → one.
 *
 * Concatenates the atoms that survive resolution, redirects every reference to the chosen definition of its
 * name, and merges the types. Discarded definitions are removed completely: code, records, relocations,
 * declaration tags.
 */

import { type BtfId, type MergeInput, type MergeResult, mergeBtf } from '../../btf/index.ts';
import { elementAt, noElement } from '../../bytes/index.ts';
import { SHT_NOBITS } from '../../elf/index.ts';
import type { SectionIndex } from '../../object/index.ts';
import {
  asAlias,
  type Binding,
  type BpfObject,
  type BpfSymbol,
  type CodeReference,
  type CoreRecord,
  type DataReference,
  isAlias,
  isCommon,
  isDebugSection,
  movedAliases,
  notesOf,
  type SectionShell,
  type SymbolIndex,
  sectionNameOf,
  sectionOf,
  type VariableSymbol,
  withNotes,
} from '../../object/index.ts';
import {
  entryAt,
  groupAt,
  type Resolution,
  SINGLE_SECTIONS,
  type SymbolAt,
  symbolAt,
} from '../resolve/index.ts';
import type { MergedSections } from './sections.ts';

export interface CombineInput {
  readonly objects: readonly BpfObject[];
  readonly resolution: Resolution;
  readonly sections: MergedSections;
  /** Name of the result. */
  readonly name: string;
  /** Explicit replacements: references to `loser` go to `winner`, and `loser` is dropped. */
  readonly bindings?: readonly { readonly loser: SymbolAt; readonly winner: SymbolAt }[];
  /** True for a partial link: weak definitions stay weak. */
  readonly partial: boolean;
}

export interface Combined {
  readonly object: BpfObject;
  /**
   * For each input: symbol index → symbol of the result (that of the chosen definition, if it was discarded).
   */
  readonly indexOf: readonly Int32Array[];
  /** For each symbol of the result: where it came from. */
  readonly origins: readonly SymbolAt[];
  readonly types: Pick<MergeResult, 'before' | 'after'>;
}

export function combine(input: CombineInput): Combined {
  const targets = chooseTargets(input);
  const { indexOf, origins } = numberSymbols(input, targets);
  const merged = mergeTypes(input, targets);
  const aliases = keptAliases(input.objects, targets, indexOf);
  const symbols = origins.map((at, index) => {
    const symbol = combineSymbol({ input, merged, indexOf, origins }, at);
    const owner = aliases.get(index);
    return owner === undefined ? symbol : asAlias(symbol, owner);
  });
  const object: BpfObject = {
    name: input.name,
    byteOrder: input.objects[0]?.byteOrder ?? 'little',
    flags: Math.max(0, ...input.objects.map(candidate => candidate.flags)),
    sections: input.sections.shells,
    symbols,
    btf: input.objects.every(({ btf }) => btf === null) ? null : merged.btf,
  };
  const notes = input.objects.flatMap(notesOf);
  return {
    object: withNotes(object, notes),
    indexOf,
    origins,
    types: { before: merged.before, after: merged.after },
  };
}

/** For each input and symbol: its replacement. A symbol that is kept is its own target. */
type Targets = readonly (readonly SymbolAt[])[];

function chooseTargets(input: CombineInput): Targets {
  const bound = bindingTable(input.bindings ?? []);
  const folded = singleSections(input.objects);
  return input.objects.map((object, file) =>
    object.symbols.map((symbol, index): SymbolAt => {
      const winner = winnerOf(input, { file, index }) ??
        singleTarget(object, symbol, folded) ?? { file, index };
      return lastBound(input, bound, winner);
    }),
  );
}

/**
 * What is bound may itself be bound: an extern to a slot, or to one of several definitions of a pinned map.
 */
function lastBound(
  input: CombineInput,
  bound: (at: SymbolAt) => SymbolAt | undefined,
  from: SymbolAt,
): SymbolAt {
  let at = from;
  for (let left = input.bindings?.length ?? 0; left > 0; left--) {
    const target = bound(at);
    if (target === undefined) return at;
    at = winnerOf(input, target) ?? target;
  }
  return at;
}

function winnerOf(input: CombineInput, at: SymbolAt): SymbolAt | undefined {
  return groupAt(input.resolution, at)?.winner;
}

type ExplicitBinding = NonNullable<CombineInput['bindings']>[number];

/** Look-up of explicit replacements; most links have none. */
function bindingTable(bindings: readonly ExplicitBinding[]): (at: SymbolAt) => SymbolAt | undefined {
  if (bindings.length === 0) return () => undefined;
  const table = new Map<number, Map<SymbolIndex, SymbolAt>>();
  for (const { loser, winner } of bindings) {
    const ofFile = table.get(loser.file);
    if (ofFile === undefined) table.set(loser.file, new Map([[loser.index, winner]]));
    else if (!ofFile.has(loser.index)) ofFile.set(loser.index, winner);
  }
  return at => table.get(at.file)?.get(at.index);
}

/** `license` and `version` exist once: the first input's. */
function singleSections(objects: readonly BpfObject[]): Map<string, SymbolAt> {
  const first = new Map<string, SymbolAt>();
  objects.forEach((object, file) => {
    object.symbols.forEach((symbol, index) => {
      const name = sectionNameOf(object, symbol);
      if (SINGLE_SECTIONS.has(name) && !first.has(name)) first.set(name, { file, index });
    });
  });
  return first;
}

function singleTarget(
  object: BpfObject,
  symbol: BpfSymbol,
  folded: Map<string, SymbolAt>,
): SymbolAt | undefined {
  const section = sectionOf(object, symbol)?.name;
  return section === undefined ? undefined : folded.get(section);
}

/** Static symbols in COMDAT groups that another input keeps get no number: nothing refers to them. */
function numberSymbols(
  { objects, resolution }: CombineInput,
  targets: Targets,
): Pick<Combined, 'indexOf' | 'origins'> {
  const origins: SymbolAt[] = [];
  const indexOf = objects.map(object => new Int32Array(object.symbols.length).fill(-1));
  targets.forEach((list, file) => {
    const numbers = elementAt(indexOf, file);
    const gone = elementAt(resolution.dropped, file);
    list.forEach((target, index) => {
      if (target.file !== file || target.index !== index || gone.has(index)) return;
      numbers[index] = origins.length;
      origins.push(target);
    });
  });
  targets.forEach((list, file) => {
    const numbers = elementAt(indexOf, file);
    list.forEach((target, index) => {
      numbers[index] = entryAt(indexOf, target);
    });
  });
  return { indexOf, origins };
}

/** Aliases of the result, with what they are aliases of. A definition that is overridden leaves its place to one. */
function keptAliases(
  objects: readonly BpfObject[],
  targets: Targets,
  indexOf: readonly Int32Array[],
): Map<SymbolIndex, SymbolIndex> {
  const all = new Map<SymbolIndex, SymbolIndex>();
  objects.forEach(({ symbols }, file) => {
    if (!symbols.some(isAlias)) return;
    const mine = elementAt(targets, file);
    const isKept = (index: SymbolIndex): boolean => {
      const target = elementAt(mine, index);
      return target.file === file && target.index === index;
    };
    const numbers = (index: SymbolIndex): SymbolIndex =>
      isKept(index) ? entryAt(indexOf, { file, index }) : -1;
    for (const [alias, owner] of movedAliases(symbols, numbers)) all.set(numbers(alias), owner);
  });
  return all;
}

// --- types --------------------------------------------------------------------------------------------------------

/** VAR and FUNC of a discarded symbol are replaced by those of the chosen one. */
function mergeTypes(input: CombineInput, targets: Targets): MergeResult {
  const none = mergeBtf([]).btf;
  const inputs = input.objects.map((object, file): MergeInput => {
    const redirect = new Map<BtfId, { input: number; id: BtfId }>();
    const omit = new Set<BtfId>();
    const mine = elementAt(targets, file);
    const gone = elementAt(input.resolution.dropped, file);
    object.symbols.forEach((symbol, index) => {
      if (symbol.btfId === 0) return;
      const target = elementAt(mine, index);
      if (target.file === file && target.index === index) {
        if (gone.has(index)) omit.add(symbol.btfId);
        return;
      }
      const winner = symbolAt(input.objects, target);
      if (winner.btfId !== 0) {
        if (target.file !== file || winner.btfId !== symbol.btfId)
          redirect.set(symbol.btfId, { input: target.file, id: winner.btfId });
      } else omit.add(symbol.btfId);
    });
    return { btf: object.btf ?? none, omit, redirect };
  });
  return mergeBtf(inputs);
}

// --- symbols ------------------------------------------------------------------------------------------------------

interface SymbolContext {
  readonly input: CombineInput;
  readonly merged: MergeResult;
  readonly indexOf: readonly Int32Array[];
  readonly origins: readonly SymbolAt[];
}

/**
 * Every field is written out: a spread with further fields makes a hidden class for each object, ten times
 * slower.
 */
function combineSymbol(context: SymbolContext, at: SymbolAt): BpfSymbol {
  const { input, merged } = context;
  const symbol = symbolAt(input.objects, at);
  const ids = merged.ids[at.file] ?? noElement(merged.ids, at.file);
  const btfId = ids[symbol.btfId] ?? noElement(ids, symbol.btfId);
  const { name } = symbol;
  const { binding, visibility } = bindingAndVisibility(input, symbol, at);
  if (symbol.kind === 'extern')
    return { kind: symbol.kind, name, binding, visibility, btfId, section: symbol.section };
  const section = entryAt(input.sections.indexes, { file: at.file, index: symbol.section });
  const map = context.indexOf[at.file] ?? noElement(context.indexOf, at.file);
  const { kind, origin } = symbol;
  switch (kind) {
    case 'function': {
      const { code, lines } = symbol;
      const references = moveCode(symbol.references, map);
      const coreRecords = renumberRecords(symbol.coreRecords, ids);
      return {
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
    }
    case 'map': {
      const { size, align, bytes } = symbol;
      const references = moveData(symbol.references, map);
      return { kind, name, binding, visibility, btfId, section, origin, size, align, bytes, references };
    }
    case 'variable': {
      const { size, align } = symbol;
      const { common, bytes, references: living } = contentsOf(context, symbol, section, at);
      const references = moveData(living, map);
      const variable = {
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
      return common ? { ...variable, common } : variable;
    }
  }
}

/** A definition stays tentative where another input may still define the name. */
function contentsOf(context: SymbolContext, symbol: VariableSymbol, section: SectionIndex, at: SymbolAt) {
  const { input } = context;
  const shell = elementAt(input.sections.shells, section);
  const common = input.partial && isCommon(symbol);
  const bytes = common ? symbol.bytes : bytesIn(symbol, shell);
  return { common, bytes, references: livingReferences(context, symbol, shell, at) };
}

/** Binding and visibility of the chosen symbol, from all symbols of the group. */
function bindingAndVisibility(
  input: CombineInput,
  symbol: BpfSymbol,
  at: SymbolAt,
): Pick<BpfSymbol, 'binding' | 'visibility'> {
  const group = groupAt(input.resolution, at);
  if (group === undefined) return { binding: symbol.binding, visibility: symbol.visibility };
  return {
    binding: bindingOf(input, symbol, group.strongReference),
    visibility: group.hidden ? 'hidden' : 'default',
  };
}

/**
 * An unresolved extern is strong when any reference is. A weak definition that is referenced strongly becomes
 * global in a final link, as in libbpf; a partial link keeps it weak, since a strong one may follow.
 */
function bindingOf(input: CombineInput, symbol: BpfSymbol, strongReference: boolean): Binding {
  if (symbol.kind === 'extern') return strongReference ? 'global' : 'weak';
  return symbol.binding === 'weak' && strongReference && !input.partial ? 'global' : symbol.binding;
}

/** Variables of NOBITS get bytes where another input has contents for the section. */
function bytesIn(symbol: VariableSymbol, shell: SectionShell): Uint8Array | null {
  return symbol.bytes === null && shell.type !== SHT_NOBITS ? new Uint8Array(symbol.size) : symbol.bytes;
}

/** DWARF of a discarded definition describes nothing: its references stay 0. */
function livingReferences(
  { indexOf, origins }: SymbolContext,
  symbol: VariableSymbol,
  shell: SectionShell,
  at: SymbolAt,
): readonly DataReference[] {
  if (symbol.references.length === 0 || !isDebugSection(shell.name)) return symbol.references;
  return symbol.references.filter(reference => {
    const origin = origins[entryAt(indexOf, { file: at.file, index: reference.symbol })];
    return origin?.file === at.file && origin.index === reference.symbol;
  });
}

function moveCode(references: readonly CodeReference[], map: Int32Array): readonly CodeReference[] {
  if (references.length === 0) return references;
  return references.map(({ insnIndex, kind, symbol, addend }) => ({
    insnIndex,
    kind,
    symbol: map[symbol] ?? noElement(map, symbol),
    addend,
  }));
}

function moveData(references: readonly DataReference[], map: Int32Array): readonly DataReference[] {
  if (references.length === 0) return references;
  return references.map(({ kind, offset, width, symbol, addend }) => ({
    kind,
    offset,
    width,
    symbol: map[symbol] ?? noElement(map, symbol),
    addend,
  }));
}

function renumberRecords(records: readonly CoreRecord[], ids: Uint32Array): readonly CoreRecord[] {
  if (records.length === 0) return records;
  return records.map(({ insnIndex, type, access, kind }) => ({
    insnIndex,
    type: ids[type] ?? noElement(ids, type),
    access,
    kind,
  }));
}
