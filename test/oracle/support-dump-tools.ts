/**
 * Dump of an object as Debian's tools see it: llvm-readelf for sections, symbols and relocations, bpftool for types,
 * llvm-objdump for source lines and CO-RE records. Nothing of it goes through our own readers, so that a mistake in one of
 * them cannot make two different objects look alike. Little-endian objects only.
 */

import { readFileSync } from 'node:fs';
import { R_BPF_64_32, SHT_NOBITS } from '../../src/elf/constants.ts';
import { COMMANDS, findCommand } from '../support/needs.ts';
import { outputOf } from '../support/run.ts';
import {
  anonymousKey,
  hexOf,
  KeyMaker,
  type ObjectDump,
  type ReferenceDump,
  type SymbolDump,
  tellReferences,
} from './support-dump.ts';
import { readListing, type ShownItem, shownOf } from './support-listing.ts';
import { type DumpedType, graphOfDump } from './support-types.ts';

interface ReadelfSection {
  readonly Index: number;
  readonly Name: { readonly Name: string };
  readonly Type: { readonly Name: string; readonly Value: number };
  readonly Flags: { readonly Value: number };
  readonly Offset: number;
  readonly Size: number;
  readonly Info: number;
  readonly AddressAlignment: number;
  readonly EntrySize: number;
}

interface ReadelfSymbol {
  readonly Name: { readonly Name: string };
  readonly Value: number;
  readonly Size: number;
  readonly Binding: { readonly Name: string };
  readonly Type: { readonly Name: string };
  readonly Other: { readonly Value: number };
  readonly Section: { readonly Name: string; readonly Value: number };
}

interface ReadelfFile {
  readonly Sections: readonly { readonly Section: ReadelfSection }[];
  readonly Symbols: readonly { readonly Symbol: ReadelfSymbol }[];
  readonly Relocations: readonly {
    readonly SectionIndex: number;
    readonly Relocs: readonly {
      readonly Relocation: {
        readonly Offset: number;
        readonly Type: { readonly Value: number };
        readonly Symbol: { readonly Name: string; readonly Value: number };
      };
    }[];
  }[];
}

/** Dumps many files with few processes. `renamed`, for each file: new name → old name of local symbols. */
export function dumpWithTools(
  files: readonly string[],
  renamed: readonly ReadonlyMap<string, string>[] = [],
): ObjectDump[] {
  const readelf = findCommand(COMMANDS['llvm-readelf']) ?? '';
  const text = outputOf(readelf, [
    '--elf-output-style=JSON',
    '--sections',
    '--symbols',
    '--relocations',
    ...files,
  ]);
  const parsed = JSON.parse(text) as readonly ReadelfFile[]; // llvm-readelf's own format
  const listings = readListing(files);
  return files.map((file, index) => {
    const readelfFile = parsed[index];
    if (readelfFile === undefined) throw new Error(`llvm-readelf says nothing about ${file}`);
    return dumpFile(file, readelfFile, listings[index] ?? [], renamed[index] ?? new Map());
  });
}

function dumpFile(
  file: string,
  elf: ReadelfFile,
  listing: readonly ShownItem[],
  renamed: ReadonlyMap<string, string>,
): ObjectDump {
  const text = outputOf(findCommand(COMMANDS.bpftool) ?? '', ['-j', 'btf', 'dump', 'file', file]);
  const exact = text.replaceAll(/"val":(-?\d+)/g, '"val":"$1"'); // more than 53 bits
  const { types } = JSON.parse(exact) as { readonly types: readonly DumpedType[] }; // bpftool's own format
  return new ElfFacts(new Uint8Array(readFileSync(file)), elf, types, listing, renamed).dump();
}

/** A piece of a section: what a symbol covers, or what lies between two of them. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly key: string;
}

const ALLOC = 2;
const EXEC = 4;
const STRINGS = 0x20;
const KEPT_FLAGS = 0x37;
const BINDINGS: ReadonlyMap<string, string> = new Map([
  ['Local', 'local'],
  ['Global', 'global'],
  ['Weak', 'weak'],
]);

class ElfFacts {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #elf: ReadelfFile;
  readonly #types: readonly DumpedType[];
  readonly #listing: readonly ShownItem[];
  readonly #sections: readonly ReadelfSection[];
  readonly #symbols: readonly ReadelfSymbol[];
  readonly #renamed: ReadonlyMap<string, string>;
  /** Symbol number → key. */
  readonly #keys: readonly string[];
  readonly #pieces = new Map<number, readonly Piece[]>();

  constructor(
    bytes: Uint8Array,
    elf: ReadelfFile,
    types: readonly DumpedType[],
    listing: readonly ShownItem[],
    renamed: ReadonlyMap<string, string>,
  ) {
    this.#listing = listing;
    this.#renamed = renamed;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#elf = elf;
    this.#types = types;
    this.#sections = elf.Sections.map(entry => entry.Section).filter(isProgramSection);
    this.#symbols = elf.Symbols.map(entry => entry.Symbol);
    this.#keys = this.#makeKeys();
    for (const section of this.#sections) this.#pieces.set(section.Index, this.#cut(section));
  }

  dump(): ObjectDump {
    const symbols = new Map<string, SymbolDump>();
    for (const section of this.#sections)
      for (const piece of this.#pieces.get(section.Index) ?? [])
        symbols.set(piece.key, this.#dumpPiece(section, piece));
    this.#symbols.forEach((symbol, index) => {
      if (symbol.Section.Value === 0 && symbol.Name.Name !== '')
        symbols.set(this.#keys[index] ?? '', this.#dumpExtern(symbol));
    });
    return {
      sections: new Map(this.#sections.map(section => [section.Name.Name, sectionFacts(section)])),
      symbols,
      dataSections: this.#dataSections(),
      types: graphOfDump(this.#types, this.#renamed),
    };
  }

  /** In the order in which things lie in their sections: what numbers local symbols of one name. */
  #makeKeys(): string[] {
    const maker = new KeyMaker();
    const keys: string[] = [];
    const order = this.#symbols
      .map((symbol, index) => ({ symbol, index }))
      .filter(({ symbol }) => !['Section', 'File'].includes(symbol.Type.Name))
      .sort((a, b) => a.symbol.Section.Value - b.symbol.Section.Value || a.symbol.Value - b.symbol.Value);
    for (const { symbol, index } of order) {
      const local = symbol.Binding.Name === 'Local';
      const name = local ? (this.#renamed.get(symbol.Name.Name) ?? symbol.Name.Name) : symbol.Name.Name;
      keys[index] = maker.keyOf(name, local, symbol.Section.Name);
    }
    return keys;
  }

  #cut(section: ReadelfSection): Piece[] {
    const named = this.#symbols
      .map((symbol, index) => ({ symbol, key: this.#keys[index] ?? '' }))
      .filter(({ symbol }) => symbol.Section.Value === section.Index)
      .filter(({ symbol }) => symbol.Type.Name === 'Function' || symbol.Type.Name === 'Object')
      .sort((a, b) => a.symbol.Value - b.symbol.Value);
    const pieces: Piece[] = [];
    let end = 0;
    for (const { symbol, key } of named) {
      pieces.push(...this.#cutBetween(section, end, symbol.Value));
      end = symbol.Value + symbol.Size;
      pieces.push({ start: symbol.Value, end, key });
    }
    pieces.push(...this.#cutBetween(section, end, section.Size));
    return pieces;
  }

  /** Nameless data: strings one by one, zeros not at all, for they may be padding. */
  #cutBetween(section: ReadelfSection, start: number, end: number): Piece[] {
    const bytes = this.#contents(section, start, end);
    if (bytes === null || (section.Flags.Value & EXEC) !== 0) return [];
    const name = section.Name.Name;
    if ((section.Flags.Value & STRINGS) === 0) {
      if (bytes.every(byte => byte === 0)) return [];
      return [{ start, end, key: anonymousKey(name, hexOf(bytes)) }];
    }
    const pieces: Piece[] = [];
    for (let at = 0; at < bytes.length; ) {
      const next = bytes.indexOf(0, at) + 1 || bytes.length;
      const key = anonymousKey(name, hexOf(bytes.subarray(at, next)));
      pieces.push({ start: start + at, end: start + next, key });
      at = next;
    }
    return pieces;
  }

  #contents(section: ReadelfSection, start: number, end: number): Uint8Array | null {
    if (section.Type.Value === SHT_NOBITS) return null;
    return this.#bytes.slice(section.Offset + start, section.Offset + end);
  }

  #dumpExtern(symbol: ReadelfSymbol): SymbolDump {
    const listed = this.#types.find(
      type =>
        type.kind === 'DATASEC' &&
        type.vars?.some(entry => this.#nameOfType(entry.type_id) === symbol.Name.Name),
    );
    return { facts: standing(symbol, 'extern', listed?.name ?? ''), type: undefined, core: undefined };
  }

  #dumpPiece(section: ReadelfSection, piece: Piece): SymbolDump {
    const index = this.#keys.indexOf(piece.key);
    const symbol = this.#symbols[index];
    const code = (section.Flags.Value & EXEC) !== 0;
    const kind = code ? 'function' : section.Name.Name === '.maps' ? 'map' : 'variable';
    const facts =
      symbol === undefined ? new Map<string, string>() : standing(symbol, kind, section.Name.Name);
    const bytes = this.#contents(section, piece.start, piece.end);
    const references = [
      ...this.#relocated(section, piece, bytes),
      ...(code && bytes !== null ? this.#calls(section, piece, bytes) : []),
    ];
    if (symbol !== undefined) facts.set('size', String(piece.end - piece.start));
    facts.set('references', tellReferences(references));
    if (code) {
      const place = { section: section.Name.Name, start: piece.start, end: piece.end };
      const core = shownOf(this.#listing, 'CO-RE', place);
      facts.set('shown lines', shownOf(this.#listing, 'line', place));
      facts.set('shown CO-RE', core);
      facts.set('code', hexOf(withoutTypeIds(bytes, core)));
    } else if (symbol !== undefined) facts.set('contents', hexOf(bytes));
    return { facts, type: symbol === undefined ? 0 : this.#typeOf(symbol, code), core: undefined };
  }

  /** The relocations of a piece; what they wrote into its bytes is cleared. */
  #relocated(section: ReadelfSection, piece: Piece, bytes: Uint8Array | null): ReferenceDump[] {
    const relSections = this.#elf.Sections.filter(
      entry => entry.Section.Info === section.Index && entry.Section.Type.Name === 'SHT_REL',
    ).map(entry => entry.Section.Index);
    const code = (section.Flags.Value & EXEC) !== 0;
    return this.#elf.Relocations.filter(group => relSections.includes(group.SectionIndex))
      .flatMap(group => group.Relocs.map(entry => entry.Relocation))
      .filter(({ Offset }) => Offset >= piece.start && Offset < piece.end)
      .map(({ Offset, Type, Symbol: named }): ReferenceDump => {
        const place = section.Offset + Offset;
        const call = Type.Value === R_BPF_64_32;
        const imm = this.#view.getInt32(code ? place + 4 : place, true);
        const addend = call ? (imm + 1) * 8 : imm;
        const at = Offset - piece.start;
        bytes?.fill(0, code ? at + 4 : at, at + 8);
        const target = this.#target(named.Value, addend);
        return code
          ? { at: at / 8, kind: call ? 'call' : 'address', ...target }
          : { at, kind: '8 bytes', ...target };
      });
  }

  #target(number: number, addend: number): { readonly target: string; readonly addend: number } {
    const symbol = this.#symbols[number];
    if (symbol === undefined) return { target: '?', addend };
    if (symbol.Type.Name !== 'Section') return { target: this.#keys[number] ?? '?', addend };
    return this.#covering(symbol.Section.Value, addend);
  }

  #covering(section: number, offset: number): { readonly target: string; readonly addend: number } {
    const piece = this.#pieces.get(section)?.findLast(candidate => candidate.start <= offset);
    return piece === undefined || offset > piece.end
      ? { target: `nowhere in ${section}`, addend: offset }
      : { target: piece.key, addend: offset - piece.start };
  }

  /** Calls that the compiler resolved: opcode 0x85, source 1, no relocation. */
  #calls(section: ReadelfSection, piece: Piece, bytes: Uint8Array): ReferenceDump[] {
    const view = new DataView(bytes.buffer);
    const calls: ReferenceDump[] = [];
    for (let at = 0; at < bytes.length; at += view.getUint8(at) === 0x18 ? 16 : 8) {
      if (view.getUint8(at) !== 0x85 || view.getUint8(at + 1) !== 0x10 || view.getInt32(at + 4, true) === 0)
        continue;
      const target = piece.start + at + 8 + view.getInt32(at + 4, true) * 8;
      calls.push({ at: at / 8, kind: 'call', ...this.#covering(section.Index, target) });
      bytes.fill(0, at + 4, at + 8);
    }
    return calls;
  }

  #nameOfType(id: number): string {
    return this.#types[id - 1]?.name ?? '';
  }

  /** By name, where that is enough. */
  #typeOf(symbol: ReadelfSymbol, code: boolean): number | undefined {
    const wanted = symbol.Binding.Name === 'Local' ? 'static' : 'global';
    const found = this.#types.filter(
      type =>
        type.kind === (code ? 'FUNC' : 'VAR') &&
        type.name === symbol.Name.Name &&
        (type.linkage ?? '').startsWith(wanted),
    );
    return found.length === 1 ? found[0]?.id : undefined;
  }

  #dataSections(): Map<string, string[]> {
    return new Map(
      this.#types
        .filter(type => type.kind === 'DATASEC')
        .map(type => {
          const entries = type.vars ?? [];
          return [
            type.name,
            entries.map(entry => `${this.#nameOfType(entry.type_id)} ${entry.offset} ${entry.size}`).sort(),
          ];
        }),
    );
  }
}

/** Numbers of local types in the code; that their names agree is seen in what llvm-objdump shows of the records. */
function withoutTypeIds(bytes: Uint8Array | null, core: string): Uint8Array | null {
  for (const [, insn = ''] of core.matchAll(/(\d+) <(?:local|target)_type_id>/g))
    bytes?.fill(0, Number(insn) * 8 + 4, Number(insn) * 8 + 8);
  return bytes;
}

function isProgramSection(section: ReadelfSection): boolean {
  const contents = section.Type.Name === 'SHT_PROGBITS' || section.Type.Name === 'SHT_NOBITS';
  return contents && (section.Flags.Value & ALLOC) !== 0 && section.Size > 0;
}

function sectionFacts(section: ReadelfSection): Map<string, string> {
  return new Map([
    ['type', String(section.Type.Value)],
    ['flags', String(section.Flags.Value & KEPT_FLAGS)],
    ['entry size', String(section.EntrySize)],
    ['alignment', String(section.AddressAlignment)],
    ['size', String(section.Size)],
  ]);
}

function standing(symbol: ReadelfSymbol, kind: string, section: string): Map<string, string> {
  return new Map([
    ['kind', kind],
    ['section', section],
    ['binding', BINDINGS.get(symbol.Binding.Name) ?? symbol.Binding.Name],
    ['visibility', (symbol.Other.Value & 3) === 2 ? 'hidden' : 'default'],
  ]);
}
