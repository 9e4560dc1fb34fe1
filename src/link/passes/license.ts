/**
 * One license for the result.
 *
 * The kernel has a short list of GPL-compatible spellings. Inputs whose licenses are all on it can be linked;
 * the license of the result is "GPL" unless all agree. Any other text must be the same in all inputs. Differs
 * from libbpf, which requires identical bytes. Source of the list: include/linux/license.h.
 */

import { type Problem, problem, quote } from '../../diag/index.ts';
import { type BpfObject, licenseOf, sectionOf } from '../../object/index.ts';

const GPL_COMPATIBLE: ReadonlySet<string> = new Set([
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
]);

export function isGplCompatible(license: string): boolean {
  return GPL_COMPATIBLE.has(license);
}

export interface LicenseChoice {
  /** Null when no input has one. */
  readonly license: string | null;
  /** What was combined, when spellings differ. */
  readonly note: string | null;
  readonly problems: readonly Problem[];
}

export function chooseLicense(objects: readonly BpfObject[]): LicenseChoice {
  const stated = objects.flatMap(object => {
    const license = licenseOf(object);
    return license === null ? [] : [{ license, file: object.name }];
  });
  const first = stated[0];
  if (first === undefined) return { license: null, note: null, problems: [] };
  const other = stated.find(entry => entry.license !== first.license);
  if (other === undefined) return { license: first.license, note: null, problems: [] };
  if (stated.every(entry => isGplCompatible(entry.license))) {
    const spellings = [...new Set(stated.map(entry => entry.license))].map(quote).join(', ');
    return { license: 'GPL', note: `GPL-compatible licenses combined as "GPL": ${spellings}`, problems: [] };
  }
  return { license: first.license, note: null, problems: [licenseProblem(first, other)] };
}

type Stated = { readonly license: string; readonly file: string };

function licenseProblem(first: Stated, other: Stated): Problem {
  return problem(
    'link-license',
    [other.file],
    `license ${quote(other.license)} cannot be combined with ${quote(first.license)} of ${first.file}`,
    {
      hint: 'the result would be one program under one license: use the same text, or GPL-compatible ones, everywhere',
    },
  );
}

/** `version` sections, four bytes, must agree; nothing newer than Linux 5.0 reads them. */
export function versionProblems(objects: readonly BpfObject[]): Problem[] {
  const stated = objects.flatMap(object => {
    const bytes = versionOf(object);
    return bytes === undefined ? [] : [{ file: object.name, text: bytes.join(' ') }];
  });
  const [first, ...others] = stated;
  if (first === undefined) return [];
  return others
    .filter(entry => entry.text !== first.text)
    .map(entry =>
      problem('link-version', [entry.file, 'section "version"'], `differs from that of ${first.file}`),
    );
}

function versionOf(object: BpfObject): Uint8Array | undefined {
  for (const symbol of object.symbols)
    if (symbol.kind === 'variable' && sectionOf(object, symbol)?.name === 'version')
      return symbol.bytes ?? undefined;
  return undefined;
}

/** The object with its license text replaced; the object itself if nothing changes or it has none. */
export function withLicense(object: BpfObject, license: string | null): BpfObject {
  if (license === null || licenseOf(object) === license) return object;
  const bytes = new TextEncoder().encode(`${license}\0`);
  const symbols = object.symbols.map(symbol => {
    if (symbol.kind !== 'variable' || object.sections[symbol.section]?.name !== 'license') return symbol;
    // the variable keeps its size, which is also that of its type; every spelling is at least as long as
    // "GPL"
    const padded = new Uint8Array(Math.max(symbol.size, bytes.length));
    padded.set(bytes);
    return { ...symbol, bytes: padded, size: padded.length };
  });
  return { ...object, symbols };
}
