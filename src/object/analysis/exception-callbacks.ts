/**
 * Functions that programs name in declaration tags: `exception_callback:NAME`, what is called when a program
 * throws.
 *
 * A loader finds them by name among the global functions, so nothing in the code refers to them: they must be
 * kept with their program, loaded with it, stay global, and be renamed in the tag as well.
 */

import type { Btf, BtfDeclTag, BtfId } from '../../btf/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';

const PREFIX = 'exception_callback:';

export interface PlacedTag {
  readonly id: BtfId;
  readonly tag: BtfDeclTag;
}

/** All declaration tags, in order of ids. */
export function declTags(btf: Btf): PlacedTag[] {
  const tags: PlacedTag[] = [];
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) !== BTF_KIND.DECL_TAG) continue;
    const tag = btf.type(id);
    if (tag.kind === 'decl_tag') tags.push({ id, tag });
  }
  return tags;
}

/** The function that a tag names, or undefined for any other tag. */
export function callbackOf(tag: BtfDeclTag): string | undefined {
  return tag.name.startsWith(PREFIX) ? tag.name.slice(PREFIX.length) : undefined;
}

/** The tag with another function. */
export function withCallback(tag: BtfDeclTag, name: string): BtfDeclTag {
  return { ...tag, name: `${PREFIX}${name}` };
}

/** FUNC → names of the callbacks that it is tagged with. */
export function exceptionCallbacks(btf: Btf | null): Map<BtfId, string[]> {
  const callbacks = new Map<BtfId, string[]>();
  for (const { tag } of btf === null ? [] : declTags(btf)) {
    const name = callbackOf(tag);
    if (name !== undefined) callbacks.set(tag.type, [...(callbacks.get(tag.type) ?? []), name]);
  }
  return callbacks;
}
