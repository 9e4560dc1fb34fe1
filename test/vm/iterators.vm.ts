/** Iterators: what they write of tasks, memory, elements, maps and cgroups, and their targets. */

import { closeSync, mkdirSync, openSync, readFileSync, readSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import type { Attachment } from '../../src/kernel/hooks/attachment.ts';
import { type IteratorScope, openIterator } from '../../src/kernel/hooks/hooks.ts';
import { listIds } from '../../src/kernel/objects/info.ts';
import { encodeU32s } from '../../src/kernel/sys/sys.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { EBADF } from '../../src/uapi/errno.ts';
import { sys } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';
import { errnoOf, refusal } from './guest/replacing.ts';

const { pid } = process;

function load(program: string, globals: Record<string, number | bigint> = {}): LoadedObject {
  return loadObject(vmObject('iterators'), sys, {
    pinRoot: null,
    programs: name => name === program,
    globals,
  });
}

function attach(loaded: LoadedObject, program: string, scope?: IteratorScope): Attachment {
  const { link } = attachProgram(loaded, program, scope === undefined ? {} : { iterator: scope });
  if (link === null) throw new Error('not a link');
  return link;
}

/** All lines of one run. */
function linesOf(attached: Attachment): string[] {
  using fd = openIterator(attached);
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(65536);
    const length = readSync(fd.number, chunk);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
  }
  return Buffer.concat(chunks).toString('utf8').split('\n').slice(0, -1);
}

describe('tasks', () => {
  test('all of them, this one with its name', () => {
    using loaded = load('tasks');
    using attached = attach(loaded, 'tasks');
    const lines = linesOf(attached);
    expect(lines.some(line => line.startsWith('1 1 '))).toBe(true);
    expect(lines).toContain(`${pid} ${pid} ${readFileSync('/proc/self/comm', 'utf8').trim()}`);
  });

  test('those of one process, or one thread', () => {
    using loaded = load('tasks');
    using own = attach(loaded, 'tasks', { kind: 'task', pid });
    const lines = linesOf(own);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.every(line => line.startsWith(`${pid} `))).toBe(true);
    using thread = attach(loaded, 'tasks', { kind: 'task', tid: pid });
    expect(linesOf(thread)).toEqual([expect.stringMatching(`^${pid} ${pid} `)]);
  });

  test('with memory that has to be waited for', () => {
    const memory = new Uint8Array(8);
    memory.set([1, 2, 3, 4, 5, 6, 7, 8]);
    using loaded = load('copies', { wanted: pid, place: sys.addressOf(memory) });
    using attached = attach(loaded, 'copies', { kind: 'task', pid });
    expect(linesOf(attached)).toEqual([]);
    expect(loaded.variables.get('result')).toBe(0n);
    expect(loaded.variables.get('copied')).toBe(0x0807060504030201n);
    expect(memory).toHaveLength(8);
  });

  test('their areas of memory', () => {
    using loaded = load('areas');
    using attached = attach(loaded, 'areas', { kind: 'task', pid });
    const [first = ''] = readFileSync('/proc/self/maps', 'utf8').split(' ');
    const lines = linesOf(attached);
    expect(lines[0]).toBe(first);
    expect(lines.length).toBeGreaterThan(20);
  });
});

describe('elements of a map', () => {
  test('each is written, and changed', () => {
    using loaded = load('elements');
    const map = loaded.map('numbers');
    for (const key of [1, 2, 3]) map.update(encodeU32s([key]), encodeU32s([key * 11, 0]));
    using attached = attach(loaded, 'elements', { kind: 'map', fd: map.fd.number });
    expect(linesOf(attached).sort()).toEqual(['1=11', '2=22', '3=33']);
    expect(linesOf(attached).sort()).toEqual(['1=0', '2=0', '3=0']);
  });

  test('which map has to be specified', () => {
    using loaded = load('elements');
    const error = refusal(() => attach(loaded, 'elements'));
    expect(errnoOf(error)).toBe(EBADF);
    expect(error.message).toContain('may need a target');
  });
});

test('maps of the kernel', () => {
  using loaded = load('maps');
  using attached = attach(loaded, 'maps');
  expect(linesOf(attached).map(Number).sort()).toEqual(listIds(sys, 'map').sort());
});

describe('cgroups', () => {
  const root = '/sys/fs/cgroup/vm-iterators';
  const directories = [root, `${root}/a`, `${root}/a/b`, `${root}/c`];
  const idOf = (path: string) => String(statSync(path, { bigint: true }).ino);

  test.each([
    ['self', root, [root]],
    ['descendants', root, directories],
    ['ancestors', `${root}/a/b`, [`${root}/a/b`, `${root}/a`, root, '/sys/fs/cgroup']],
  ] as const)('%s', (order, from, expected) => {
    for (const directory of directories) mkdirSync(directory);
    const fd = openSync(from, 'r');
    try {
      using loaded = load('groups');
      using attached = attach(loaded, 'groups', { kind: 'cgroup', fd, order });
      expect(linesOf(attached).sort()).toEqual(expected.map(idOf).sort());
    } finally {
      closeSync(fd);
      for (const directory of [...directories].reverse()) rmdirSync(directory);
    }
  });
});

test('a pinned one is a file that anybody can read, and continues with another program', () => {
  const pin = '/sys/fs/bpf/vm-iterator';
  using loaded = load('maps');
  using attached = attach(loaded, 'maps');
  attached.pin(pin);
  try {
    expect(readFileSync(pin, 'utf8').split('\n').slice(0, -1).map(Number).sort()).toEqual(
      listIds(sys, 'map').sort(),
    );
    using other = load('maps');
    attached.update(other.program('maps').fd.number);
    expect(attached.info().programId).toBe(other.program('maps').info().id);
  } finally {
    rmSync(pin);
  }
});
