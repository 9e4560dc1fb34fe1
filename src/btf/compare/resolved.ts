/**
 * What is behind typedefs and modifiers. Each step of a chain is taken once for all types that it is part of: a file may
 * have a chain of thousands, and thousands of members that begin in it.
 */

import { BTF_KIND } from '../../uapi/index.ts';
import type { BtfId, RawBtf } from '../model/index.ts';

const MODIFIERS: ReadonlySet<number> = new Set([
  BTF_KIND.TYPEDEF,
  BTF_KIND.CONST,
  BTF_KIND.VOLATILE,
  BTF_KIND.RESTRICT,
]);

/** Ends of chains by id, plus 1; 0: not known yet. */
interface Ends {
  /** The first type that is neither a modifier nor a tag. */
  readonly resolved: Uint32Array;
  /** The first type that is not a modifier, perhaps a tag. */
  readonly tags: Uint32Array;
}

/** Types never change. */
const KNOWN = new WeakMap<RawBtf, Ends>();

function endsOf(btf: RawBtf): Ends {
  const known = KNOWN.get(btf);
  if (known !== undefined) return known;
  const made = { resolved: new Uint32Array(btf.count + 1), tags: new Uint32Array(btf.count + 1) };
  KNOWN.set(btf, made);
  return made;
}

/** The type behind typedefs, modifiers and type tags; validated types have no infinite chains. */
export function resolveType(btf: RawBtf, id: BtfId): BtfId {
  return endOf(btf, id, endsOf(btf).resolved, kind => MODIFIERS.has(kind) || kind === BTF_KIND.TYPE_TAG);
}

/** The first type tag among the modifiers from `id` on, or the type that they end in. */
export function firstTag(btf: RawBtf, id: BtfId): BtfId {
  return endOf(btf, id, endsOf(btf).tags, kind => MODIFIERS.has(kind));
}

function endOf(btf: RawBtf, id: BtfId, ends: Uint32Array, isPassed: (kind: number) => boolean): BtfId {
  const passed: BtfId[] = [];
  let current = id;
  while (current !== 0 && (ends[current] ?? 0) === 0 && isPassed(btf.kindOf(current))) {
    passed.push(current);
    current = nextOf(btf, current);
  }
  const known = current === 0 ? 0 : (ends[current] ?? 0);
  const end = known === 0 ? current : known - 1;
  for (const each of passed) ends[each] = end + 1;
  return end;
}

function nextOf(btf: RawBtf, id: BtfId): BtfId {
  const type = btf.type(id);
  switch (type.kind) {
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'type_tag':
      return type.type;
    default:
      return 0;
  }
}
