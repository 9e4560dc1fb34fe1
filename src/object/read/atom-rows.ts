/** Atoms one by one, for the few that kernels do not deal with: rows of columns that look like objects. */

import { ATOM, HEADER, type Image, REFERENCE, SHELL, UNIT } from '../../image/index.ts';
import type { READER } from './kernels/index.ts';

/** A row of ATOM. What is set is set in the column. */
export class AtomRow {
  readonly image: Image;
  readonly row: number;

  constructor(image: Image, row: number) {
    this.image = image;
    this.row = row;
  }

  get(column: number): number {
    return this.image.get(column, this.row);
  }

  set(column: number, value: number): void {
    this.image.set(column, this.row, value);
  }

  get name(): string {
    return this.image.nameText(this.get(ATOM.name));
  }

  get type(): number {
    return this.get(ATOM.type);
  }

  set type(id: number) {
    this.set(ATOM.type, id);
  }

  get size(): number {
    return this.get(ATOM.size) >>> 0;
  }

  get offset(): number {
    return this.get(ATOM.offset) >>> 0;
  }

  get isFunction(): boolean {
    return this.get(ATOM.kind) === 0;
  }

  get isVariable(): boolean {
    return this.get(ATOM.kind) === 1;
  }

  get isMap(): boolean {
    return this.get(ATOM.kind) === 2;
  }

  /** What it is an alias of. */
  get owner(): AtomRow | undefined {
    const owner = this.get(ATOM.owner);
    return owner === 0 ? undefined : new AtomRow(this.image, owner);
  }

  get sectionName(): string {
    return this.image.nameText(this.image.get(SHELL.name, this.get(ATOM.shell)));
  }

  /** Its bytes; a copy. Empty without any. */
  get bytes(): Uint8Array {
    const at = this.get(ATOM.at);
    return at === 0 ? new Uint8Array(0) : this.image.bytes.slice(at, at + this.size);
  }

  /** Zeros instead of its bytes. */
  clear(size: number): void {
    this.set(ATOM.size, size);
    this.set(ATOM.at, this.image.add(new Uint8Array(size)));
  }

  /** Rows of REFERENCE. */
  get references(): readonly number[] {
    const first = this.get(ATOM.references);
    return Array.from({ length: this.get(ATOM.referenceCount) }, (_, index) => first + index);
  }

  /** Gives an atom without references those. */
  setReferences(references: readonly NewReference[]): void {
    if (references.length === 0) return;
    const first = this.image.addRows(REFERENCE, references.length);
    references.forEach(({ kind, place, atom, addend }, index) => {
      this.image.set(REFERENCE.kind, first + index, kind);
      this.image.set(REFERENCE.place, first + index, place);
      this.image.set(REFERENCE.atom, first + index, atom.row);
      this.image.set(REFERENCE.addend, first + index, addend);
    });
    this.set(ATOM.references, first);
    this.set(ATOM.referenceCount, references.length);
  }
}

/** A row of REFERENCE. */
export interface NewReference {
  readonly kind: number;
  readonly place: number;
  readonly atom: AtomRow;
  readonly addend: number;
}

/** All atoms of a unit, aliases included. */
export function atomRows(image: Image, unit: number): readonly AtomRow[] {
  const first = image.get(UNIT.atoms, unit);
  return Array.from(
    { length: image.get(UNIT.atomCount, unit) },
    (_, index) => new AtomRow(image, first + index),
  );
}

/** What the kernels noted, by field of READER. */
export function noted(image: Image, field: (typeof READER)[keyof typeof READER]): number {
  const { words } = image;
  return words[(words[HEADER.reader] ?? 0) + field] ?? 0;
}

/** The text as a NAME. */
export function setName(image: Image, column: number, row: number, text: string): void {
  const name = image.intern(text);
  image.set(column, row, name);
}
