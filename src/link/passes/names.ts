/**
 * Names that must be unique in one object.
 *
 * Global names of different components, and static functions and maps of one name, get a prefix from the
 * component's file name, or a number. Only full names count: a name that does not clash is kept, and maps
 * that differ after the 15th character, where the kernel cuts names, do not clash. The name of a pinned map
 * is used outside and never changes: other symbols of that name are renamed.
 */

import { elementAt } from '../../bytes/index.ts';
import { type Problem, problem, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isProgram,
  type SymbolIndex,
  sectionNameOf,
  symbolOf,
} from '../../object/index.ts';
import { inputName, mayHaveNamesakes } from '../resolve/index.ts';
import type { Combined } from './combine.ts';

/** BPF_OBJ_NAME_LEN is 16, the last byte is NUL. */
export const KERNEL_NAME_LENGTH = 15;
/** Kernels before 6.1 take identifiers of up to 127 characters in BTF; a few are left for a number. */
const LONGEST_NEW_NAME = 120;

export interface Rename {
  readonly symbol: SymbolIndex;
  readonly from: string;
  readonly to: string;
  /** Input that the symbol came from. */
  readonly file: number;
  /** `clash`: another symbol has the name; `pinned`: it is the name of a pinned map. */
  readonly reason: 'clash' | 'pinned';
  /** A symbol that had the name too. */
  readonly namesake: SymbolIndex;
}

export interface NamingInput {
  readonly combined: Combined;
  /** Prefix for each input; null for one whose names must be kept (the rootlet). */
  readonly labels: readonly (string | null)[];
  /** Pinned maps, which keep their names. Default: none. */
  readonly pinned?: ReadonlySet<SymbolIndex>;
  /**
   * Prefix for names that clash with a pinned map although their input has no label. Default: they are kept.
   */
  readonly yielding?: string;
}

/**
 * Renames for clashes between inputs. In each clash every symbol of a labelled input is renamed, but no
 * pinned map.
 */
export function separateNames(input: NamingInput): Rename[] {
  const { object, origins } = input.combined;
  const namesakes = namesakesOf(input);
  const taken = new TakenNames(object.symbols.map(symbol => symbol.name));
  return object.symbols.flatMap((symbol, index): Rename[] => {
    const clash = clashOf(input, namesakes, index);
    if (clash === undefined) return [];
    const { reason, namesake } = clash;
    const file = elementAt(origins, index).file;
    const label = input.labels[file] ?? (reason === 'pinned' ? input.yielding : undefined);
    if (label === undefined || cannotYield(input, index)) return [];
    const to = freeName(labelled(label, symbol.name), taken);
    return [{ symbol: index, from: symbol.name, to, file, reason, namesake }];
  });
}

/** Names of the rootlet that clash with a pinned map and cannot be changed: they are used outside as well. */
export function fixedNames(input: NamingInput, objects: readonly BpfObject[]): Problem[] {
  const { object, origins } = input.combined;
  const namesakes = namesakesOf(input);
  return object.symbols.flatMap((symbol, index) => {
    const clash = clashOf(input, namesakes, index);
    if (clash?.reason !== 'pinned' || !cannotYield(input, index)) return [];
    const fileOf = (at: SymbolIndex): string => inputName(objects, elementAt(origins, at).file);
    const what = symbol.kind === 'function' ? 'program' : symbol.kind;
    return [
      problem(
        'link-pin-name',
        [fileOf(index)],
        `${what} ${quote(symbol.name)} has the name of a map that ${fileOf(clash.namesake)} pins; both names are known outside`,
        {
          hint: `rename one of them (--redefine-sym FILE:${symbol.name}=NEW), or the program of a chain (--chain-name NEW)`,
        },
      ),
    ];
  });
}

/** In an input without a label: programs and struct_ops maps, which have their names in the kernel. */
function cannotYield({ combined, labels }: NamingInput, index: SymbolIndex): boolean {
  const { object, origins } = combined;
  const symbol = symbolOf(object, index);
  if ((labels[elementAt(origins, index).file] ?? null) !== null) return false;
  return isProgram(object, symbol) || sectionNameOf(object, symbol).includes('.struct_ops');
}

interface Clash {
  readonly reason: Rename['reason'];
  readonly namesake: SymbolIndex;
}

/** Why a symbol cannot keep its name. */
function clashOf(
  { combined, pinned }: NamingInput,
  namesakes: ReadonlyMap<string, Namesakes>,
  index: SymbolIndex,
): Clash | undefined {
  const symbol = symbolOf(combined.object, index);
  if (!canClash(symbol) || pinned?.has(index) === true) return undefined;
  const { pin, first, second, foreign } = namesakes.get(symbol.name) ?? { first: index };
  if (pin !== undefined) return { reason: 'pinned', namesake: pin };
  if (second === undefined) return undefined;
  const isSameFile = combined.origins[first]?.file === combined.origins[index]?.file;
  const near = first === index ? second : first;
  return { reason: 'clash', namesake: isSameFile ? (foreign ?? near) : first };
}

/** Symbols of one name, to be renamed until each is unique. */
interface Namesakes {
  readonly first: SymbolIndex;
  second?: SymbolIndex;
  /** First one of another input than `first`. */
  foreign?: SymbolIndex;
  /** A pinned map. */
  pin?: SymbolIndex;
}

/** Symbols by name, without those that may share one. */
function namesakesOf({ combined, pinned }: NamingInput): Map<string, Namesakes> {
  const byName = new Map<string, Namesakes>();
  const fileOf = (index: SymbolIndex): number | undefined => combined.origins[index]?.file;
  combined.object.symbols.forEach((symbol, index) => {
    if (!canClash(symbol)) return;
    const known = byName.get(symbol.name) ?? { first: index };
    byName.set(symbol.name, known);
    if (known.first !== index) known.second ??= index;
    if (fileOf(known.first) !== fileOf(index)) known.foreign ??= index;
    if (pinned?.has(index) === true) known.pin ??= index;
  });
  return byName;
}

/** Static variables may share a name: they are not looked up. */
function canClash(symbol: BpfSymbol): boolean {
  if (symbol.name === '' || symbol.kind === 'extern') return false;
  return symbol.binding !== 'local' || symbol.kind !== 'variable';
}

/** Names in use. Numeric suffixes are counted on, so many equal names do not take longer each. */
class TakenNames {
  readonly #names: Set<string>;
  readonly #nextNumber = new Map<string, number>();

  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
  }

  /** `wanted`, or the first of its numbered forms that is unused; it is in use from then on. */
  take(wanted: string, numbered: (number: number) => string): string {
    let name = wanted;
    let number = this.#nextNumber.get(wanted) ?? 2;
    while (this.#names.has(name)) name = numbered(number++);
    if (number > 2) this.#nextNumber.set(wanted, number);
    this.#names.add(name);
    return name;
  }
}

function freeName(wanted: string, taken: TakenNames): string {
  return taken.take(wanted, number => `${wanted}_${number}`);
}

/** `label_name`; of a very long one the label is cut. */
function labelled(label: string, name: string): string {
  const room = Math.max(1, LONGEST_NEW_NAME - 1 - name.length);
  return `${label.slice(0, room)}_${name}`;
}

// --- static names -------------------------------------------------------------------------------------------------

/**
 * Static functions and static maps of one name: the second and later get a number. Loaders that keep them by
 * name (cilium/ebpf, and rootlet for maps) need this; libbpf does not for functions, and refuses static maps.
 * Pinned maps keep their names.
 */
export function separateStatics(combined: Combined, pinned: ReadonlySet<SymbolIndex>): Rename[] {
  if (pinned.size === 0 && !mayHaveNamesakes(combined.object)) return [];
  const { symbols } = combined.object;
  const owners = new Map<string, SymbolIndex>();
  const keeps = (symbol: BpfSymbol, index: SymbolIndex): boolean =>
    symbol.binding !== 'local' || pinned.has(index);
  symbols.forEach((symbol, index) => {
    if (keeps(symbol, index) && (!owners.has(symbol.name) || pinned.has(index)))
      owners.set(symbol.name, index);
  });
  const taken = new TakenNames(owners.keys());
  return symbols.flatMap((symbol, index): Rename[] => {
    const { kind, name } = symbol;
    if ((kind !== 'function' && kind !== 'map') || keeps(symbol, index) || name === '') return [];
    const to = taken.take(name, number => `${name}__${number}`);
    const namesake = owners.get(name) ?? index;
    owners.set(to, index);
    if (to === name) return [];
    const reason = pinned.has(namesake) ? 'pinned' : 'clash';
    return [
      { symbol: index, from: name, to, file: elementAt(combined.origins, index).file, reason, namesake },
    ];
  });
}

/**
 * Static pinned maps and global maps of one name: neither can be renamed, since both names are used outside.
 */
export function staticPinClashes(
  combined: Combined,
  pinned: ReadonlySet<SymbolIndex>,
  objects: readonly BpfObject[],
): Problem[] {
  if (pinned.size === 0) return [];
  const { object, origins } = combined;
  const fileOf = (index: SymbolIndex): string => inputName(objects, elementAt(origins, index).file);
  const globals = new Map(
    object.symbols.flatMap((symbol, index) =>
      symbol.kind === 'map' && symbol.binding !== 'local' ? [[symbol.name, index] as const] : [],
    ),
  );
  return [...pinned].flatMap((index): Problem[] => {
    const { name, binding } = symbolOf(object, index);
    const other = binding === 'local' ? globals.get(name) : undefined;
    if (other === undefined || other === index) return [];
    return [
      problem(
        'link-pin-name',
        [fileOf(other)],
        `map ${quote(name)} has the name of another map that ${fileOf(index)} pins; both names are known outside`,
        {
          hint: `rename one of them: --redefine-sym ${fileOf(other)}:${name}=${nameToSuggest(objects, elementAt(origins, other).file, name)}`,
        },
      ),
    ];
  });
}

// --- labels -------------------------------------------------------------------------------------------------------

/**
 * A short prefix for each file, made of the words of its name: as many words as distinguish it from the
 * others. `first_firewall.bpf.o` beside `second_firewall.bpf.o` becomes `first`.
 */
export function labelsFor(files: readonly string[]): string[] {
  const words = files.map(wordsOf);
  const labels = words.map((mine, position) => {
    for (let count = 1; count < mine.length; count++) {
      const label = mine.slice(0, count).join('_');
      const unique = words.every(
        (other, index) => index === position || other.slice(0, count).join('_') !== label,
      );
      if (unique && label.length >= 3) return label;
    }
    return mine.join('_');
  });
  const seen = new TakenNames([]);
  return labels.map(label => freeName(label, seen));
}

/** A suggestion for renaming a symbol of the file, for hints: unused in that file. */
export function nameToSuggest(objects: readonly BpfObject[], file: number, name: string): string {
  const label = elementAt(labelsFor(objects.map(object => object.name)), file);
  const taken = new TakenNames(elementAt(objects, file).symbols.map(symbol => symbol.name));
  return freeName(labelled(label, name), taken);
}

function wordsOf(file: string): string[] {
  const base = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  const dot = base.indexOf('.');
  const stem = dot > 0 ? base.slice(0, dot) : base;
  const words = stem.split(/[^A-Za-z0-9]+/).filter(word => word !== '');
  const [first = ''] = words;
  return first === '' || (first >= '0' && first <= ':') ? ['c', ...words] : words;
}
