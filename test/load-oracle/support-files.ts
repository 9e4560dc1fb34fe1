/** The objects that are compared: of this project, of Debian's packages, and those inside of Debian's tools. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { HOST_ORDER } from '../../src/kernel/uapi/attr.ts';
import { writeEmbeddedObjects } from './support-embedded.ts';

export const ROOT = path.dirname(path.dirname(import.meta.dirname));
const ORDER = HOST_ORDER === 'little' ? 'el' : 'eb';

const DIRECTORIES = [
  `examples/obj/${ORDER}`,
  ...['core', 'load', 'vm'].map(layer => `src/${layer}/testdata/obj/${ORDER}`),
  ...readdirSync(path.join(ROOT, 'test/cases')).map(name => `test/cases/${name}/obj/${ORDER}`),
  '/usr/lib/x86_64-linux-gnu/bpf',
  '/usr/lib/aarch64-linux-gnu/bpf',
  '/lib/udev/rc_keymaps/protocols',
];

function relative(file: string): string {
  return path.relative(ROOT, file);
}

export const EMBEDDED = writeEmbeddedObjects(path.join(ROOT, 'node_modules/.cache/embedded-objects')).map(
  relative,
);

/** Relative to the root of the project. */
export const FILES = [
  ...DIRECTORIES.map(directory => path.resolve(ROOT, directory))
    .filter(directory => existsSync(directory) && statSync(directory).isDirectory())
    .flatMap(directory =>
      readdirSync(directory)
        .filter(file => file.endsWith('.o'))
        .sort()
        .map(file => relative(path.join(directory, file))),
    ),
  ...EMBEDDED,
];
