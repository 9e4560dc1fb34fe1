/** A type that a user names as C does, for values whose type nothing else states. */

import { didYouMean, quote, usageError } from '../../diag/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { type Btf, type BtfId, sizeOfType } from '../model/index.ts';

/** Kinds by the word that precedes their names; '' stands for none. */
const KINDS_OF_WORD: ReadonlyMap<string, readonly number[]> = new Map([
  ['struct', [BTF_KIND.STRUCT]],
  ['union', [BTF_KIND.UNION]],
  ['enum', [BTF_KIND.ENUM, BTF_KIND.ENUM64]],
  ['', [BTF_KIND.TYPEDEF, BTF_KIND.INT, BTF_KIND.FLOAT]],
]);

/**
 * The first type that C calls so: `struct event`, `enum color`, `__u64`, `event_t`. Throws `value-no-type` where there
 * is none, and `btf-no-size` for one that has no values.
 */
export function findType(btf: Btf, name: string): BtfId {
  const [, word = '', rest = ''] = /^(?:(struct|union|enum)\s+)?(.*)$/s.exec(name.trim()) ?? [];
  const kinds = KINDS_OF_WORD.get(word) ?? [];
  for (let id = 1; id <= btf.count; id++) {
    if (btf.nameOf(id) !== rest || rest === '' || !kinds.includes(btf.kindOf(id))) continue;
    sizeOfType(btf, id);
    return id;
  }
  throw usageError('value-no-type', `there is no type ${quote(name)}`, didYouMean(name, namesOf(btf)));
}

/** Names of all types that have values, as C writes them. */
function* namesOf(btf: Btf): Generator<string> {
  for (let id = 1; id <= btf.count; id++) {
    const [word] = [...KINDS_OF_WORD].find(([, kinds]) => kinds.includes(btf.kindOf(id))) ?? [];
    if (word === undefined || btf.nameOf(id) === '') continue;
    yield word === '' ? btf.nameOf(id) : `${word} ${btf.nameOf(id)}`;
  }
}
