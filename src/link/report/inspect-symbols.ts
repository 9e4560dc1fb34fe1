/**
 * Symbols as inspection shows them, straight from columns. Separate, because it is what takes time: an object may
 * have tens of thousands of symbols, of which a listing shows neither code nor records.
 */

import type { RawBtf } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { ATOM, type Image, NAME, REFERENCE, SHELL, UNIT } from '../../image/index.ts';
import {
  type BpfSymbol,
  columnOf,
  isProgramPlace,
  isTextSection,
  namesOf,
  programTypeOf,
  type UnitPlace,
} from '../../object/index.ts';
import { INSN_SIZE, progTypeName } from '../../uapi/index.ts';
import { describeSymbol } from '../resolve/index.ts';
import type { InspectedFunction, InspectedSymbol, InspectedVariable } from './inspection.ts';

const KINDS = ['function', 'variable', 'map', 'extern'] as const;
const BINDINGS = ['local', 'global', 'weak'] as const;

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

  /** Whether a function, static or not, is where loaders take programs from. */
  isInProgramSection(row: number): boolean {
    return !this.#placeOf(row).isText;
  }

  isProgram(row: number): boolean {
    return isProgramPlace(this.#placeOf(row).isText, this.#bindingOf(row));
  }

  /** Field by field, as there are many symbols: V8 copies a spread object much more slowly. So are the next ones. */
  symbolAt(row: number): InspectedSymbol {
    return {
      name: this.nameOf(row),
      declaration: this.#declarationOf(row),
      binding: this.#bindingOf(row),
      visibility: this.#visibilityOf(row),
      section: this.#sectionOf(row),
    };
  }

  functionAt(row: number): InspectedFunction {
    const atom = this.#atom;
    const size = elementAt(atom.at, row) === 0 ? 0 : elementAt(atom.size, row);
    return {
      name: this.nameOf(row),
      declaration: this.#declarationOf(row),
      binding: this.#bindingOf(row),
      visibility: this.#visibilityOf(row),
      section: this.#sectionOf(row),
      insns: size / INSN_SIZE,
      programType: this.isProgram(row) ? this.#placeOf(row).programType : null,
      uses: this.#usesOf(row),
      lineRecords: elementAt(atom.lineCount, row),
      coreRecords: elementAt(atom.recordCount, row),
    };
  }

  variableAt(row: number): InspectedVariable {
    return {
      name: this.nameOf(row),
      declaration: this.#declarationOf(row),
      binding: this.#bindingOf(row),
      visibility: this.#visibilityOf(row),
      section: this.#sectionOf(row),
      size: elementAt(this.#atom.size, row) >>> 0,
      offset: elementAt(this.#atom.place, row),
    };
  }

  #declarationOf(row: number): string {
    const symbol = {
      kind: this.kindOf(row),
      name: this.nameOf(row),
      binding: this.#bindingOf(row),
      btfId: this.typeOf(row),
    };
    return describeSymbol(this.#types, symbol);
  }

  #bindingOf(row: number): BpfSymbol['binding'] {
    return elementAt(BINDINGS, elementAt(this.#atom.binding, row));
  }

  #visibilityOf(row: number): BpfSymbol['visibility'] {
    return elementAt(this.#atom.visibility, row) === 1 ? 'hidden' : 'default';
  }

  #placeOf(row: number): Place {
    return elementAt(this.#places, elementAt(this.#atom.shell, row) - this.#firstShell);
  }

  /** Of an extern: the one that it would be in. */
  #sectionOf(row: number): string {
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
