/** What is in an object, as data: programs, functions, maps, variables, externs, sections, types. */

import { elementAt } from '../../bytes/index.ts';
import { type Problem, ProblemList, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type FunctionSymbol,
  isProgram,
  layoutSections,
  licenseOf,
  type MapDefinition,
  type MapSymbol,
  notesOf,
  parseMapDefinition,
  programsOf,
  programTypeOf,
  requireObject,
  sectionAt,
  sectionNameOf,
  sizeOfSymbol,
  staticNotes,
  symbolOf,
  typeHint,
  type VariableSymbol,
} from '../../object/index.ts';
import { BTF_KIND, INSN_SIZE, mapTypeName, progTypeName } from '../../uapi/index.ts';
import { describeSymbol, expectedSectionOf } from '../resolve/index.ts';

/** What all symbols of an object have. */
export interface InspectedSymbol {
  readonly name: string;
  readonly declaration: string;
  readonly binding: BpfSymbol['binding'];
  readonly visibility: BpfSymbol['visibility'];
  readonly section: string;
}

/** A function or program of an object. */
export interface InspectedFunction extends InspectedSymbol {
  /** Instruction slots. */
  readonly insns: number;
  /** Program type by section name, null for other functions and unknown sections. */
  readonly programType: string | null;
  /** Names of what it refers to, each once, in order of first use. */
  readonly uses: readonly string[];
  readonly lineRecords: number;
  readonly coreRecords: number;
}

/** A global variable of an object: size and offset in its section, in bytes. */
export interface InspectedVariable extends InspectedSymbol {
  readonly size: number;
  readonly offset: number;
}

/** A map of an object. Sizes in bytes; null where its definition cannot be read. */
export interface InspectedMap extends InspectedSymbol {
  readonly type: string | null;
  readonly keySize: number | null;
  readonly valueSize: number | null;
  readonly maxEntries: number | null;
  readonly flags: number | null;
  readonly inner: string | null;
}

/** What is in an object, as `rootlet inspect --json` prints it. Sizes in bytes. */
export interface Inspection {
  readonly name: string;
  readonly byteOrder: BpfObject['byteOrder'];
  readonly license: string | null;
  readonly programs: readonly InspectedFunction[];
  readonly functions: readonly InspectedFunction[];
  readonly maps: readonly InspectedMap[];
  readonly variables: readonly InspectedVariable[];
  readonly externs: readonly InspectedSymbol[];
  readonly sections: readonly {
    readonly name: string;
    readonly size: number;
    readonly align: number;
    readonly atoms: number;
  }[];
  /** BTF kind → number of types. */
  readonly types: Readonly<Record<string, number>>;
  /** What reading changed, such as pins of legacy map definitions; what loaders refuse or ignore, and the way out. */
  readonly notes: readonly string[];
  /** Map definitions that cannot be read. */
  readonly problems: readonly Problem[];
}

/** What is in an object: programs, functions, maps, variables, externs, sections, types. */
export function inspect(object: BpfObject): Inspection {
  requireObject('inspect: object', object);
  const layout = layoutSections(object);
  const programs: InspectedFunction[] = [];
  const functions: InspectedFunction[] = [];
  const maps: InspectedMap[] = [];
  const variables: InspectedVariable[] = [];
  const externs: InspectedSymbol[] = [];
  const problems = new ProblemList();
  for (const [index, symbol] of object.symbols.entries()) {
    switch (symbol.kind) {
      case 'function':
        (isProgram(object, symbol) ? programs : functions).push(inspectFunction(object, symbol));
        break;
      case 'map':
        maps.push({ ...inspectSymbol(object, symbol), ...factsOf(object, symbol, problems) });
        break;
      case 'variable':
        if (symbol.name !== '')
          variables.push(inspectVariable(object, symbol, elementAt(layout.offsets, index)));
        break;
      case 'extern':
        externs.push(inspectSymbol(object, symbol));
        break;
    }
  }
  const sections = layout.sections.map(section => ({
    name: sectionAt(object, section.section).name,
    size: section.size,
    align: section.align,
    atoms: section.atoms.length,
  }));
  const { name, byteOrder } = object;
  return {
    name,
    byteOrder,
    license: licenseOf(object),
    programs,
    functions,
    maps,
    variables,
    externs,
    sections,
    types: countTypes(object),
    notes: [...notesOf(object), ...programNotes(object)],
    problems: problems.all,
  };
}

/** Programs whose type is not known, and static functions in their place. */
export function programNotes(object: BpfObject): readonly string[] {
  const untyped = programsOf(object).flatMap(({ program }) => {
    const section = sectionNameOf(object, program);
    if (programTypeOf(section) !== undefined) return [];
    return [
      `program ${quote(program.name)}: section ${quote(section)} does not specify a program type; ${typeHint(program.name, section)}`,
    ];
  });
  return [...untyped, ...staticNotes(object)];
}

function inspectSymbol(object: BpfObject, symbol: BpfSymbol): InspectedSymbol {
  return {
    name: symbol.name,
    declaration: describeSymbol(object, symbol),
    binding: symbol.binding,
    visibility: symbol.visibility,
    section: expectedSectionOf(object, symbol),
  };
}

/** Field by field, as there are many of them: V8 copies a spread object much more slowly. */
function inspectFunction(object: BpfObject, symbol: FunctionSymbol): InspectedFunction {
  const section = expectedSectionOf(object, symbol);
  const type = isProgram(object, symbol) ? programTypeOf(section) : undefined;
  return {
    name: symbol.name,
    declaration: describeSymbol(object, symbol),
    binding: symbol.binding,
    visibility: symbol.visibility,
    section,
    insns: sizeOfSymbol(symbol) / INSN_SIZE,
    programType: type === undefined ? null : progTypeName(type.progType),
    uses: usedNames(object, symbol),
    lineRecords: symbol.lines.length,
    coreRecords: symbol.coreRecords.length,
  };
}

function usedNames(object: BpfObject, { references }: FunctionSymbol): readonly string[] {
  const used = new Set<string>();
  for (const { symbol } of references) used.add(symbolOf(object, symbol).name);
  used.delete('');
  return [...used];
}

function inspectVariable(object: BpfObject, symbol: VariableSymbol, offset: number): InspectedVariable {
  return {
    name: symbol.name,
    declaration: describeSymbol(object, symbol),
    binding: symbol.binding,
    visibility: symbol.visibility,
    section: expectedSectionOf(object, symbol),
    size: symbol.size,
    offset,
  };
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

function countTypes({ btf }: BpfObject): Record<string, number> {
  if (btf === null) return {};
  const names = new Map<number, string>(
    Object.entries(BTF_KIND).map(([name, kind]) => [kind, name.toLowerCase()]),
  );
  const counts = new Map<string, number>();
  for (let id = 1; id <= btf.count; id++) {
    const name = names.get(btf.kindOf(id)) ?? 'unknown';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
