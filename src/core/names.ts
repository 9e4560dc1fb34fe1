/**
 * Flavours: `task_struct___old` means "task_struct as some other kernel has it". Everything after the separator, three
 * underscores between characters that are none, is ignored when types are looked up.
 */

import { BTF_KIND, type Btf, type BtfId, type RawBtf, toRaw } from '../btf/index.ts';

const UNDERSCORE = 0x5f;

/** `name` without its flavour. */
export function essentialName(name: string): string {
  for (let at = name.length - 5; at >= 0; at--) {
    if (isSeparator(name, at)) return name.slice(0, at + 1);
  }
  return name;
}

/** Character, three underscores, character that is no underscore. */
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
 * Finds types by name in a large BTF without decoding it. The string table is walked once for each set of names, then
 * the types' name words; an index of all names would cost a hundred times as much for the few that a program uses.
 */
export class TypeFinder {
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
  const offsets = stringOffsets(btf.strings, wanted);
  if (offsets.size === 0) return found;
  // One byte for each string offset: asking a Map for every type takes several times as long.
  const marked = new Uint8Array(btf.strings.length);
  for (const offset of offsets.keys()) marked[offset] = 1;
  const { words, start, count } = btf;
  for (let id = 1; id <= count; id++) {
    const offset = words[start[id] ?? 0] ?? 0;
    if (marked[offset] !== 1 || !NAMED.has(btf.kindOf(id))) continue;
    found.get(offsets.get(offset) ?? '')?.push(id);
  }
  return found;
}

/** Offsets in the string table of the wanted names and of their flavours. */
function stringOffsets(table: Uint8Array, wanted: ReadonlySet<string>): Map<number, string> {
  const lengths = new Set<number>();
  /** The first two bytes of wanted names: nearly all other strings are passed over by them. */
  const begins = new Uint8Array(65536);
  for (const name of wanted) {
    const bytes = new TextEncoder().encode(name);
    lengths.add(bytes.length);
    begins[(bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)] = 1;
    // A name of one letter goes on with its flavour.
    if (bytes.length === 1) begins[(bytes[0] ?? 0) * 256 + UNDERSCORE] = 1;
  }
  const offsets = new Map<number, string>();
  const decoder = new TextDecoder();
  for (let start = 0; start < table.length; ) {
    let end = start;
    while (end < table.length && table[end] !== 0) end++;
    if (begins[(table[start] ?? 0) * 256 + (table[start + 1] ?? 0)] === 1) {
      const length = essentialLength(table, start, end);
      const name = lengths.has(length) ? decoder.decode(table.subarray(start, start + length)) : '';
      if (wanted.has(name)) offsets.set(start, name);
    }
    start = end + 1;
  }
  return offsets;
}

/** Bytes of the string at `[start, end)` in front of its flavour. */
function essentialLength(table: Uint8Array, start: number, end: number): number {
  for (let at = end - 5; at >= start; at--) {
    const separator =
      table[at + 1] === UNDERSCORE &&
      table[at + 2] === UNDERSCORE &&
      table[at + 3] === UNDERSCORE &&
      table[at] !== UNDERSCORE &&
      table[at + 4] !== UNDERSCORE;
    if (separator) return at + 1 - start;
  }
  return end - start;
}
