/**
 * Flavours: `task_struct___old` means "task_struct as some other kernel has it". Everything after the
 * separator, three underscores between other characters, is ignored when types are looked up.
 */

import { type Btf, type BtfId, type RawBtf, toRaw } from '../btf/index.ts';
import { noElement } from '../bytes/index.ts';
import { BTF_KIND } from '../uapi/index.ts';

const UNDERSCORE = 0x5f;

/** `name` without its flavour. */
export function essentialName(name: string): string {
  for (let at = name.length - 5; at >= 0; at--) {
    if (isSeparator(name, at)) return name.slice(0, at + 1);
  }
  return name;
}

/** Character, three underscores, character that is not an underscore. */
function isSeparator(name: string, at: number): boolean {
  return (
    name.charCodeAt(at) !== UNDERSCORE &&
    name.charCodeAt(at + 1) === UNDERSCORE &&
    name.charCodeAt(at + 2) === UNDERSCORE &&
    name.charCodeAt(at + 3) === UNDERSCORE &&
    name.charCodeAt(at + 4) !== UNDERSCORE
  );
}

/**
 * Finds types by name in a large BTF without decoding it. The string table is searched once for each set of
 * names, then the types' name words; an index of all names would cost a hundred times as much for the few
 * that a program uses.
 */
export class TypeFinder {
  /** @internal */
  readonly btf: RawBtf;
  readonly #known = new Map<string, readonly BtfId[]>();

  constructor(btf: Btf) {
    this.btf = toRaw(btf);
  }

  /** Looks all of these up at once, so that later questions for them cost nothing. */
  prepare(names: Iterable<string>): void {
    const wanted = new Set<string>();
    for (const name of names) if (name !== '' && !this.#known.has(name)) wanted.add(name);
    if (wanted.size === 0) return;
    for (const [name, ids] of search(this.btf, wanted)) this.#known.set(name, ids);
  }

  /** Ids of all types whose name without flavour is `name`, ascending. */
  find(name: string): readonly BtfId[] {
    this.prepare([name]);
    return this.#known.get(name) ?? [];
  }

  /** Ids of types with exactly this name and this kind number, ascending. */
  exact(name: string, kind: number): readonly BtfId[] {
    return this.find(essentialName(name)).filter(
      id => this.btf.kindOf(id) === kind && this.btf.nameOf(id) === name,
    );
  }
}

/** Kinds that can be named in a CO-RE relocation or as a kernel symbol. */
const NAMED = new Set<number>([
  BTF_KIND.INT,
  BTF_KIND.STRUCT,
  BTF_KIND.UNION,
  BTF_KIND.ENUM,
  BTF_KIND.ENUM64,
  BTF_KIND.FWD,
  BTF_KIND.TYPEDEF,
  BTF_KIND.FLOAT,
  BTF_KIND.FUNC,
  BTF_KIND.VAR,
]);

function search(btf: RawBtf, wanted: ReadonlySet<string>): Map<string, BtfId[]> {
  const found = new Map<string, BtfId[]>([...wanted].map(name => [name, []]));
  const offsets = stringOffsets(btf, wanted);
  if (offsets.size <= FEW) return searchFew(btf, offsets, found);
  // A Map lookup for every type takes several times as long: nearly all are passed over by the end of their
  // offset.
  const mask = 0xffff;
  const ends = new Uint8Array(mask + 1);
  for (const offset of offsets.keys()) ends[offset & mask] = 1;
  const { words, start, count } = btf;
  for (let id = 1; id <= count; id++) {
    const at = start[id] ?? noElement(start, id);
    const offset = words[at] ?? noElement(words, at);
    if (ends[offset & mask] !== 1) continue;
    const name = offsets.get(offset);
    if (name !== undefined && NAMED.has(btf.kindOf(id))) found.get(name)?.push(id);
  }
  return found;
}

/** Names for which it is faster to look for each offset among all words, which the engine does compiled. */
const FEW = 8;

function searchFew(
  btf: RawBtf,
  offsets: ReadonlyMap<number, string>,
  found: Map<string, BtfId[]>,
): Map<string, BtfId[]> {
  for (const [offset, name] of offsets) {
    const ids = found.get(name);
    for (let at = btf.words.indexOf(offset); at >= 0; at = btf.words.indexOf(offset, at + 1)) {
      const id = typeAt(btf, at);
      if (id !== undefined && NAMED.has(btf.kindOf(id))) ids?.push(id);
    }
  }
  for (const ids of found.values()) ids.sort((a, b) => a - b); // of a name and its flavours
  return found;
}

/** The type whose first word, its name, is at `at`; other words may have the same value. */
function typeAt({ start, count }: RawBtf, at: number): BtfId | undefined {
  let [low, high] = [1, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((start[middle] ?? noElement(start, middle)) < at) low = middle + 1;
    else high = middle;
  }
  return start[low] === at ? low : undefined;
}

/** More alternatives than this make an expression that takes longer to compile than another search. */
const NAMES_AT_ONCE = 256;

/** Offsets in the string table of the wanted names and of their flavours, and which name each is. */
function stringOffsets(btf: RawBtf, wanted: ReadonlySet<string>): Map<number, string> {
  const { text, names } = searchable(btf, wanted);
  const offsets = new Map<number, string>();
  const all = [...names.keys()];
  for (let from = 0; from < all.length; from += NAMES_AT_ONCE) {
    // An expression, because it runs compiled from the start: this is done once in a process, over megabytes.
    // It has nothing to try again: plain texts after a NUL.
    const some = all
      .slice(from, from + NAMES_AT_ONCE)
      .map(quotePattern)
      .join('|');
    const candidates = new RegExp(`\\0(?:${some})(?=\\0|___)`, 'g');
    for (let match = candidates.exec(text); match !== null; match = candidates.exec(text)) {
      const start = match.index + 1;
      const name = names.get(essentialName(text.slice(start, text.indexOf('\0', start))));
      if (name !== undefined) offsets.set(start, name);
    }
  }
  return offsets;
}

/** The string table as text with one character for each byte, and the names as they are in there. */
function searchable(btf: RawBtf, wanted: ReadonlySet<string>) {
  const ascii = btf.text();
  if (ascii !== null) return { text: ascii, names: new Map([...wanted].map(name => [name, name])) };
  const bytes = new TextDecoder('latin1');
  const encoder = new TextEncoder();
  const names = new Map([...wanted].map(name => [bytes.decode(encoder.encode(name)), name]));
  return { text: bytes.decode(btf.strings), names };
}

function quotePattern(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
