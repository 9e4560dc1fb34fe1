/** Building BTF from values: new, on top of existing types, or with some types replaced. */

import type { RawBtf } from './raw.ts';
import { StringMapper } from './string-mapper.ts';
import { StringPool } from './string-pool.ts';
import { toRaw } from './to-raw.ts';
import { TypeWriter } from './type-writer.ts';
import type { Btf, BtfId, BtfType } from './types.ts';
import { validateTypes } from './validate.ts';

/** Makes BTF type by type; `build()` checks it as a whole. */
export class BtfBuilder {
  readonly #writer: TypeWriter;

  /** Starts with the types of `base`, under their ids. */
  constructor(base?: Btf) {
    this.#writer = new TypeWriter();
    if (base === undefined) return;
    const raw = toRaw(base);
    const strings = new StringMapper(this.#writer.strings, raw.strings);
    for (let id = 1; id <= raw.count; id++) this.#writer.copy(raw, id, strings);
  }

  /**
   * Appends a type and returns its id, which is `count` afterwards. It may refer to types that are added
   * later. Throws `btf-value-range` when a value does not fit its field.
   */
  add(type: BtfType): BtfId {
    return this.#writer.add(type);
  }

  /** Types so far. */
  get count(): number {
    return this.#writer.count;
  }

  /** The types, checked by the same rules as a file's. The builder must not be used afterwards. */
  build(): Btf {
    const btf = this.#writer.finish();
    validateTypes(btf);
    return btf;
  }
}

/** The same types under the same ids, those in `edits` replaced. Throws as `BtfBuilder` does. */
export function editBtf(btf: Btf, edits: ReadonlyMap<BtfId, BtfType>): RawBtf {
  if (edits.size === 0) return toRaw(btf);
  const raw = toRaw(btf);
  const writer = new TypeWriter(new StringPool(), raw.words.length + 64, raw.count + 2);
  const strings = new StringMapper(writer.strings, raw.strings);
  for (let id = 1; id <= raw.count; id++) {
    const edited = edits.get(id);
    if (edited === undefined) writer.copy(raw, id, strings);
    else writer.add(edited);
  }
  const result = writer.finish();
  validateTypes(result);
  return result;
}
