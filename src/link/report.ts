/** What a link did, as data: who won, who lost and why, what was renamed, how many types remain. */

import { type BpfObject, type BpfSymbol, sizeOfSymbol } from '../object/index.ts';
import { sectionNameOf } from './agree.ts';
import type { Combined } from './combine.ts';
import type { LicenseChoice } from './license.ts';
import type { Rename } from './names.ts';
import { describeSymbol } from './problems.ts';
import type { Resolution, SymbolAt } from './resolve.ts';

export interface ReportedSymbol {
  /** Name in the result. */
  readonly name: string;
  readonly kind: BpfSymbol['kind'];
  /** As C. */
  readonly declaration: string;
  readonly binding: BpfSymbol['binding'];
  readonly section: string;
  /** Bytes. */
  readonly size: number;
  /** Input that it came from. */
  readonly file: string;
}

export interface Discarded {
  readonly name: string;
  readonly kind: BpfSymbol['kind'];
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /**
   * `weak`: overridden by a stronger or earlier definition; `identical`: equal to the one that is kept; `slot`:
   * replaced by a component; `unused`: collected.
   */
  readonly reason: 'weak' | 'identical' | 'slot' | 'unused';
  /** File of the definition that is used instead; null when nothing is. */
  readonly winner: string | null;
}

export interface ReportedRename {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface LinkReport {
  readonly inputs: readonly { readonly name: string; readonly symbols: number; readonly types: number }[];
  readonly symbols: readonly ReportedSymbol[];
  readonly discarded: readonly Discarded[];
  readonly renames: readonly ReportedRename[];
  /** Externs that stay open, for the loader or a later link. */
  readonly unresolved: readonly string[];
  readonly types: { readonly before: number; readonly after: number };
  readonly license: string | null;
  readonly notes: readonly string[];
}

export interface ReportInput {
  readonly objects: readonly BpfObject[];
  readonly resolution: Resolution;
  readonly combined: Combined;
  readonly renames: readonly Rename[];
  readonly license: LicenseChoice;
}

export function reportLink(input: ReportInput): LinkReport {
  const { objects, combined, renames, license } = input;
  const newNames = new Map(renames.map(rename => [rename.symbol, rename.to]));
  return {
    inputs: objects.map(object => ({
      name: object.name,
      symbols: object.symbols.length,
      types: object.btf?.count ?? 0,
    })),
    symbols: combined.object.symbols.flatMap((symbol, index) =>
      symbol.name === '' ? [] : [reportSymbol(input, symbol, index, newNames.get(index) ?? symbol.name)],
    ),
    discarded: overridden(objects, input.resolution),
    renames: renames.map(rename => ({
      file: objects[rename.file]?.name ?? '',
      from: rename.from,
      to: rename.to,
    })),
    unresolved: combined.object.symbols.filter(symbol => symbol.kind === 'extern').map(symbol => symbol.name),
    types: combined.types,
    license: license.license,
    notes: linkNotes(combined.object, license),
  };
}

/** What a user should know although the link went well. */
export function linkNotes(object: BpfObject, license: LicenseChoice): readonly string[] {
  return [...(license.note === null ? [] : [license.note]), ...crowdedSections(object)];
}

/** DATASEC entries that the older form of BTF can count. */
const MAX_OLD_VLEN = 0xffff;

function crowdedSections(object: BpfObject): string[] {
  const counts = new Array<number>(object.sections.length).fill(0);
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'extern' && symbol.kind !== 'function')
      counts[symbol.section] = (counts[symbol.section] ?? 0) + 1;
  }
  return object.sections.flatMap((section, index) => {
    const count = counts[index] ?? 0;
    if (count <= MAX_OLD_VLEN) return [];
    return [
      `section "${section.name}" has ${count} variables; kernels that know only 16-bit vlen in BTF do not load more than ${MAX_OLD_VLEN}`,
    ];
  });
}

function reportSymbol(input: ReportInput, symbol: BpfSymbol, index: number, name: string): ReportedSymbol {
  const { combined, objects } = input;
  return {
    name,
    kind: symbol.kind,
    declaration: describeSymbol(combined.object, symbol),
    binding: symbol.binding,
    section: sectionNameOf(combined.object, symbol),
    size: sizeOfSymbol(symbol),
    file: objects[combined.origins[index]?.file ?? 0]?.name ?? '',
  };
}

function overridden(objects: readonly BpfObject[], resolution: Resolution): Discarded[] {
  return resolution.groups.flatMap(group =>
    group.losers.map((at: SymbolAt): Discarded => {
      const symbol = objects[at.file]?.symbols[at.index];
      return {
        name: group.name,
        kind: symbol?.kind ?? 'extern',
        file: objects[at.file]?.name ?? '',
        size: symbol === undefined ? 0 : sizeOfSymbol(symbol),
        reason: isStrong(symbol) ? 'identical' : 'weak',
        winner: objects[group.winner.file]?.name ?? null,
      };
    }),
  );
}

/** A strong definition only loses to an equal one. */
function isStrong(symbol: BpfSymbol | undefined): boolean {
  return symbol?.binding === 'global' && !(symbol.kind === 'variable' && symbol.common === true);
}
