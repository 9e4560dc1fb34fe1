/**
 * Objects of tools that Debian ships, against libbpf (as bpftool has it) on a kernel that takes all of their kinds of
 * programs: the same ones load, with the same instructions (tags), attached to the same types, and maps of one shape.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import { readMapInfo, readProgramInfo } from '../../src/kernel/objects/info.ts';
import { openPinned } from '../../src/kernel/objects/pin.ts';
import { loadObject } from '../../src/load/load.ts';
import { mountBpffs } from '../../src/load/testing.ts';
import { readObject } from '../../src/object/read/read.ts';
import { BPF_F_MMAPABLE } from '../../src/uapi/flags.ts';
import { writeEmbeddedObjects } from '../load-oracle/support-embedded.ts';
import { since, sys } from './guest/kernel.ts';

const why = since('6.12'); // once is enough; the running kernel outside takes the others
const bpffs = mountBpffs();
const directory = mkdtempSync(join(tmpdir(), 'rootlet-embedded-'));
afterAll(() => {
  bpffs.close();
  rmSync(directory, { recursive: true });
});

interface Loaded {
  /** By name: tag, type, what it attaches to. */
  readonly programs: ReadonlyMap<string, readonly (string | number)[]>;
  /** Shapes, in order. */
  readonly maps: readonly string[];
}

function programFacts(fd: number): readonly (string | number)[] {
  const { tag, type, attachBtfId } = readProgramInfo(sys, fd);
  return [tag, type, attachBtfId];
}

/** Older releases of libbpf let user space map all sections of globals. */
function mapFacts(fd: number): string {
  const { type, keySize, valueSize, maxEntries, flags } = readMapInfo(sys, fd);
  return [type, keySize, valueSize, maxEntries, flags & ~BPF_F_MMAPABLE].join(' ');
}

function factsOfPins<T>(path: string, read: (fd: number) => T): [name: string, facts: T][] {
  return readdirSync(path)
    .sort()
    .map(name => {
      using fd = openPinned(sys, join(path, name));
      if (fd === undefined) throw new Error(`no pin ${name}`);
      return [name, read(fd.number)];
    });
}

/** What bpftool pins; undefined when it, or the kernel for it, refuses. */
function byBpftool(path: string): Loaded | undefined {
  const pins = mkdtempSync(join(bpffs.path, 'peer-'));
  const [programs, maps] = [join(pins, 'programs'), join(pins, 'maps')];
  try {
    const { status } = spawnSync('bpftool', ['prog', 'loadall', path, programs, 'pinmaps', maps]);
    if (status !== 0) return undefined;
    return {
      programs: new Map(factsOfPins(programs, programFacts)),
      maps: factsOfPins(maps, mapFacts)
        .map(([, facts]) => facts)
        .sort(),
    };
  } finally {
    rmSync(pins, { recursive: true });
  }
}

function byRootlet(path: string): Loaded | undefined {
  try {
    using object = loadObject(readObject({ name: basename(path), bytes: readFileSync(path) }), sys, {
      pinRoot: null,
    });
    return {
      programs: new Map([...object.programs].map(([name, { fd }]) => [name, programFacts(fd.number)])),
      maps: [...object.maps.values()].map(map => mapFacts(map.fd.number)).sort(),
    };
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

describe.skipIf(why !== undefined)(
  `objects of installed tools${why === undefined ? '' : ` (${why})`}`,
  () => {
    const files = why === undefined ? writeEmbeddedObjects(directory, ['libbpf-tools']) : [];
    const refused: string[] = [];

    test.each(files.map(path => basename(path)))('%s', name => {
      const path = join(directory, name);
      const expected = byBpftool(path);
      const ours = byRootlet(path);
      if (expected === undefined) refused.push(name);
      expect(ours).toEqual(expected);
    });

    test('most are loaded by both', () => {
      expect(files.length).toBeGreaterThan(45);
      expect(refused.length).toBeLessThan(files.length / 3);
    });
  },
);
