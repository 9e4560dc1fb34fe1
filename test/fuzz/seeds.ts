/**
 * The files that are corrupted: objects of the repository, those that Debian's packages install, archives of objects,
 * and captures. Objects of one directory belong together: they are linked with each other.
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readObject } from '../../src/object/read/read.ts';
import { PcapWriter } from '../../src/vm/capture/writer.ts';
import { archiveOf, memberOf } from '../support/archives.ts';
import { ObjectMap } from './object-map.ts';

export interface SeedObject {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly map: ObjectMap;
}

export interface SeedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Seeds {
  /** Objects that belong together, all of one byte order. */
  readonly groups: readonly (readonly SeedObject[])[];
  readonly archives: readonly SeedFile[];
  readonly captures: readonly SeedFile[];
}

/** In the sources, and in what is compiled of them. */
const ROOT = [new URL('../..', import.meta.url), new URL('../../..', import.meta.url)]
  .map(url => fileURLToPath(url))
  .find(root => existsSync(path.join(root, 'package.json')));
const DEBIAN = '/usr/lib/x86_64-linux-gnu/bpf';
/** Larger objects make few cases in the same time. */
const LARGEST = 64 << 10;

export function readSeeds(): Seeds {
  if (ROOT === undefined) throw new Error('the repository is not found');
  const root = ROOT;
  const cases = readdirSync(path.join(root, 'test/cases')).sort();
  const directories = ['el', 'eb'].flatMap(order => [
    `examples/obj/${order}`,
    ...cases.map(name => `test/cases/${name}/obj/${order}`),
    `src/vm/testdata/obj/${order}`,
    `src/load/testdata/obj/${order}`,
    `src/core/testdata/obj/${order}`,
  ]);
  const groups = [...directories.map(name => path.join(root, name)), DEBIAN]
    .map(directory => objectsOf(root, directory))
    .filter(group => group.length > 0);
  return { groups, archives: archivesOf(groups), captures: capturesOf(root) };
}

function objectsOf(root: string, directory: string): SeedObject[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter(name => name.endsWith('.o') && statSync(path.join(directory, name)).size <= LARGEST)
    .sort()
    .map(name =>
      seedObject(path.relative(root, path.join(directory, name)), readFileSync(path.join(directory, name))),
    );
}

function seedObject(name: string, bytes: Uint8Array): SeedObject {
  const own = new Uint8Array(bytes);
  return { name, bytes: own, map: new ObjectMap(name, own) };
}

function archivesOf(groups: Seeds['groups']): SeedFile[] {
  return groups.slice(0, 12).flatMap((group, index) => {
    const members = group.slice(0, 3).flatMap(({ name, bytes }) => {
      const short = path.basename(name).replace('.bpf.o', '').slice(0, 12);
      return [memberOf(readObject({ name: `${short}.o`, bytes }))];
    });
    return [true, false].map(indexed => ({ name: `archive${index}.a`, bytes: archiveOf(members, indexed) }));
  });
}

function capturesOf(root: string): SeedFile[] {
  const directory = path.join(root, 'examples');
  const found = readdirSync(directory)
    .filter(name => /\.pcap(ng)?$/.test(name))
    .map(name => ({
      name,
      bytes: new Uint8Array(readFileSync(path.join(directory, name)).subarray(0, 4096)),
    }));
  return [...found, ...[true, false].map(written), { name: 'blocks.pcapng', bytes: blocks() }];
}

function written(nanoseconds: boolean): SeedFile {
  const parts: Buffer[] = [];
  const writer = new PcapWriter(bytes => parts.push(Buffer.from(bytes)), nanoseconds);
  for (const size of [14, 60, 64, 1500])
    writer.write(new Uint8Array(size).fill(size), { seconds: 1, nanoseconds: 5000 });
  writer.flush();
  return { name: `${nanoseconds ? 'nano' : 'micro'}.pcap`, bytes: new Uint8Array(Buffer.concat(parts)) };
}

/** A capture in blocks: section, interface, enhanced, simple and unknown ones. */
function blocks(): Uint8Array {
  const words: number[] = [];
  const block = (type: number, ...body: number[]): void => {
    const size = 12 + 4 * body.length;
    words.push(type, size, ...body, size);
  };
  const packet = Array.from({ length: 15 }, (_, index) => index * 0x01010101);
  block(0x0a0d0d0a, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff);
  block(1, 1, 0x40000, 0x00010009, 9, 0);
  block(6, 0, 5, 6, 60, 60, ...packet);
  block(3, 60, ...packet);
  block(5, 0, 0, 0);
  block(6, 0, 5, 7, 60, 1500, ...packet);
  return new Uint8Array(Uint32Array.from(words).buffer);
}
