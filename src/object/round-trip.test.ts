/**
 * Objects into columns and out again, in every form of the kernels: all objects of the repository that are built, of
 * both byte orders.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RootletError } from '../diag/problem.ts';
import { inEachForm } from '../image/testing.ts';
import type { BpfObject } from './model/model.ts';
import { objectOf } from './model/object-of.ts';
import { readObject } from './read/read.ts';
import { importObject } from './write/import.ts';
import { writeUnit } from './write/unit.ts';
import { writeObject } from './write/write.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The object as plain data, with line records as arrays; notes and faults of reading are not in columns. */
function plain(object: BpfObject): unknown {
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' ? { ...symbol, lines: [...symbol.lines] } : symbol,
  );
  const btf =
    object.btf === null
      ? null
      : Array.from({ length: object.btf.count }, (_, id) => object.btf?.type(id + 1));
  const { notes: _, faults: __, ...columns } = object;
  return { ...columns, symbols, btf };
}

function read(file: string): BpfObject | undefined {
  try {
    return readObject({ name: path.basename(file), bytes: readFileSync(file) });
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

describe.each(['el', 'eb'])('objects in directories obj/%s', order => {
  const files = ['examples', 'src', 'test']
    .flatMap(directory =>
      readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' })
        .filter(name => name.endsWith('.o') && path.dirname(name).endsWith(path.join('obj', order)))
        .map(name => path.join(directory, name)),
    )
    .sort();

  test('are the same when they come out of columns', () => {
    let compared = 0;
    for (const file of files) {
      const object = read(path.join(ROOT, file));
      if (object === undefined) continue;
      const expected = plain(object);
      compared++;
      inEachForm(image => {
        const unit = importObject(image, { ...object });
        expect(plain(objectOf(image, unit)), file).toEqual(expected);
        return unit;
      });
    }
    expect(compared).toBeGreaterThan(20);
  });

  test('are written as they were read, in every form', () => {
    for (const file of files.filter((_, index) => index % 5 === 0)) {
      const object = read(path.join(ROOT, file));
      if (object === undefined || object.faults !== undefined) continue;
      const expected = Buffer.from(writeObject(object)).toString('hex');
      inEachForm(image => {
        const bytes = writeUnit(image, importObject(image, { ...object }));
        expect(Buffer.from(bytes).toString('hex'), file).toBe(expected);
        return bytes.length;
      });
    }
  });
});
