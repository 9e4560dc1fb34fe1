/**
 * Random words for keys of hashes. They decide where something is found in a table and nothing else, so results do
 * not depend on them.
 */

import { elementAt } from '../bytes/index.ts';

type Draw = () => number;

let draw: Draw = fromHost;

/** A word that no input can foresee. */
export function randomWord(): number {
  return draw();
}

/** Takes words from elsewhere, for tests. Returns what takes them from the host again. */
export function useRandom(words: Draw): () => void {
  const before = draw;
  draw = words;
  return () => {
    draw = before;
  };
}

/** Loaded by hosts when it is first used, which takes longer than to link two objects: so nothing is drawn in advance. */
function fromHost(): number {
  const host: { readonly crypto?: { getRandomValues(into: Int32Array): unknown } } = globalThis;
  const word = new Int32Array(1);
  if (host.crypto === undefined) return (Math.random() * 2 ** 32) | 0;
  host.crypto.getRandomValues(word);
  return elementAt(word, 0);
}
