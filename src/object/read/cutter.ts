import { elementAt, noElement } from '../../bytes/index.ts';
import { counted, inputError, quote } from '../../diag/index.ts';
import { type ElfFile, type ElfSection, type ElfSymbol, STB_LOCAL, STB_WEAK } from '../../elf/index.ts';
import type { Binding, Visibility } from '../model/index.ts';
import type { IsDescribed } from './describe-aliases.ts';
import type { AtomDraft, SectionAtoms } from './draft.ts';

export interface NamedSymbol {
  readonly index: number;
  readonly symbol: ElfSymbol;
}

export interface Cutter {
  readonly elf: ElfFile;
  readonly section: ElfSection;
  readonly atoms: SectionAtoms;
  readonly drafts: AtomDraft[];
  readonly ofElfSymbol: Int32Array;
  readonly symbols: readonly NamedSymbol[];
  /** Offsets that something refers to without a symbol, sorted. */
  readonly addressed: readonly number[];
  readonly isDescribed: IsDescribed;
}

/** Symbols at one place: the one that BTF describes, and its aliases. */
export interface Place {
  readonly first: NamedSymbol;
  readonly aliases: readonly NamedSymbol[];
}

/** Symbols by place; of several of one size at one place, the one that BTF describes owns it. */
export function placesOf(cutter: Cutter, named: readonly NamedSymbol[]): Place[] {
  const groups: NamedSymbol[][] = [];
  for (const one of named) {
    const last = groups.at(-1);
    const before = last?.[0]?.symbol;
    const { value, size } = one.symbol;
    if (last !== undefined && before?.value === value && before.size === size && size > 0) last.push(one);
    else groups.push([one]);
  }
  return groups.map(group => {
    const first =
      group.find(({ symbol }) => cutter.isDescribed(cutter.section.name, symbol.value, symbol.name)) ??
      elementAt(group, 0);
    return { first, aliases: group.filter(one => one !== first) };
  });
}

/** Another name of the atom `owner`. It is not among the atoms of its section. */
export function pushAlias(cutter: Cutter, { index, symbol }: NamedSymbol, owner: number): void {
  const original = cutter.drafts[owner] ?? noElement(cutter.drafts, owner);
  cutter.ofElfSymbol[index] = cutter.drafts.length;
  cutter.drafts.push({
    ...original,
    name: symbol.name,
    binding: bindingOf(symbol),
    visibility: visibilityOf(symbol),
    aliasOf: owner,
  });
}

export function bindingOf(symbol: ElfSymbol): Binding {
  if (symbol.binding === STB_LOCAL) return 'local';
  return symbol.binding === STB_WEAK ? 'weak' : 'global';
}

/** STV_INTERNAL (1) is as good as hidden. */
export function visibilityOf(symbol: ElfSymbol): Visibility {
  return symbol.visibility === 1 || symbol.visibility === 2 ? 'hidden' : 'default';
}

export function pushAtom(cutter: Cutter, draft: AtomDraft): number {
  const index = cutter.drafts.length;
  draft.elfSection = cutter.atoms.elfSection;
  draft.shell = cutter.atoms.shell;
  draft.comdat = cutter.atoms.comdat;
  cutter.drafts.push(draft);
  cutter.atoms.members.push(index);
  cutter.atoms.offsets.push(draft.offset);
  return index;
}

export function placeOf(cutter: Cutter): readonly string[] {
  return [`section ${quote(cutter.section.name)}`];
}

/** First position in a sorted list whose value is at least `wanted`. */
export function firstAtLeast(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? noElement(sorted, middle)) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function overlapError(cutter: Cutter, before: ElfSymbol | undefined, symbol: ElfSymbol): Error {
  const other = quote(before?.name ?? '');
  if (before?.value === symbol.value) {
    const isMap = cutter.atoms.role === 'maps';
    const differs = isMap && before.size === symbol.size;
    const what = differs ? 'BTF describes both' : `has ${counted(symbol.size, 'byte')}, not ${before.size}`;
    return inputError(
      'object-alias',
      [...placeOf(cutter), quote(symbol.name)],
      `is at the place of ${other}, but ${what}`,
      {
        offset: symbol.value,
        hint: differs
          ? 'declare the other name of a map extern'
          : 'symbols at one place are aliases if their sizes are equal: set both with .size',
      },
    );
  }
  return inputError('object-overlap', [...placeOf(cutter), quote(symbol.name)], `overlaps ${other}`, {
    offset: symbol.value,
  });
}
