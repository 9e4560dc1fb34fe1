/** Values that hang on tasks, files, sockets and cgroups; bloom filters; records from user space to programs. */

import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { encodeU32s } from '../../src/kernel/sys/sys.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { sys, testBefore, testSince } from './guest/kernel.ts';
import { AF_INET, call, loopback, SOCK_STREAM, Sockets } from './guest/libc.ts';
import { vmObject } from './guest/objects.ts';
import { refusal } from './guest/replacing.ts';

const PAGE = 4096;
const folder = mkdtempSync(join(tmpdir(), 'rootlet-storage-'));
afterAll(() => rmSync(folder, { recursive: true }));

function makeDirectory(): void {
  const path = join(folder, 'made');
  mkdirSync(path);
  rmdirSync(path);
}

const load = (program: string): LoadedObject =>
  loadObject(vmObject('storage'), sys, {
    pinRoot: null,
    programs: name => name === program,
    globals: { wanted: process.pid },
  });

const number = (bytes: Uint8Array | undefined): number | undefined =>
  bytes === undefined ? undefined : Number(Buffer.from(bytes).readBigUInt64LE());
const u64 = (value: number): Uint8Array => encodeU32s([value, 0]);

/** A value that user space gives, a program changes, and user space takes away. */
function followed(loaded: LoadedObject, map: string, fd: number, act: () => void): void {
  const values = loaded.map(map);
  const key = encodeU32s([fd]);
  act();
  expect(values.lookup(key), 'nobody gave it a value').toBeUndefined();
  values.update(key, u64(100));
  act();
  act();
  expect(number(values.lookup(key))).toBe(102);
  expect(values.delete(key)).toBe(true);
  act();
  expect(values.lookup(key)).toBeUndefined();
}

describe('values that hang on', () => {
  test('tasks', () => {
    const task = call('pidfd_open', process.pid, 0);
    try {
      using loaded = load('count_task');
      using _attached = attachProgram(loaded, 'count_task');
      followed(loaded, 'tasks', task, makeDirectory);
    } finally {
      call('close', task);
    }
  });

  test('tasks: the program gives them', () => {
    const task = call('pidfd_open', process.pid, 0);
    try {
      using loaded = load('mark_task');
      using _attached = attachProgram(loaded, 'mark_task');
      makeDirectory();
      makeDirectory();
      expect(number(loaded.map('tasks').lookup(encodeU32s([task])))).toBe(10);
    } finally {
      call('close', task);
    }
  });

  test('files', () => {
    const path = join(folder, 'file');
    const fd = openSync(path, 'w');
    try {
      using loaded = load('count_file');
      using _attached = attachProgram(loaded, 'count_file');
      followed(loaded, 'inodes', fd, () => closeSync(openSync(path, 'r')));
    } finally {
      closeSync(fd);
    }
  });

  test('sockets', () => {
    using sockets = new Sockets();
    using loaded = load('count_socket');
    using _attached = attachProgram(loaded, 'count_socket', { cgroup: '/sys/fs/cgroup' });
    const fd = sockets.open(AF_INET, SOCK_STREAM);
    const nobody = loopback(AF_INET, 7999);
    followed(loaded, 'sockets', fd, () => void call('connect', fd, nobody, nobody.length));
  });

  testSince('6.2', 'cgroups', () => {
    const fd = openSync('/sys/fs/cgroup', 'r');
    try {
      using loaded = loadObject(vmObject('cgroup_storage'), sys, { pinRoot: null });
      using _attached = attachProgram(loaded, 'count_group');
      followed(loaded, 'groups', fd, makeDirectory);
    } finally {
      closeSync(fd);
    }
  });

  testBefore('6.2', 'cgroups: the type of map is named that is too new', () => {
    const error = refusal(() => loadObject(vmObject('cgroup_storage'), sys, { pinRoot: null }));
    expect(error.message).toMatch(/map "groups".*cgrp_storage/);
  });
});

test('a bloom filter has what was put into it, for programs and here', () => {
  using loaded = load('look_up');
  const known = loaded.map('known');
  for (const value of [7, 8, 9]) known.update(new Uint8Array(0), encodeU32s([value]));
  for (const value of [7, 8, 9, 1000])
    loaded.testRun('look_up', Uint8Array.of(...encodeU32s([value]), ...new Uint8Array(60)));
  expect(['hits', 'misses'].map(name => Number(loaded.variables.get(name)))).toEqual([3, 1]);
  expect([7, 8, 9, 1000].map(value => known.mayContain(encodeU32s([value])))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(known.info().mapExtra).toBe(5n);
});

test('records from here to a program, which takes them one by one', () => {
  using loaded = load('drain');
  using _attached = attachProgram(loaded, 'drain');
  const ring = loaded.map('requests');
  using memory = ring.mmap('read-write', PAGE + 2 * PAGE, PAGE); // the writer's position, and the data twice
  const view = new DataView(memory.bytes.buffer, memory.bytes.byteOffset, memory.bytes.length);
  [5, 6, 31].forEach((value, index) => {
    view.setUint32(PAGE + index * 16, 4, true); // length
    view.setUint32(PAGE + index * 16 + 8, value, true);
  });
  view.setBigUint64(0, 48n, true);
  makeDirectory();
  expect(['drained', 'sum'].map(name => Number(loaded.variables.get(name)))).toEqual([3, 42]);
  makeDirectory();
  expect(Number(loaded.variables.get('drained'))).toBe(3);
});
