/**
 * An object surveyed: the rows of its symbols by block, and all that is not about single symbols. What an inspection
 * has as objects and what a listing prints as lines both come from here.
 */

import { type RawBtf, toRaw } from '../../btf/index.ts';
import { noElement } from '../../bytes/index.ts';
import { ProblemList, quote, RootletError } from '../../diag/index.ts';
import { Image, SHELL, UNIT } from '../../image/index.ts';
import {
  type BpfObject,
  importObject,
  layOut,
  type MapDefinition,
  type MapSymbol,
  namesOf,
  notesOf,
  parseMapDefinition,
  requireObject,
  staticNotes,
  typeHint,
  type UnitPlace,
  unitOf,
} from '../../object/index.ts';
import { BTF_KIND, mapTypeName } from '../../uapi/index.ts';
import { statedLicense } from '../resolve/index.ts';
import { type SymbolGroup, SymbolReader } from './inspect-symbols.ts';
import type { InspectedMap, InspectedSymbol, Inspection } from './inspection.ts';
import { NO_MAP, NOTHING } from './map-notes.ts';

/** What an inspection has beside symbols other than maps. */
export type Overview = Omit<Inspection, 'programs' | 'functions' | 'variables' | 'externs'>;

export interface Survey {
  readonly place: UnitPlace;
  readonly btf: RawBtf | null;
  /** Valid until something is added to the image. */
  readonly symbols: SymbolReader;
  /** Rows of ATOM, in order. */
  readonly rows: Readonly<Record<SymbolGroup, readonly number[]>>;
  readonly overview: Overview;
}

export function surveyOf(object: BpfObject): Survey {
  requireObject('inspect: object', object);
  const license = statedLicense(object);
  const place = unitOf(object) ?? imported(object);
  layOut(place.image, place.unit, 1);
  const btf = object.btf === null ? null : toRaw(object.btf);
  const symbols = new SymbolReader(place, btf);
  const rows = symbols.rows();
  const problems = new ProblemList();
  const types = { ...NOTHING, name: object.name, byteOrder: object.byteOrder, btf };
  const overview = {
    name: object.name,
    byteOrder: object.byteOrder,
    license,
    maps: rows.maps.map(row => mapAt(symbols, types, row, problems)),
    sections: inspectSections(place),
    types: countTypes(btf),
    notes: [...notesOf(object), ...notesOnPrograms(object, symbols, rows)],
    problems: problems.all,
  };
  return { place, btf, symbols, rows, overview };
}

function imported(object: BpfObject): UnitPlace {
  const image = new Image();
  return { image, unit: importObject(image, object) };
}

/** Programs whose type is not known, and static functions where programs are. */
function notesOnPrograms(object: BpfObject, symbols: SymbolReader, rows: Survey['rows']): readonly string[] {
  const untyped = rows.programs.filter(row => symbols.programTypeOf(row) === null);
  const hasStatics = rows.functions.some(row => symbols.isInProgramSection(row));
  return [
    ...untyped.map(row => untypedNote(symbols.nameOf(row), symbols.sectionOf(row))),
    ...(hasStatics ? staticNotes(object) : []),
  ];
}

function untypedNote(name: string, section: string): string {
  return `program ${quote(name)}: section ${quote(section)} does not specify a program type; ${typeHint(name, section)}`;
}

// --- maps ---------------------------------------------------------------------------------------------------------

function mapAt(symbols: SymbolReader, types: BpfObject, row: number, problems: ProblemList): InspectedMap {
  const symbol = symbols.symbolAt(row);
  const map = { ...NO_MAP, name: symbol.name, btfId: symbols.typeOf(row) };
  return { ...symbol, ...factsOf(types, map, problems) };
}

/** A definition that cannot be read is a problem of its own; the rest of the object is shown. */
function factsOf(object: BpfObject, symbol: MapSymbol, problems: ProblemList): MapFacts {
  try {
    return mapFacts(parseMapDefinition(object, symbol));
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    problems.add(error.problems);
    return UNKNOWN_MAP;
  }
}

type MapFacts = Omit<InspectedMap, keyof InspectedSymbol>;

const UNKNOWN_MAP: MapFacts = {
  type: null,
  keySize: null,
  valueSize: null,
  maxEntries: null,
  flags: null,
  inner: null,
};

function mapFacts(definition: MapDefinition): MapFacts {
  const { keySize, valueSize, maxEntries, flags, inner } = definition;
  return {
    type: mapTypeName(definition.type),
    keySize,
    valueSize,
    maxEntries,
    flags,
    inner: inner === null ? null : mapTypeName(inner.type),
  };
}

// --- sections and types -------------------------------------------------------------------------------------------

/** Sections as they were laid out. */
function inspectSections({ image, unit }: UnitPlace): Inspection['sections'] {
  const nameOf = namesOf(image);
  const first = image.get(UNIT.shells, unit);
  return Array.from({ length: image.get(UNIT.shellCount, unit) }, (_, index) => {
    const shell = first + index;
    return {
      name: nameOf(image.get(SHELL.name, shell)),
      size: image.get(SHELL.size, shell),
      align: image.get(SHELL.placedAlign, shell),
      atoms: image.get(SHELL.memberCount, shell),
    };
  });
}

/** Kinds that an info word has bits for. */
const MOST_KINDS = 32;

function countTypes(btf: RawBtf | null): Record<string, number> {
  if (btf === null) return {};
  const counts = new Uint32Array(MOST_KINDS);
  for (let id = 1; id <= btf.count; id++) {
    const kind = btf.kindOf(id);
    counts[kind] = (counts[kind] ?? noElement(counts, kind)) + 1;
  }
  const names = new Map<number, string>(
    Object.entries(BTF_KIND).map(([name, kind]) => [kind, name.toLowerCase()]),
  );
  const found = Array.from(counts, (count, kind) => [names.get(kind) ?? 'unknown', count] as const);
  return Object.fromEntries(found.filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}
