/**
 * Puts the inputs of the link benchmarks into a directory of its own each, to measure or profile with them by hand:
 *
 *   node dist/bench/make-corpora.js DIRECTORY [small-800 wide-200 wide-800 vml vml2 huge]
 */

import { join } from 'node:path';
import { copyCorpus } from './corpora/corpora.ts';

const [target, ...names] = process.argv.slice(2);
if (target === undefined) throw new Error('usage: make-corpora DIRECTORY [NAME…]');
const all = ['small-800', 'wide-200', 'wide-800', 'vml', 'vml2', 'huge'];
for (const name of names.length > 0 ? names : all) {
  await copyCorpus(name, join(target, name));
  process.stdout.write(`${join(target, name)}\n`);
}
