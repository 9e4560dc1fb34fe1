/**
 * Flavours: `task_struct___old` means "task_struct as some other kernel has it". Everything after the
 * separator, three underscores between other characters, is ignored when types are looked up.
 */

import { type Btf, type BtfId, type RawBtf, TypeSearch, toRaw } from '../btf/index.ts';

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
 * Finds types by name in a large BTF without decoding it: all that are wanted in one pass. An index of all names would
 * cost a hundred times as much for the few that a program uses.
 */
export class TypeFinder {
  /** @internal */
  readonly btf: RawBtf;
  readonly #search: TypeSearch;
  readonly #known = new Map<string, readonly BtfId[]>();

  constructor(btf: Btf) {
    this.btf = toRaw(btf);
    this.#search = new TypeSearch(this.btf);
  }

  /** Looks all of these up at once, so that later questions for them cost nothing. */
  prepare(names: Iterable<string>): void {
    const wanted = new Set<string>();
    for (const name of names) if (name !== '' && !this.#known.has(name)) wanted.add(name);
    if (wanted.size === 0) return;
    for (const [name, ids] of this.#search.types([...wanted])) this.#known.set(name, ids);
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

  /**
   * The indexes of members that lead to the first member of that name, in order of declaration, anonymous structs and
   * unions entered where they are; undefined when there is none, null when it takes more than `limit` steps to know.
   * @internal
   */
  memberPath(composite: BtfId, name: string, limit: number): readonly number[] | undefined | null {
    return this.#search.member(composite, name, limit);
  }
}
