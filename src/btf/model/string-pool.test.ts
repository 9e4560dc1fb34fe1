/** Strings that are made to have one hash take no longer than others, and get the same table. */

import { afterAll, afterEach, expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { encodeText } from '../../bytes/cursor.ts';
import { useRandom } from '../../image/random.ts';
import { StringPool } from './string-pool.ts';

let drawn = 0;
const restore = useRandom(() => {
  drawn++;
  return 0x1abcd;
});
afterAll(restore);
afterEach(() => {
  drawn = 0;
});

const BASIS = 0x811c9dc5;
const step = (hash: number, text: string): number => {
  let all = hash;
  for (let at = 0; at < text.length; at++) all = Math.imul(all ^ text.charCodeAt(at), 0x01000193);
  return all;
};
const random = new SeededRandom(5);

/** Two texts that lead from one state of the hash to one state, by a birthday search. */
function pairFrom(state: number): readonly [string, string] {
  const known = new Map<number, string>();
  for (;;) {
    const text = String.fromCharCode(...Array.from({ length: 7 }, () => 97 + random.below(26)));
    const hash = step(state, text);
    const other = known.get(hash);
    if (other !== undefined && other !== text) return [other, text];
    known.set(hash, text);
  }
}

function colliding(blocks: number): string[] {
  let texts = [''];
  let state = BASIS;
  for (let block = 0; block < blocks; block++) {
    const pair = pairFrom(state);
    texts = texts.flatMap(text => pair.map(end => text + end));
    state = step(state, pair[0]);
  }
  return texts;
}

function tableOf(texts: readonly string[]): { readonly table: Uint8Array; readonly offsets: number[] } {
  const pool = new StringPool();
  const offsets = texts.map(text => pool.addFrom(encodeText(text), 0));
  for (const [at, text] of texts.entries())
    expect(pool.addFrom(encodeText(`${text}\0x`), 0)).toBe(offsets[at]);
  return { table: pool.finish(), offsets };
}

test('plain strings draw no key', () => {
  const texts = Array.from({ length: 5000 }, (_, at) => `name${at}`);
  const { table, offsets } = tableOf(texts);
  expect([drawn, new Set(offsets).size, table.length]).toEqual([
    0,
    5000,
    encodeText(`\0${texts.join('\0')}\0`).length,
  ]);
});

test('strings of one hash draw one, once', () => {
  const texts = colliding(8);
  expect(new Set(texts.map(text => step(BASIS, text))).size).toBe(1);
  const { table } = tableOf([...texts, 'last']);
  expect(table).toEqual(encodeText(`\0${texts.join('\0')}\0last\0`));
  expect(drawn).toBe(1);
});
