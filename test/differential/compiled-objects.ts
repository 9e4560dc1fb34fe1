/** Compiled objects that the machine runs: Debian's, the examples and the cases. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { CASES_DIRECTORY } from '../support/case-files.ts';
import { linked } from './passes.ts';
import { packetPrograms } from './single.ts';

export const DEBIAN = '/usr/lib/x86_64-linux-gnu/bpf';
const EXAMPLES = 'examples/obj';

export interface CompiledObject {
  readonly name: string;
  readonly object: BpfObject;
}

function objectsIn(folder: string, label: string): CompiledObject[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(name => name.endsWith('.o'))
    .sort()
    .map(name => ({
      name: `${label}/${name}`,
      object: readObject({ name, bytes: readFileSync(path.join(folder, name)) }),
    }));
}

function caseObjects(order: string): CompiledObject[] {
  return readdirSync(CASES_DIRECTORY, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .flatMap(({ name }) => objectsIn(path.join(CASES_DIRECTORY, name, 'obj', order), `${name}/${order}`));
}

/** Objects that the machine runs as they are; externs of the cases that are meant for a link keep others out. */
function runs({ object }: CompiledObject): boolean {
  try {
    createMachine(object).close();
    linked([object]);
    return packetPrograms(object).length > 0;
  } catch {
    return false;
  }
}

/** Those that run as they are. */
export const COMPILED = [
  ...objectsIn(DEBIAN, 'debian'),
  ...objectsIn(`${EXAMPLES}/el`, 'examples/el'),
  ...objectsIn(`${EXAMPLES}/eb`, 'examples/eb'),
  ...caseObjects('el'),
  ...caseObjects('eb'),
].filter(runs);

/** Local type ids and addresses of variables show in what these do, and collection changes both. */
export const SHOWS_PLACES = /^(core-type-id|data-pointers)\//;
