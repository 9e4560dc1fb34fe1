/** Dump of an object as our reader sees it. */

import type { Btf } from '../../src/btf/model/types.ts';
import { CodeView, OP_LD_IMM64 } from '../../src/isa/opcodes.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type SymbolIndex,
  sectionOf,
  sizeOfSymbol,
} from '../../src/object/model/model.ts';
import { layoutSections } from '../../src/object/write/layout.ts';
import {
  anonymousKey,
  hexOf,
  KeyMaker,
  type ObjectDump,
  type ReferenceDump,
  type SymbolDump,
  tellReferences,
} from './support-dump.ts';
import { shownLines } from './support-listing.ts';
import { graphOfBtf, type TypeGraph } from './support-types.ts';

const NO_TYPES: TypeGraph = { node: () => null, tags: () => [] };
/** enum bpf_core_relo_kind: the instruction holds a BTF id. */
const TYPE_ID_KINDS: ReadonlySet<number> = new Set([6, 7]);

export interface DumpOptions {
  /** New name → old name of local symbols that the linker renamed. */
  readonly renamed?: ReadonlyMap<string, string>;
}

/** `object` as read from a file: its BTF still has the DATASECs. */
export function dumpObject(object: BpfObject, options: DumpOptions = {}): ObjectDump {
  const renamed = options.renamed ?? new Map<string, string>();
  const context = { object, keys: keysOf(object, renamed) };
  const symbols = new Map<string, SymbolDump>();
  object.symbols.forEach((symbol, index) => {
    symbols.set(context.keys[index] ?? '', dumpSymbol(context, symbol));
  });
  return {
    sections: dumpSections(object),
    symbols,
    dataSections: object.btf === null ? new Map() : dumpDataSections(object.btf),
    types: object.btf === null ? NO_TYPES : graphOfBtf(object.btf, renamed),
  };
}

interface Context {
  readonly object: BpfObject;
  /** Indexed like symbols. */
  readonly keys: readonly string[];
}

function keysOf(object: BpfObject, renamed: ReadonlyMap<string, string>): string[] {
  const maker = new KeyMaker();
  return object.symbols.map(symbol => {
    const section = sectionOf(object, symbol)?.name ?? '';
    if (symbol.kind === 'variable' && symbol.name === '')
      return anonymousKey(section, hexOf(symbol.bytes ?? new Uint8Array(symbol.size)));
    const local = symbol.binding === 'local';
    return maker.keyOf(local ? (renamed.get(symbol.name) ?? symbol.name) : symbol.name, local, section);
  });
}

function dumpSections(object: BpfObject): Map<string, Map<string, string>> {
  const layout = layoutSections(object);
  const sections = new Map<string, Map<string, string>>();
  object.sections.forEach((shell, index) => {
    const placed = layout.sections[index];
    if (placed === undefined || placed.atoms.length === 0) return;
    sections.set(
      shell.name,
      new Map([
        ['type', String(shell.type)],
        ['flags', String(shell.flags)],
        ['entry size', String(shell.entsize)],
        ['alignment', String(placed.align)],
        ['size', String(placed.size)],
      ]),
    );
  });
  return sections;
}

function dumpSymbol(context: Context, symbol: BpfSymbol): SymbolDump {
  const { object } = context;
  const facts = new Map([
    ['kind', symbol.kind],
    ['section', symbol.kind === 'extern' ? (symbol.section ?? '') : (sectionOf(object, symbol)?.name ?? '')],
    ['binding', symbol.binding],
    ['visibility', symbol.visibility],
  ]);
  if (symbol.kind === 'extern') return { facts, type: symbol.btfId, core: undefined };
  facts.set(
    'references',
    tellReferences(symbol.references.map(reference => dumpReference(context, reference))),
  );
  // What has no name is known by its contents, but for padding.
  if (symbol.name !== '') facts.set('size', String(sizeOfSymbol(symbol)));
  if (symbol.kind !== 'function') {
    if (symbol.name !== '') facts.set('contents', hexOf(symbol.bytes));
    return { facts, type: symbol.btfId, core: undefined };
  }
  facts.set('contents', hexOf(withoutTypeIds(object, symbol)));
  facts.set(
    'lines',
    Array.from(
      symbol.lines,
      line => `${line.insnIndex} ${line.file}:${line.line}:${line.column} ${line.text}`,
    ).join('; '),
  );
  facts.set('shown lines', shownLines(new CodeView(symbol.code, object.byteOrder), [...symbol.lines]));
  const core = symbol.coreRecords.map(record => ({
    text: `${record.insnIndex} ${record.kind} ${record.access}`,
    type: record.type,
  }));
  return { facts, type: symbol.btfId, core };
}

function dumpReference(
  context: Context,
  reference: { readonly symbol: SymbolIndex; readonly addend: number } & (
    | { readonly insnIndex: number; readonly kind: string }
    | { readonly offset: number; readonly width: number }
  ),
): ReferenceDump {
  const target = context.keys[reference.symbol] ?? '?';
  const { addend } = reference;
  return 'offset' in reference
    ? { at: reference.offset, kind: `${reference.width} bytes`, target, addend }
    : { at: reference.insnIndex, kind: reference.kind, target, addend };
}

/** The numbers of local types differ from file to file; what they mean is compared as type of the record. */
function withoutTypeIds(
  object: BpfObject,
  symbol: Extract<BpfSymbol, { readonly kind: 'function' }>,
): Uint8Array {
  const code = symbol.code.slice();
  const view = new CodeView(code, object.byteOrder);
  for (const { insnIndex, kind } of symbol.coreRecords)
    if (TYPE_ID_KINDS.has(kind) && view.opcode(insnIndex) === OP_LD_IMM64) view.setImm(insnIndex, 0);
  return code;
}

function dumpDataSections(btf: Btf): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind !== 'datasec') continue;
    const entries = type.vars.map(entry => `${btf.nameOf(entry.type)} ${entry.offset} ${entry.size}`);
    sections.set(type.name, entries.sort());
  }
  return sections;
}
