/** What is in an object, as data: programs, functions, maps, variables, externs, sections, types. */

import { elementAt } from '../../bytes/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isProgram,
  layoutSections,
  licenseOf,
  type MapDefinition,
  parseMapDefinition,
  programTypeOf,
  requireObject,
  sectionAt,
  sizeOfSymbol,
  symbolOf,
} from '../../object/index.ts';
import { BTF_KIND, mapTypeName, progTypeName } from '../../uapi/index.ts';
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

/** A map of an object. Sizes in bytes. */
export interface InspectedMap extends InspectedSymbol {
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
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
  /** What the file has besides, without effect. */
  readonly leftOut: readonly string[];
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
  object.symbols.forEach((symbol, index) => {
    const base = inspectSymbol(object, symbol);
    switch (symbol.kind) {
      case 'function':
        (isProgram(object, symbol) ? programs : functions).push(inspectFunction(object, symbol, base));
        return;
      case 'map':
        maps.push({ ...base, ...mapFacts(parseMapDefinition(object, symbol)) });
        return;
      case 'variable':
        if (symbol.name !== '')
          variables.push({ ...base, size: symbol.size, offset: elementAt(layout.offsets, index) });
        return;
      case 'extern':
        externs.push(base);
        return;
    }
  });
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
    leftOut: object.leftOut === undefined ? [] : object.leftOut,
  };
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

function inspectFunction(
  object: BpfObject,
  symbol: Extract<BpfSymbol, { kind: 'function' }>,
  base: InspectedSymbol,
): InspectedFunction {
  const used = symbol.references
    .map(reference => symbolOf(object, reference.symbol).name)
    .filter(name => name !== '');
  const type = isProgram(object, symbol) ? programTypeOf(base.section) : undefined;
  return {
    ...base,
    insns: sizeOfSymbol(symbol) / 8,
    programType: type === undefined ? null : progTypeName(type.progType),
    uses: [...new Set(used)],
    lineRecords: symbol.lines.length,
    coreRecords: symbol.coreRecords.length,
  };
}

function mapFacts(definition: MapDefinition): Omit<InspectedMap, keyof InspectedSymbol> {
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
