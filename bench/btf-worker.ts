/** Parses and deduplicates the types in a file, once, in a fresh process: the same as dedup_btf.c and its output. */

import { readFileSync } from 'node:fs';
import { parseBtf } from '../src/btf/binary/parse.ts';
import { mergeBtf } from '../src/btf/merge/merge.ts';

const bytes = readFileSync(process.argv[2] ?? '');
const start = process.hrtime.bigint();
const merged = mergeBtf([{ btf: parseBtf(bytes, 'little') }]);
process.stdout.write(`${process.hrtime.bigint() - start} ${merged.before} ${merged.after}\n`);
