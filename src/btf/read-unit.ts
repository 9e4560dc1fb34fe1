/**
 * Types and records of a unit, in columns (`btfOf` and `recordsOf` give them as `RawBtf` and `ParsedExt`).
 *
 * Separate from the sections' bytes, since it knows where a unit has them.
 */

import { type Image, SECTION, UNIT } from '../image/index.ts';
import { readRecordsAt, readTypesAt, type SectionPlace } from './binary/index.ts';

/** Runs the reading of one section; may catch its error, which leaves the unit without it. */
export type ReadStep = (section: '.BTF' | '.BTF.ext', body: () => void) => void;

export interface ReadUnitOptions {
  /** Called for `.BTF`, then for `.BTF.ext`, also where the unit has no such section. */
  readonly step?: ReadStep;
}

/**
 * Fills the columns of UNIT, TYPE, FUNCTION_INFO, LINE_INFO and CORE_INFO from the first sections `.BTF` and
 * `.BTF.ext` of a unit, whose rows of SECTION have contents. Throws the first rule that they break, with places
 * that start with the section.
 */
export function readUnitTypes(image: Image, unit: number, options: ReadUnitOptions = {}): void {
  const step: ReadStep = options.step ?? ((_, body) => body());
  step('.BTF', () => {
    const row = sectionRow(image, unit, '.BTF');
    if (row !== 0) readTypesAt(image, unit, placeOf(image, row));
  });
  step('.BTF.ext', () => {
    const row = image.get(UNIT.typed, unit) === 0 ? 0 : sectionRow(image, unit, '.BTF.ext');
    if (row !== 0) readRecordsAt(image, unit, placeOf(image, row));
  });
}

/** The first section of that name; 0 for none. */
function sectionRow(image: Image, unit: number, text: string): number {
  const name = image.intern(text);
  const first = image.get(UNIT.sections, unit);
  const end = first + image.get(UNIT.sectionCount, unit);
  for (let row = first; row < end; row++) if (image.get(SECTION.name, row) === name) return row;
  return 0;
}

function placeOf(image: Image, row: number): SectionPlace {
  return { at: image.get(SECTION.at, row), size: image.get(SECTION.size, row) };
}
