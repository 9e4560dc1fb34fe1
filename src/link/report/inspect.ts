/** What is in an object, as data: programs, functions, maps, variables, externs, sections, types. */

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
import { SymbolReader } from './inspect-symbols.ts';
import type {
  InspectedFunction,
  InspectedMap,
  InspectedSymbol,
  InspectedVariable,
  Inspection,
} from './inspection.ts';

/** What is in an object: programs, functions, maps, variables, externs, sections, types. */
export function inspect(object: BpfObject): Inspection {
  requireObject('inspect: object', object);
  const license = statedLicense(object);
  const place = unitOf(object) ?? imported(object);
  layOut(place.image, place.unit, 1);
  const { name, byteOrder } = object;
  const btf = object.btf === null ? null : toRaw(object.btf);
  const found = new Listing(new SymbolReader(place, btf), { ...NOTHING, name, byteOrder, btf });
  found.addAll();
  const { programs, functions, maps, variables, externs, problems } = found;
  return {
    name,
    byteOrder,
    license,
    programs,
    functions,
    maps,
    variables,
    externs,
    sections: inspectSections(place),
    types: countTypes(btf),
    notes: [
      ...notesOf(object),
      ...programs.flatMap(untypedNote),
      ...(found.hasStatics ? staticNotes(object) : []),
    ],
    problems: problems.all,
  };
}

function imported(object: BpfObject): UnitPlace {
  const image = new Image();
  return { image, unit: importObject(image, object) };
}

function untypedNote({ name, section, programType }: InspectedFunction): string[] {
  if (programType !== null) return [];
  return [
    `program ${quote(name)}: section ${quote(section)} does not specify a program type; ${typeHint(name, section)}`,
  ];
}

/** The symbols of an object by kind. */
class Listing {
  readonly programs: InspectedFunction[] = [];
  readonly functions: InspectedFunction[] = [];
  readonly maps: InspectedMap[] = [];
  readonly variables: InspectedVariable[] = [];
  readonly externs: InspectedSymbol[] = [];
  readonly problems = new ProblemList();
  /** Whether static functions are in sections of programs. */
  hasStatics = false;
  readonly #symbols: SymbolReader;
  /** The object as far as map definitions need it. */
  readonly #types: BpfObject;

  constructor(symbols: SymbolReader, types: BpfObject) {
    this.#symbols = symbols;
    this.#types = types;
  }

  addAll(): void {
    const { first, end } = this.#symbols;
    for (let row = first; row < end; row++) this.#add(row);
  }

  #add(row: number): void {
    const symbols = this.#symbols;
    switch (symbols.kindOf(row)) {
      case 'function':
        this.#addFunction(row);
        break;
      case 'map':
        this.#addMap(row);
        break;
      case 'variable':
        if (symbols.nameOf(row) !== '') this.variables.push(symbols.variableAt(row));
        break;
      case 'extern':
        this.externs.push(symbols.symbolAt(row));
        break;
    }
  }

  #addFunction(row: number): void {
    const symbols = this.#symbols;
    const isProgram = symbols.isProgram(row);
    (isProgram ? this.programs : this.functions).push(symbols.functionAt(row));
    if (!isProgram && symbols.isInProgramSection(row)) this.hasStatics = true;
  }

  #addMap(row: number): void {
    const symbol = this.#symbols.symbolAt(row);
    const map = { ...NO_MAP, name: symbol.name, btfId: this.#symbols.typeOf(row) };
    this.maps.push({ ...symbol, ...factsOf(this.#types, map, this.problems) });
  }
}

/** An object of which only the types count, and a map likewise. */
const NOTHING = { flags: 0, sections: [], symbols: [] } as const;
const NO_MAP = {
  kind: 'map',
  binding: 'global',
  visibility: 'default',
  section: 0,
  origin: { file: '', offset: 0 },
  size: 0,
  align: 1,
  bytes: new Uint8Array(0),
  references: [],
} as const;

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

/** Kinds that an info word has bits for. */
const MOST_KINDS = 32;

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
