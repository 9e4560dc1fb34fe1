/**
 * Compiled objects (Debian's, the examples and the cases) through the passes that need one object only:
 * machine and kernel see no difference between before and after.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { CASES_DIRECTORY } from '../support/case-files.ts';
import { linked } from './passes.ts';
import { firstDifference, packetPrograms } from './single.ts';

const DEBIAN = '/usr/lib/x86_64-linux-gnu/bpf';
const EXAMPLES = 'examples/obj';
const { sys } = kernelForTests();

interface Subject {
  readonly name: string;
  readonly object: BpfObject;
}

function objectsIn(folder: string, label: string): Subject[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(name => name.endsWith('.o'))
    .sort()
    .map(name => ({
      name: `${label}/${name}`,
      object: readObject({ name, bytes: readFileSync(path.join(folder, name)) }),
    }));
}

function caseObjects(order: string): Subject[] {
  return readdirSync(CASES_DIRECTORY, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .flatMap(({ name }) => objectsIn(path.join(CASES_DIRECTORY, name, 'obj', order), `${name}/${order}`));
}

/** Objects that the machine runs as they are; externs of the cases that are meant for a link keep others out. */
function runs({ object }: Subject): boolean {
  try {
    createMachine(object).close();
    linked([object]);
    return packetPrograms(object).length > 0;
  } catch {
    return false;
  }
}

const SUBJECTS = [
  ...objectsIn(DEBIAN, 'debian'),
  ...objectsIn(`${EXAMPLES}/el`, 'examples/el'),
  ...objectsIn(`${EXAMPLES}/eb`, 'examples/eb'),
  ...caseObjects('el'),
  ...caseObjects('eb'),
].filter(runs);

/** Local type ids and addresses of variables show in what these do, and collection changes both. */
const SHOWS_PLACES = /^(core-type-id|data-pointers)\//;
describe('objects of compilers', () => {
  test('that can run are many', () => {
    expect(SUBJECTS.length).toBeGreaterThan(existsSync(DEBIAN) ? 60 : 45);
  });

  test.each(SUBJECTS)('$name', ({ name, object }) => {
    const without = SHOWS_PLACES.test(name) ? ['collect'] : [];
    expect(firstDifference(object, { sys, without })).toBeUndefined();
  });
});
