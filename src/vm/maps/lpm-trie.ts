/**
 * Longest-prefix match: a path-compressed binary trie, as the kernel's.
 *
 * A key is its prefix length in bits (u32 in the program's byte order) and then the bits, most significant
 * first. A node is either an element or a fork that separates its two children. Nodes are numbers: links and
 * prefix lengths are in typed arrays, keys and values of all nodes in the machine's memory.
 */

import { alignUp, noElement } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import { BPF_EXIST, BPF_NOEXIST, EEXIST, EINVAL, ENOENT, ENOSPC } from '../../uapi/index.ts';
import {
  copyBytes,
  type Element,
  type MachineMemory,
  type MapStore,
  programPermissions,
  RED_ZONE,
  type StoreEnv,
} from '../state/index.ts';
import { Elements } from './elements.ts';
import { grown } from './grown.ts';

/** Nodes that the typed arrays of a trie have room for at first; doubled whenever more are needed. */
const FIRST_CAPACITY = 4096;

/** Bytes of the prefix length before a key. */
const HEADER = 4;

export function trieStride(definition: MapDefinition): number {
  return alignUp(definition.valueSize, 8) + RED_ZONE + alignUp(definition.keySize, 8);
}

/** A trie of n elements has at most n - 1 forks. */
export function trieNodes(definition: MapDefinition): number {
  return definition.maxEntries * 2;
}

export class LpmTrieStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly #memory: MachineMemory;
  readonly #elements: Elements;
  readonly #keyOffset: number;
  readonly #maxPrefix: number;
  /** Children of node n at 2n and 2n + 1; node 0 is none, its child 0 the root. */
  #children: Int32Array;
  #prefixes: Int32Array;
  /** 1 for a node that is an element. */
  #isElement: Int32Array;
  /** Nodes that the typed arrays have room for, with node 0. */
  #capacity: number;
  readonly #free: number[] = [];
  #used = 0;
  #count = 0;

  constructor(env: StoreEnv) {
    const { definition } = env;
    this.definition = definition;
    this.#memory = env.memory;
    this.#elements = new Elements(env, trieStride(definition), trieNodes(definition));
    this.#keyOffset = alignUp(definition.valueSize, 8) + RED_ZONE;
    this.#maxPrefix = (definition.keySize - HEADER) * 8;
    this.#capacity = Math.min(trieNodes(definition) + 1, FIRST_CAPACITY);
    this.#children = new Int32Array(this.#capacity * 2);
    this.#prefixes = new Int32Array(this.#capacity);
    this.#isElement = new Int32Array(this.#capacity);
  }

  lookup(key: number): number {
    const prefix = this.#memory.u32(key);
    if (prefix > this.#maxPrefix) return 0;
    let found = 0;
    let node = this.#child(0, 0);
    while (node !== 0) {
      const length = this.#prefixes[node] ?? noElement(this.#prefixes, node);
      const common = this.#commonBits(node, key, Math.min(length, prefix));
      if (common < length) break;
      if (this.#isElement[node] === 1) found = node;
      if (length >= prefix || length >= this.#maxPrefix) break;
      node = this.#child(node, this.#bit(key, length));
    }
    return found === 0 ? 0 : this.#valueOf(found);
  }

  update(key: number, value: number, flags: number): number {
    if (flags < 0 || flags > BPF_EXIST) return -EINVAL;
    const prefix = this.#memory.u32(key);
    if (prefix > this.#maxPrefix) return -EINVAL;
    const { parent, side, node, common } = this.#descend(key, prefix);
    const exact = node !== 0 && common === prefix && this.#prefixes[node] === prefix;
    if (exact && this.#isElement[node] === 1) {
      if (flags === BPF_NOEXIST) return -EEXIST;
      copyBytes(this.#memory, this.#valueOf(node), value, this.definition.valueSize);
      return 0;
    }
    if (flags === BPF_EXIST) return -ENOENT;
    if (this.#count >= this.definition.maxEntries) return -ENOSPC;
    const element = exact ? node : this.#newNode(key, prefix);
    this.#count++;
    this.#isElement[element] = 1;
    this.#memory.permit(
      this.#valueOf(element),
      this.definition.valueSize,
      programPermissions(this.definition.flags),
    );
    copyBytes(this.#memory, this.#valueOf(element), value, this.definition.valueSize);
    if (!exact) this.#link(parent, side, node, element, common, key);
    return 0;
  }

  remove(key: number): number {
    const prefix = this.#memory.u32(key);
    if (prefix > this.#maxPrefix) return -EINVAL;
    const { parent, side, node, common, grandparent, parentSide } = this.#descend(key, prefix);
    const exact = node !== 0 && common === prefix && this.#prefixes[node] === prefix;
    if (!exact || this.#isElement[node] !== 1) return -ENOENT;
    this.#count--;
    this.#isElement[node] = 0;
    const left = this.#child(node, 0);
    const right = this.#child(node, 1);
    if (left !== 0 && right !== 0) return 0; // continues as a fork
    this.#children[parent * 2 + side] = left === 0 ? right : left;
    this.#release(node);
    if (left === 0 && right === 0 && parent !== 0 && this.#isElement[parent] === 0) {
      // The parent was a fork for this node's sake; the sibling takes its place.
      this.#children[grandparent * 2 + parentSide] = this.#child(parent, 1 - side);
      this.#release(parent);
    }
    return 0;
  }

  /** In the order of the trie: shorter prefixes before longer ones that they contain, then by their bits. */
  *elements(): Iterable<Element> {
    const stack = [this.#child(0, 0)];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node === 0) continue;
      stack.push(this.#child(node, 1), this.#child(node, 0));
      const value = this.#valueOf(node);
      if (this.#isElement[node] === 1) yield { key: value + this.#keyOffset, value };
    }
  }

  #child(node: number, side: number): number {
    return this.#children[node * 2 + side] ?? noElement(this.#children, node * 2 + side);
  }

  #valueOf(node: number): number {
    return this.#elements.address(node - 1);
  }

  /** Bit `index` of a key, from its most significant one. */
  #bit(key: number, index: number): number {
    return (this.#memory.u8(key + HEADER + (index >> 3)) >> (7 - (index & 7))) & 1;
  }

  /** How many of the first `limit` bits the node's key has in common with `key`. */
  #commonBits(node: number, key: number, limit: number): number {
    const own = this.#valueOf(node) + this.#keyOffset + HEADER;
    let bits = 0;
    while (bits < limit) {
      const difference = this.#memory.u8(own + (bits >> 3)) ^ this.#memory.u8(key + HEADER + (bits >> 3));
      if (difference === 0) bits += 8;
      else return Math.min(limit, bits + Math.clz32(difference) - 24);
    }
    return limit;
  }

  /** Goes down as long as nodes are prefixes of `key`, stopping at the node where that ends. */
  #descend(key: number, prefix: number) {
    let [grandparent, parentSide, parent, side, common] = [0, 0, 0, 0, 0];
    let node = this.#child(0, 0);
    while (node !== 0) {
      const length = this.#prefixes[node] ?? noElement(this.#prefixes, node);
      common = this.#commonBits(node, key, Math.min(length, prefix));
      if (common < length || length === prefix) break;
      grandparent = parent;
      parentSide = side;
      parent = node;
      side = this.#bit(key, length);
      node = this.#child(node, side);
    }
    return { grandparent, parentSide, parent, side, node, common };
  }

  #newNode(key: number, prefix: number): number {
    const node = this.#free.pop() ?? this.#unusedNode();
    this.#children[node * 2] = 0;
    this.#children[node * 2 + 1] = 0;
    this.#prefixes[node] = prefix;
    this.#isElement[node] = 0;
    const own = this.#valueOf(node) + this.#keyOffset;
    copyBytes(this.#memory, own, key, this.definition.keySize);
    this.#memory.setU32(own, prefix);
    return node;
  }

  #unusedNode(): number {
    const node = this.#used + 1;
    this.#elements.address(node - 1); // fails before anything changes
    if (node >= this.#capacity) this.#grow();
    this.#used = node;
    return node;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#children = grown(this.#children, this.#capacity * 2);
    this.#prefixes = grown(this.#prefixes, this.#capacity);
    this.#isElement = grown(this.#isElement, this.#capacity);
  }

  #release(node: number): void {
    this.#free.push(node);
  }

  /** Hangs `element` below `parent`, before, beside or above the `node` that is there. */
  #link(parent: number, side: number, node: number, element: number, common: number, key: number): void {
    if (node === 0) {
      this.#children[parent * 2 + side] = element;
      return;
    }
    const own = this.#valueOf(node) + this.#keyOffset;
    if (common === this.#prefixes[element]) {
      this.#children[element * 2 + this.#bit(own, common)] = node;
      this.#children[parent * 2 + side] = element;
      return;
    }
    const fork = this.#newNode(key, common);
    this.#children[fork * 2 + this.#bit(key, common)] = element;
    this.#children[fork * 2 + this.#bit(own, common)] = node;
    this.#children[parent * 2 + side] = fork;
  }
}
