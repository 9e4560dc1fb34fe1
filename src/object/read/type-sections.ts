/**
 * The sections `.BTF` and `.BTF.ext` of a file.
 *
 * Types are optional, as for libbpf: a tolerant reader leaves out what is malformed, unless something in the
 * file has a meaning only with it.
 */

import { readUnitTypes } from '../../btf/index.ts';
import { viewOf } from '../../bytes/index.ts';
import { addFrame, type Problem, RootletError } from '../../diag/index.ts';
import { SHN_UNDEF, SHT_NOBITS } from '../../elf/index.ts';
import { type Image, NAME, SECTION, SYMBOL, UNIT } from '../../image/index.ts';
import type { Reading } from './reading.ts';

/** What was left out of types and records. */
export interface ReadTypes {
  readonly faults: readonly Problem[];
  readonly notes: readonly string[];
}

/** Reads both sections into columns. With `keepFaults`, what is malformed is left out if nothing needs it. */
export function readTypes(reading: Reading): ReadTypes {
  const { image, unit, options } = reading;
  const core = hasCore(image, unit); // before its numbers are turned to host order
  const faults: Problem[] = [];
  const step = (section: string, body: () => void): void =>
    reading.attempt(() => {
      try {
        body();
      } catch (error) {
        leaveOut(image, unit, section);
        if (options.keepFaults !== true || !(error instanceof RootletError)) throw error;
        const need = needOf(image, unit, section, core);
        if (need !== undefined) throw explained(error, need);
        faults.push(...addFrame(error, reading.name).problems);
      }
    });
  readUnitTypes(image, unit, { step });
  const ignored = faults.map(({ where, message }) => `${where.join(': ')}: is ignored: ${message}`);
  const isLost = core && image.get(UNIT.typed, unit) === 0;
  return { faults, notes: [...ignored, ...(isLost ? [lostCore(reading.name)] : [])] };
}

/** A section is read as a whole, or not at all. */
function leaveOut(image: Image, unit: number, section: string): void {
  if (section === '.BTF') image.set(UNIT.typed, unit, 0);
  for (const count of [UNIT.functionInfoCount, UNIT.lineInfoCount, UNIT.coreInfoCount])
    image.set(count, unit, 0);
}

/** What in the file means nothing without the section; undefined when nothing does. */
function needOf(image: Image, unit: number, section: string, core: boolean): string | undefined {
  if (core) return 'its CO-RE relocations need it';
  if (section !== '.BTF') return undefined;
  const typed = typedSection(image, unit);
  if (typed !== undefined) return `section "${typed}" needs it`;
  const open = openSymbol(image, unit);
  return open === undefined ? undefined : `extern "${open}" needs it`;
}

/** Sections whose contents only their types describe. */
const NEEDS_TYPES = /^(\.maps|\??\.struct_ops(\.link)?)$/;

function typedSection(image: Image, unit: number): string | undefined {
  const first = image.get(UNIT.sections, unit);
  for (let row = first; row < first + image.get(UNIT.sectionCount, unit); row++) {
    const name = image.get(SECTION.size, row) === 0 ? '' : image.nameText(image.get(SECTION.name, row));
    if (NEEDS_TYPES.test(name)) return name;
  }
  return undefined;
}

function openSymbol(image: Image, unit: number): string | undefined {
  const first = image.get(UNIT.symbols, unit);
  for (let row = first; row < first + image.get(UNIT.symbolCount, unit); row++) {
    const name = image.get(SYMBOL.name, row);
    if (name !== 0 && image.get(SYMBOL.section, row) === SHN_UNDEF) return image.nameText(name);
  }
  return undefined;
}

function explained(error: RootletError, need: string): RootletError {
  const hint = `types are optional in other objects, but ${need}`;
  return new RootletError(error.problems.map(problem => ({ ...problem, hint: problem.hint ?? hint })));
}

/** Where the header of `.BTF.ext` has the length of its CO-RE part; headers that end before have none. */
const CORE_LENGTH = 28;
/** Each part begins with the size of its records. */
const RECORD_SIZE = 4;

/** Whether `.BTF.ext` has CO-RE relocations, as far as its header says. */
function hasCore(image: Image, unit: number): boolean {
  const first = image.get(UNIT.sections, unit);
  const row = image.get(NAME.section, image.intern('.BTF.ext'));
  if (row < first || row >= first + image.get(UNIT.sectionCount, unit)) return false;
  const [at, size] = [image.get(SECTION.at, row), image.get(SECTION.size, row)];
  if (image.get(SECTION.type, row) === SHT_NOBITS || size < CORE_LENGTH + 4) return false;
  const view = viewOf(image.bytes.subarray(at, at + size));
  const little = image.get(UNIT.order, unit) === 0;
  return view.getUint32(4, little) > CORE_LENGTH && view.getUint32(CORE_LENGTH, little) > RECORD_SIZE;
}

/** CO-RE relocations refer to types. Without any they are not applied, by libbpf neither. */
function lostCore(name: string): string {
  return `${name}: section ".BTF.ext": has CO-RE relocations, which are not applied without .BTF`;
}
