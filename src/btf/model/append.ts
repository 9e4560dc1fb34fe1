/**
 * Data sections after the types that they describe.
 *
 * Writing an object adds a few of them to all of its types. Existing types are not decoded, interned or
 * checked again, which would take as long as writing the rest of the object.
 */

import { noElement } from '../../bytes/index.ts';
import { RawBtf } from './raw.ts';
import { toRaw } from './to-raw.ts';
import { TypeWriter } from './type-writer.ts';
import type { Btf, BtfDataSec } from './types.ts';
import { validateFrom } from './validate.ts';

/** `btf` with `sections` after its types. Throws as `BtfBuilder` does. */
export function appendDataSections(btf: Btf, sections: readonly BtfDataSec[]): RawBtf {
  const base = toRaw(btf);
  if (sections.length === 0) return base;
  const writer = new TypeWriter();
  for (const section of sections) writer.add(section);
  const added = writer.finish();
  const words = new Uint32Array(base.words.length + added.words.length);
  words.set(base.words);
  words.set(added.words, base.words.length);
  const start = new Uint32Array(base.count + added.count + 2);
  start.set(base.start);
  for (let id = 1; id <= added.count + 1; id++) {
    start[base.count + id] = base.words.length + (added.start[id] ?? noElement(added.start, id));
  }
  for (let id = 1; id <= added.count; id++) {
    const name = base.words.length + (added.start[id] ?? noElement(added.start, id));
    words[name] = base.strings.length + (words[name] ?? noElement(words, name));
  }
  const strings = new Uint8Array(base.strings.length + added.strings.length);
  strings.set(base.strings);
  strings.set(added.strings, base.strings.length);
  const result = new RawBtf(words, start, strings);
  validateFrom(result, base.count + 1);
  return result;
}
