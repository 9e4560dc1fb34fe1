/**
 * Symbols as inspection shows them, straight from columns. Separate, because it is what takes time: an object may
 * have tens of thousands of symbols, of which a listing shows neither code nor records.
 */

import type { RawBtf } from '../../btf/index.ts';
import { elementAt, noElement } from '../../bytes/index.ts';
import { ATOM, ATOM_KIND, columnOf, type Image, NAME, REFERENCE, SHELL, UNIT } from '../../image/index.ts';
import {
  type BpfSymbol,
  isProgramPlace,
  isTextSection,
  namesOf,
  programTypeOf,
  type UnitPlace,
} from '../../object/index.ts';
import { INSN_SIZE, progTypeName } from '../../uapi/index.ts';
import { describeSymbol } from '../resolve/index.ts';
import type { InspectedFunction, InspectedSymbol, InspectedVariable } from './inspection.ts';

/** Words by the numbers of columns. */
const KINDS = ['function', 'variable', 'map', 'extern'] as const;
export const BINDINGS = ['local', 'global', 'weak'] as const;

export const VISIBILITIES = ['default', 'hidden'] as const;

/** What the declaration of a symbol depends on beside its name. */
export function declaredAt(image: Image, row: number): Pick<BpfSymbol, 'kind' | 'binding' | 'btfId'> {
  return {
    kind: elementAt(KINDS, image.get(ATOM.kind, row)),
    binding: elementAt(BINDINGS, image.get(ATOM.binding, row)),
    btfId: image.get(ATOM.type, row),
  };
}

/** A section that symbols are in. */
interface Place {
  readonly name: string;
  readonly isText: boolean;
  /** Of the programs in it; null for an unknown section. */
  readonly programType: string | null;
}

/** Reads rows of ATOM of a unit that is laid out; valid until a kernel runs. */
export class SymbolReader {
  /** First row, and the one after the last. */
  readonly first: number;
  readonly end: number;
  readonly #types: { readonly btf: RawBtf | null };
  readonly #names: (name: number) => string;
  readonly #firstShell: number;
  readonly #places: readonly Place[];
  /** By section and binding: whether a function is a program there. */
  readonly #programs: Uint8Array;
  readonly #atom: AtomColumns;
  readonly #targets: Int32Array;
  /** By name: the function whose uses it was last among. */
  readonly #usedBy: Int32Array;

  constructor({ image, unit }: UnitPlace, btf: RawBtf | null) {
    this.first = image.get(UNIT.atoms, unit);
    this.end = this.first + image.get(UNIT.atomCount, unit);
    this.#types = { btf };
    this.#names = namesOf(image);
    this.#firstShell = image.get(UNIT.shells, unit);
    this.#places = Array.from({ length: image.get(UNIT.shellCount, unit) }, (_, index) =>
      placeOf(this.#names(image.get(SHELL.name, this.#firstShell + index))),
    );
    this.#programs = Uint8Array.from(
      this.#places.flatMap(({ isText }) =>
        BINDINGS.map(binding => (isProgramPlace(isText, binding) ? 1 : 0)),
      ),
    );
    this.#atom = atomColumns(image);
    this.#targets = columnOf(image, REFERENCE.atom);
    this.#usedBy = new Int32Array(image.count(NAME));
  }

  kindOf(row: number): BpfSymbol['kind'] {
    return elementAt(KINDS, elementAt(this.#atom.kind, row));
  }

  nameOf(row: number): string {
    return this.#names(elementAt(this.#atom.name, row));
  }

  /** BtfId; 0: none. */
  typeOf(row: number): number {
    return elementAt(this.#atom.type, row);
  }

  /** Types of programs by section; null for sections that are not known. */
  get programTypes(): readonly (string | null)[] {
    return this.#places.map(({ programType }) => programType);
  }

  /** Rows by the block of a listing that they are in. Without calls, as there are many symbols. */
  rows(): Record<SymbolGroup, number[]> {
    const rows: Record<SymbolGroup, number[]> = {
      programs: [],
      functions: [],
      maps: [],
      variables: [],
      externs: [],
    };
    const { programs, functions, maps, variables, externs } = rows;
    const { kind, name } = this.#atom;
    for (let row = this.first; row < this.end; row++) {
      switch (kind[row]) {
        case ATOM_KIND.function:
          (this.isProgram(row) ? programs : functions).push(row);
          break;
        case ATOM_KIND.map:
          maps.push(row);
          break;
        case ATOM_KIND.variable:
          if (name[row] !== 0) variables.push(row);
          break;
        default:
          externs.push(row);
          break;
      }
    }
    return rows;
  }

  /** Whether a function, static or not, is where loaders take programs from. */
  isInProgramSection(row: number): boolean {
    return !this.#placeOf(row).isText;
  }

  isProgram(row: number): boolean {
    const { shell, binding } = this.#atom;
    const place = (shell[row] ?? noElement(shell, row)) - this.#firstShell;
    return this.#programs[place * BINDINGS.length + (binding[row] ?? noElement(binding, row))] === 1;
  }

  /** Field by field, as there are many symbols: V8 copies a spread object much more slowly. So are the next ones. */
  symbolAt(row: number): InspectedSymbol {
    return {
      name: this.nameOf(row),
      declaration: this.#declarationOf(row),
      binding: this.bindingOf(row),
      visibility: this.visibilityOf(row),
      section: this.sectionOf(row),
    };
  }

  functionAt(row: number): InspectedFunction {
    const atom = this.#atom;
    return {
      name: this.nameOf(row),
      declaration: this.#declarationOf(row),
      binding: this.bindingOf(row),
      visibility: this.visibilityOf(row),
      section: this.sectionOf(row),
      insns: this.insnsOf(row),
      programType: this.programTypeOf(row),
      uses: this.#usesOf(row),
      lineRecords: elementAt(atom.lineCount, row),
      coreRecords: elementAt(atom.recordCount, row),
    };
  }

  variableAt(row: number): InspectedVariable {
    return {
      name: this.nameOf(row),
      declaration: this.#declarationOf(row),
      binding: this.bindingOf(row),
      visibility: this.visibilityOf(row),
      section: this.sectionOf(row),
      size: this.sizeOf(row),
      offset: elementAt(this.#atom.place, row),
    };
  }

  #declarationOf(row: number): string {
    const symbol = {
      kind: this.kindOf(row),
      name: this.nameOf(row),
      binding: this.bindingOf(row),
      btfId: this.typeOf(row),
    };
    return describeSymbol(this.#types, symbol);
  }

  /** Instruction slots of a function. */
  insnsOf(row: number): number {
    const { at, size } = this.#atom;
    return at[row] === 0 ? 0 : (size[row] ?? noElement(size, row)) / INSN_SIZE;
  }

  /** Bytes of a variable. */
  sizeOf(row: number): number {
    return elementAt(this.#atom.size, row) >>> 0;
  }

  /** Of a program, by its section; null for other functions, and where the section is not known. */
  programTypeOf(row: number): string | null {
    return this.isProgram(row) ? this.#placeOf(row).programType : null;
  }

  bindingOf(row: number): BpfSymbol['binding'] {
    return elementAt(BINDINGS, elementAt(this.#atom.binding, row));
  }

  visibilityOf(row: number): BpfSymbol['visibility'] {
    return elementAt(VISIBILITIES, elementAt(this.#atom.visibility, row));
  }

  #placeOf(row: number): Place {
    return elementAt(this.#places, elementAt(this.#atom.shell, row) - this.#firstShell);
  }

  /** Of an extern: the one that it would be in. */
  sectionOf(row: number): string {
    if (elementAt(this.#atom.shell, row) !== 0) return this.#placeOf(row).name;
    return this.#names(elementAt(this.#atom.section, row));
  }

  /** Names of what an atom refers to, each once. */
  #usesOf(row: number): readonly string[] {
    const count = elementAt(this.#atom.referenceCount, row);
    if (count === 0) return NONE;
    const first = elementAt(this.#atom.references, row);
    const found: string[] = [];
    for (let reference = first; reference < first + count; reference++) {
      const name = elementAt(this.#atom.name, elementAt(this.#targets, reference));
      if (name === 0 || this.#usedBy[name] === row) continue;
      this.#usedBy[name] = row;
      found.push(this.#names(name));
    }
    return found;
  }
}

const NONE: readonly never[] = [];

/** Blocks of a listing. */
export type SymbolGroup = 'programs' | 'functions' | 'maps' | 'variables' | 'externs';

function placeOf(name: string): Place {
  const type = programTypeOf(name);
  const programType = type === undefined ? null : progTypeName(type.progType);
  return { name, isText: isTextSection(name), programType };
}

type AtomColumns = ReturnType<typeof atomColumns>;

function atomColumns(image: Image) {
  return {
    kind: columnOf(image, ATOM.kind),
    name: columnOf(image, ATOM.name),
    binding: columnOf(image, ATOM.binding),
    visibility: columnOf(image, ATOM.visibility),
    type: columnOf(image, ATOM.type),
    shell: columnOf(image, ATOM.shell),
    section: columnOf(image, ATOM.section),
    at: columnOf(image, ATOM.at),
    size: columnOf(image, ATOM.size),
    place: columnOf(image, ATOM.place),
    references: columnOf(image, ATOM.references),
    referenceCount: columnOf(image, ATOM.referenceCount),
    lineCount: columnOf(image, ATOM.lineCount),
    recordCount: columnOf(image, ATOM.recordCount),
  };
}
