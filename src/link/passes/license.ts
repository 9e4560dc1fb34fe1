/**
 * One license for the result.
 *
 * The kernel has a short list of GPL-compatible spellings. Inputs whose licenses are all on it can be linked;
 * the license of the result is "GPL" unless all agree. Any other text must be the same in all inputs, unless
 * the license of the result is given. Differs from libbpf, which requires identical bytes. Source of the
 * list: include/linux/license.h.
 */

import { type Problem, problem, quote } from '../../diag/index.ts';
import { SHF_ALLOC, SHF_WRITE, SHT_PROGBITS } from '../../elf/index.ts';
import { type BpfObject, sectionOf, type VariableSymbol } from '../../object/index.ts';
import { mayHaveSection, statedLicense } from '../resolve/index.ts';

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

/** `given`: the license of the result, whatever the inputs state; they are not compared then. */
export function chooseLicense(objects: readonly BpfObject[], given?: string): LicenseChoice {
  const stated = objects.flatMap(object => {
    const license = statedLicense(object);
    return license === null ? [] : [{ license, file: object.name }];
  });
  if (given !== undefined) return givenLicense(given, stated);
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

function givenLicense(license: string, stated: readonly Stated[]): LicenseChoice {
  const others = stated.filter(entry => entry.license !== license);
  const replaced = others.map(entry => `${quote(entry.license)} (${entry.file})`).join(', ');
  const note = replaced === '' ? null : `the license is ${quote(license)}, as given, instead of ${replaced}`;
  return { license, note, problems: [] };
}

function licenseProblem(first: Stated, other: Stated): Problem {
  return problem(
    'link-license',
    [other.file],
    `license ${quote(other.license)} cannot be combined with ${quote(first.license)} of ${first.file}`,
    {
      hint:
        'the result would be one program under one license: use the same text, or GPL-compatible ones, everywhere, ' +
        'or specify that of the result: --license TEXT of link and relink',
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
  if (!mayHaveSection(object, 'version')) return undefined;
  for (const symbol of object.symbols)
    if (symbol.kind === 'variable' && sectionOf(object, symbol)?.name === 'version')
      return symbol.bytes ?? undefined;
  return undefined;
}

/** The inputs, the first of which has the given license where none of them states one. */
export function stateLicense(objects: readonly BpfObject[], given?: string): readonly BpfObject[] {
  if (given === undefined || objects.some(object => statedLicense(object) !== null)) return objects;
  return objects.map((object, at) => (at === 0 ? withLicense(object, given) : object));
}

/** The object with its license text replaced, or added; the object itself if nothing changes. */
export function withLicense(object: BpfObject, license: string | null): BpfObject {
  const known = statedLicense(object);
  if (license === null || known === license) return object;
  const bytes = new TextEncoder().encode(`${license}\0`);
  if (known === null) return addLicense(object, bytes);
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

function addLicense(object: BpfObject, bytes: Uint8Array): BpfObject {
  const section = object.sections.length;
  const flags = SHF_ALLOC | SHF_WRITE;
  const shell = { name: 'license', type: SHT_PROGBITS, flags, align: 1, entsize: 0, role: 'data' } as const;
  const variable: VariableSymbol = {
    kind: 'variable',
    name: '_license',
    binding: 'global',
    visibility: 'default',
    origin: { file: object.name, offset: 0 },
    section,
    size: bytes.length,
    align: 1,
    bytes,
    references: [],
    btfId: 0,
  };
  return { ...object, sections: [...object.sections, shell], symbols: [...object.symbols, variable] };
}
