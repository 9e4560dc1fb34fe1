/**
 * Where a type keeps its references: at `first + n * stride`, counted from its first word, for every kind.
 * `src/btf/model/words.ts` has the same facts for the rest of rootlet.
 */

import { BTF_KIND } from '../../uapi/btf.ts';

const ONE = 0x0112;
const MEMBERS = 0x1034;
const PARAMETERS = 0x1122;
const ELEMENT_AND_INDEX = 0x0213;

/**
 * References of a kind: bits 0–3 the first word, 4–7 the stride, 8–11 how many there are without elements, 12–15
 * how many each element has.
 */
export function referenceShape(kind: number): number {
  if (kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION) return MEMBERS;
  if (kind === BTF_KIND.FUNC_PROTO) return PARAMETERS;
  if (hasOneReference(kind) === 1) return ONE;
  return kind === BTF_KIND.ARRAY ? ELEMENT_AND_INDEX : 0;
}

/** Number of references of a type with this shape and info word. */
export function referencesOf(shape: number, info: number): number {
  const fixed = (shape >>> 8) & 15;
  return shape >>> 12 === 0 ? fixed : fixed + (info & 0xffffff);
}

/** Whether the third word of the type is its only reference. */
export function hasOneReference(kind: number): number {
  if (kind === BTF_KIND.PTR || kind === BTF_KIND.VAR) return 1;
  if (kind >= BTF_KIND.TYPEDEF && kind <= BTF_KIND.FUNC) return 1;
  return kind === BTF_KIND.DECL_TAG || kind === BTF_KIND.TYPE_TAG ? 1 : 0;
}

/** Words of a type of a known kind. */
export function typeWords(info: number): number {
  const kind = (info >>> 24) & 0x7f;
  const vlen = info & 0xffffff;
  if (kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION) return 3 + vlen + (vlen << 1);
  if (kind === BTF_KIND.FUNC_PROTO || kind === BTF_KIND.ENUM) return 3 + (vlen << 1);
  if (kind === BTF_KIND.INT || kind === BTF_KIND.VAR || kind === BTF_KIND.DECL_TAG) return 4;
  if (kind === BTF_KIND.DATASEC || kind === BTF_KIND.ENUM64) return 3 + vlen + (vlen << 1);
  return kind === BTF_KIND.ARRAY ? 6 : 3;
}

/** Functions, variables and data sections stay what they are even when another looks the same. */
export function isNeverMerged(kind: number): number {
  return kind === BTF_KIND.FUNC || kind === BTF_KIND.VAR || kind === BTF_KIND.DATASEC ? 1 : 0;
}

/** An enum without values: a full definition elsewhere may complete it. `at`: word index of its copy. */
export function isEnumForward(info: number, name: number): number {
  const kind = (info >>> 24) & 0x7f;
  if (kind !== BTF_KIND.ENUM && kind !== BTF_KIND.ENUM64) return 0;
  return (info & 0xffffff) === 0 && name !== 0 ? 1 : 0;
}
