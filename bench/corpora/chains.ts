/**
 * Chains of any number of objects, made from templates that clang compiled, by replacing the numbers in their names;
 * each object calls a function and reads a variable of the next one. So 3,200 objects need two runs of the compiler.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support.ts';
import { compileAll } from './compile.ts';

export type Shape = 'small' | 'wide';

/** Writes the objects of a chain of `count` to `directory`. */
export async function makeChain(shape: Shape, count: number, directory: string): Promise<void> {
  const sources = new Map([
    ['middle.bpf.c', templateOf(shape, '0')],
    ['end.bpf.c', templateOf(shape, '1')],
  ]);
  const [middle = '', end = ''] = await compileAll(sources, directory, []);
  const templates = { middle: readFileSync(middle), end: readFileSync(end) };
  for (let index = 0; index < count; index++) {
    const template = index === count - 1 ? templates.end : templates.middle;
    writeFileSync(join(directory, `f${String(index).padStart(5, '0')}.o`), numbered(template, index));
  }
}

function templateOf(shape: Shape, last: '0' | '1'): string {
  const script = join(ROOT, 'bench/templates/make.js');
  return spawnSync(process.execPath, [script, shape, last], { encoding: 'utf8' }).stdout;
}

function numbered(template: Buffer, index: number): Buffer {
  const copy = Buffer.from(template);
  for (const [mark, value] of [
    ['AAAAA', index],
    ['BBBBB', index + 1],
  ] as const) {
    const text = Buffer.from(String(value).padStart(5, '0'));
    for (let at = copy.indexOf(mark); at >= 0; at = copy.indexOf(mark, at)) copy.set(text, at);
  }
  return copy;
}
