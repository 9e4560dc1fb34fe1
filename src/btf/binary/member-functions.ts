/**
 * Member functions of C++ classes: Clang lists them among the members of a struct, with type void, at an offset
 * that means nothing.
 *
 * They are left out before types are checked: no kernel takes them, and nothing in an object refers to them.
 * They follow the data members, so the indexes of those, in CO-RE records and declaration tags, stay.
 */

import { elementAt } from '../../bytes/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { COMMON_WORDS, elementWords, INFO, infoWord, RawBtf } from '../model/index.ts';

const MEMBER_WORDS = elementWords(BTF_KIND.STRUCT);

/** The types without members of type void; the same types if there are none. */
export function withoutMemberFunctions(btf: RawBtf): RawBtf {
  const shorter = new Map<number, readonly number[]>();
  for (let id = 1; id <= btf.count; id++) {
    const kept = keptMembers(btf, id);
    if (kept !== null) shorter.set(id, kept);
  }
  return shorter.size === 0 ? btf : rewritten(btf, shorter);
}

/** Positions of the words of the members that stay; null if all do. */
function keptMembers(btf: RawBtf, id: number): readonly number[] | null {
  const kind = btf.kindOf(id);
  if (kind !== BTF_KIND.STRUCT && kind !== BTF_KIND.UNION) return null;
  const all = membersOf(btf, id);
  const kept = all.filter(at => btf.words[at + 1] !== 0);
  return kept.length === all.length ? null : kept;
}

function membersOf(btf: RawBtf, id: number): number[] {
  const first = elementAt(btf.start, id) + COMMON_WORDS;
  return Array.from({ length: btf.vlenOf(id) }, (_, member) => first + member * MEMBER_WORDS);
}

function rewritten(btf: RawBtf, shorter: ReadonlyMap<number, readonly number[]>): RawBtf {
  const words = new Uint32Array(btf.words.length);
  const start = new Uint32Array(btf.start.length);
  let end = 0;
  for (let id = 1; id <= btf.count; id++) {
    start[id] = end;
    const [first, after] = [elementAt(btf.start, id), elementAt(btf.start, id + 1)];
    const kept = shorter.get(id);
    words.set(btf.words.subarray(first, kept === undefined ? after : first + COMMON_WORDS), end);
    if (kept !== undefined) words[end + INFO] = infoWord(btf.kindOf(id), kept.length, btf.kindFlagOf(id));
    end += kept === undefined ? after - first : COMMON_WORDS;
    for (const at of kept === undefined ? [] : kept) {
      words.set(btf.words.subarray(at, at + MEMBER_WORDS), end);
      end += MEMBER_WORDS;
    }
  }
  start[btf.count + 1] = end;
  return new RawBtf(words.slice(0, end), start, btf.strings);
}
