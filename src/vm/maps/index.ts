/** Map types of the machine. */

export { ArrayStore, arrayStride } from './array.ts';
export { BloomStore } from './bloom.ts';
export { chunkReach, chunkTableSize } from './elements.ts';
export { HashStore, hashStride } from './hash.ts';
export { HashOfMapsStore } from './hash-of-maps.ts';
export { LpmTrieStore, trieNodes, trieStride } from './lpm-trie.ts';
export { QueueMapStore, queueStride } from './queue.ts';
export { RingBufferStore, ringReach } from './ring-buffer.ts';
export { ReferenceArrayStore, type ResolveSlot, SparseArrayStore, slotStride } from './slots.ts';
