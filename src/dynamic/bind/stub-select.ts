/** The selectors of a consumer's stubs: one word for each extern selects the stub that is called. */

import { type BpfMap, encodeU32s } from '../../kernel/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import { SELECT_SECTION } from './consumer.ts';

/** One aligned word of the only value: a program sees it as it was or as it is. */
export function setSelector(map: BpfMap, word: number, stub: 'a' | 'b'): void {
  const mapping = map.mmap('read-write', map.valueSize);
  try {
    mapping.bytes.set(encodeU32s([stub === 'b' ? 1 : 0]), word * 4);
  } finally {
    mapping.close();
  }
}

/** The same of an entry that has selectors. */
export function selectStub(store: Store, entry: StoreEntry, word: number, stub: 'a' | 'b'): void {
  if (!entry.record.maps.some(({ name }) => name === SELECT_SECTION)) return;
  using map = store.openMap(entry, SELECT_SECTION);
  setSelector(map, word, stub);
}
