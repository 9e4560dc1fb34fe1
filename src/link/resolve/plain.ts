/**
 * What columns show of objects whose symbols have not been made. Rules that have nothing to do on most objects ask
 * here first. Each answer is "maybe" where an object has no columns, since its symbols are there already.
 */

import { decodeText, elementAt } from '../../bytes/index.ts';
import { ATOM, ATOM_KIND, type Image, UNIT } from '../../image/index.ts';
import { type BpfObject, extrasOf, licenseOf, unitOf } from '../../object/index.ts';
import * as kernels from './plain.kernel.ts';

function maybe(object: BpfObject, ask: (image: Image, unit: number) => number): boolean {
  const place = unitOf(object);
  return place === undefined || ask(place.image, place.unit) !== 0;
}

/** Functions that are static outside of `.text`, or in `.text.NAME`. */
export function mayHaveStrayFunctions(object: BpfObject): boolean {
  return maybe(object, (image, unit) => {
    const text = image.intern('.text');
    return image.run(kernels).hasStrayFunction(unit, text);
  });
}

/** Functions without types or lines among others that have them. */
export function mayLackFunctionTypes(object: BpfObject): boolean {
  return maybe(object, (image, unit) => image.run(kernels).lacksFunctionTypes(unit));
}

/** Static functions or maps with the name of another symbol. */
export function mayHaveNamesakes(object: BpfObject): boolean {
  return maybe(object, (image, unit) => image.run(kernels).hasNamesake(unit));
}

/** Maps with a member `pinning`. */
export function mayHavePinnedMaps(object: BpfObject): boolean {
  return maybe(object, (image, unit) => {
    const pinning = image.intern('pinning');
    return image.run(kernels).hasMapMember(unit, pinning);
  });
}

/** Declaration tags that begin with a text. */
export function mayHaveTags(object: BpfObject, prefix: string): boolean {
  return maybe(object, (image, unit) => {
    const name = image.intern(prefix);
    return image.run(kernels).hasTag(unit, name);
  });
}

export function mayHaveSection(object: BpfObject, section: string): boolean {
  return maybe(object, (image, unit) => {
    const name = image.intern(section);
    return image.run(kernels).hasSection(unit, name);
  });
}

/** Sections with more variables and maps than `limit`. */
export function mayHaveMoreVariables(object: BpfObject, limit: number): boolean {
  return maybe(object, (image, unit) => (image.run(kernels).mostVariables(unit) > limit ? 1 : 0));
}

/** How many variables and maps each section has; their symbols are not made. */
export function variablesOfSections(object: BpfObject): readonly number[] {
  const counts = new Array<number>(object.sections.length).fill(0);
  const count = (section: number): void => {
    counts[section] = elementAt(counts, section) + 1;
  };
  const place = unitOf(object);
  if (place === undefined) {
    for (const symbol of object.symbols)
      if (symbol.kind === 'variable' || symbol.kind === 'map') count(symbol.section);
    return counts;
  }
  const { image, unit } = place;
  const [shells, first] = [image.get(UNIT.shells, unit), image.get(UNIT.atoms, unit)];
  const end = first + image.get(UNIT.atomCount, unit);
  for (let atom = first; atom < end; atom++) {
    const kind = image.get(ATOM.kind, atom);
    if (kind === ATOM_KIND.variable || kind === ATOM_KIND.map) count(image.get(ATOM.shell, atom) - shells);
  }
  return counts;
}

/** Problems that a tolerant reader kept. */
export function mayHaveFaults(object: BpfObject): boolean {
  return maybe(object, (image, unit) => {
    const { faults, faultsOf } = extrasOf(image, unit);
    return faults.length + faultsOf.size;
  });
}

/** As `licenseOf`. */
export function statedLicense(object: BpfObject): string | null {
  const place = unitOf(object);
  if (place === undefined) return licenseOf(object);
  const { image, unit } = place;
  const section = image.intern('license');
  const atom = image.run(kernels).firstVariable(unit, section);
  if (atom === 0) return null;
  const at = image.get(ATOM.at, atom);
  const bytes = image.bytes.subarray(at, at + image.get(ATOM.size, atom));
  const end = bytes.indexOf(0);
  return decodeText(end < 0 ? bytes : bytes.subarray(0, end));
}
