/**
 * Names that must not meet in one object.
 *
 * Global names of different components, and static functions of one name, are told apart by a prefix made from the
 * component's file name; names that do not clash stay as they are. Maps are told apart within the 15 characters that
 * the kernel keeps.
 */

import type { BpfObject, BpfSymbol, SymbolIndex } from '../object/index.ts';
import type { Combined } from './combine.ts';

/** BPF_OBJ_NAME_LEN is 16, the last byte is NUL. */
export const KERNEL_NAME_LENGTH = 15;

export interface Rename {
  readonly symbol: SymbolIndex;
  readonly from: string;
  readonly to: string;
  /** Input that the symbol came from. */
  readonly file: number;
}

export interface NamingInput {
  readonly combined: Combined;
  /** Prefix for each input; null for one whose names must stay (the rootlet). */
  readonly labels: readonly (string | null)[];
}

/** Renames for clashes between inputs. In each clash every symbol of a labelled input is renamed. */
export function separateNames(input: NamingInput): Rename[] {
  const { object } = input.combined;
  const clashes = clashingSymbols(object);
  const taken = new TakenNames(object.symbols.map(symbol => symbol.name));
  const takenMaps = new TakenNames(
    object.symbols.flatMap(symbol => (symbol.kind === 'map' ? [kernelName(symbol.name)] : [])),
  );
  const renames: Rename[] = [];
  for (const index of clashes) {
    const symbol = object.symbols[index];
    const file = input.combined.origins[index]?.file ?? 0;
    const label = input.labels[file];
    if (symbol === undefined || label === null || label === undefined) continue;
    const to =
      symbol.kind === 'map'
        ? freeMapName(label, symbol.name, takenMaps)
        : freeName(`${label}_${symbol.name}`, taken);
    renames.push({ symbol: index, from: symbol.name, to, file });
  }
  return renames;
}

/** Symbols that share their name (maps: the kernel's part of it) with another one, in symbol order. */
function clashingSymbols(object: BpfObject): SymbolIndex[] {
  const count = new Map<string, number>();
  const mapCount = new Map<string, number>();
  for (const symbol of object.symbols) {
    if (!canClash(symbol)) continue;
    increment(count, symbol.name);
    if (symbol.kind === 'map') increment(mapCount, kernelName(symbol.name));
  }
  return object.symbols.flatMap((symbol, index) => {
    if (!canClash(symbol)) return [];
    const clashes =
      (count.get(symbol.name) ?? 0) > 1 ||
      (symbol.kind === 'map' && (mapCount.get(kernelName(symbol.name)) ?? 0) > 1);
    return clashes ? [index] : [];
  });
}

/** Static variables may share a name: nobody looks them up. */
function canClash(symbol: BpfSymbol): boolean {
  if (symbol.name === '' || symbol.kind === 'extern') return false;
  return symbol.binding !== 'local' || symbol.kind !== 'variable';
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export function kernelName(name: string): string {
  return name.slice(0, KERNEL_NAME_LENGTH);
}

/** Names that are not free. Numbers behind names are counted on, so that many equal names take no longer each. */
class TakenNames {
  readonly #names: Set<string>;
  readonly #nextNumber = new Map<string, number>();

  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
  }

  /** `wanted`, or the first of its numbered forms that is free, which it is not any more. */
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

/** `label_name` cut to what the kernel keeps: the label gives way first, down to 4 characters, then the name. */
function freeMapName(label: string, name: string, taken: TakenNames): string {
  const room = Math.max(4, KERNEL_NAME_LENGTH - 1 - name.length);
  const wanted = kernelName(`${label.slice(0, room)}_${name}`);
  return taken.take(wanted, number => withinKernelName(wanted, `_${number}`));
}

function withinKernelName(name: string, suffix: string): string {
  return `${name.slice(0, KERNEL_NAME_LENGTH - suffix.length)}${suffix}`;
}

/**
 * Static functions and static maps of one name: the second and later get a number. Loaders that keep them by name
 * (cilium/ebpf, and for maps our own) need this; libbpf does not for functions, and refuses static maps.
 */
export function separateStatics(combined: Combined): Rename[] {
  const { object } = combined;
  const taken = new TakenNames(
    object.symbols.flatMap(symbol => (symbol.binding === 'local' ? [] : [symbol.name])),
  );
  const renames: Rename[] = [];
  object.symbols.forEach((symbol, index) => {
    const { kind, name } = symbol;
    if ((kind !== 'function' && kind !== 'map') || symbol.binding !== 'local' || name === '') return;
    const to = taken.take(name, number =>
      kind === 'map' ? withinKernelName(name, `__${number}`) : `${name}__${number}`,
    );
    if (to !== symbol.name)
      renames.push({ symbol: index, from: symbol.name, to, file: combined.origins[index]?.file ?? 0 });
  });
  return renames;
}

/**
 * A short prefix for each file, made of the words of its name: as many words as tell it from the others.
 * `first_firewall.bpf.o` beside `second_firewall.bpf.o` becomes `first`.
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

function wordsOf(file: string): string[] {
  const base = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  const dot = base.indexOf('.');
  const stem = dot > 0 ? base.slice(0, dot) : base;
  const words = stem.split(/[^A-Za-z0-9]+/).filter(word => word !== '');
  const first = words[0] ?? '';
  return first === '' || (first >= '0' && first <= ':') ? ['c', ...words] : words;
}
