/**
 * Tags of types for strict comparison: what `btf_type_tag` and `btf_decl_tag` promise is part of an
 * interface.
 */

import { BTF_KIND } from '../../uapi/index.ts';
import type { BtfId, RawBtf } from '../model/index.ts';
import { firstTag } from './resolved.ts';

export class TagIndex {
  readonly #btf: RawBtf;

  constructor(btf: RawBtf) {
    this.#btf = btf;
  }

  /** Type tags among the modifiers before type `id`, sorted. */
  typeTags(id: BtfId): readonly string[] {
    const tags: string[] = [];
    let current = id;
    for (;;) {
      const at = firstTag(this.#btf, current);
      const type = at === 0 ? undefined : this.#btf.type(at);
      if (type?.kind !== 'type_tag') return tags.sort();
      tags.push(type.name);
      current = type.type;
    }
  }

  /** Declaration tags of type `id` and its components, sorted, such as `arg:nonnull (parameter 1)`. */
  declTags(id: BtfId): readonly string[] {
    return tagsByTarget(this.#btf).get(id) ?? [];
  }
}

/** Types are compared pair by pair, and never change. */
const KNOWN = new WeakMap<RawBtf, ReadonlyMap<BtfId, readonly string[]>>();

function tagsByTarget(btf: RawBtf): ReadonlyMap<BtfId, readonly string[]> {
  const known = KNOWN.get(btf) ?? indexTags(btf);
  KNOWN.set(btf, known);
  return known;
}

function indexTags(btf: RawBtf): ReadonlyMap<BtfId, readonly string[]> {
  const index = new Map<BtfId, Set<string>>();
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) !== BTF_KIND.DECL_TAG) continue;
    const tag = btf.type(id);
    if (tag.kind !== 'decl_tag') continue;
    const part = btf.kindOf(tag.type) === BTF_KIND.FUNC ? 'parameter' : 'member';
    const text = tag.component < 0 ? tag.name : `${tag.name} (${part} ${tag.component + 1})`;
    const known = index.get(tag.type);
    if (known === undefined) index.set(tag.type, new Set([text]));
    else known.add(text);
  }
  return new Map(Array.from(index, ([target, tags]) => [target, [...tags].sort()]));
}

/** Null when both have the same tags. */
export function compareTagSets(
  a: readonly string[],
  b: readonly string[],
): { readonly left: string; readonly right: string } | null {
  if (a.length === b.length && a.every((tag, index) => tag === b[index])) return null;
  return { left: listTags(a), right: listTags(b) };
}

function listTags(tags: readonly string[]): string {
  return tags.length === 0 ? 'no tags' : `tags ${tags.map(tag => `"${tag}"`).join(', ')}`;
}
