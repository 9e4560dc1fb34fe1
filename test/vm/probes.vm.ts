/** Programs on functions of the kernel and of executables through perf events, and on tracepoints with names. */

import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import type { AttachPlace } from '../../src/hooks/targets/kinds.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { EEXIST } from '../../src/uapi/errno.ts';
import { kernelIs, sys, testBefore, testSince } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';
import { refusal } from './guest/replacing.ts';

const MODE = 0o711;
const tracing = vmObject('tracing');

const folder = mkdtempSync(join(tmpdir(), 'rootlet-probes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function makeDirectory(): void {
  const path = join(folder, 'made');
  mkdirSync(path, { mode: MODE });
  rmdirSync(path);
}

/** Fails with EEXIST. */
function makeDirectoryAgain(): void {
  expect(() => mkdirSync(folder, { mode: MODE })).toThrow(expect.objectContaining({ code: 'EEXIST' }));
}

function loadOne(program: string): LoadedObject {
  return loadObject(tracing, sys, {
    pinRoot: null,
    programs: name => name === program,
    globals: { wanted: process.pid },
  });
}

/** What a program saw of two calls while it was attached; calls before and after must not count. */
function seenBy(program: string, names: readonly string[], place: AttachPlace = {}): number[] {
  using loaded = loadOne(program);
  makeDirectory();
  const attached = attachProgram(loaded, program, place);
  makeDirectory();
  makeDirectoryAgain();
  attached.close();
  makeDirectory();
  return names.map(name => Number(loaded.variables.get(name)));
}

test('a tracepoint, with its arguments', () => {
  expect(seenBy('classic_tracepoint', ['entered', 'argument'])).toEqual([2, MODE]);
});

describe('functions of the kernel', () => {
  test('at entry', () => {
    expect(seenBy('kernel_entry', ['entered', 'argument'])).toEqual([2, MODE]);
  });

  test('at return', () => {
    expect(seenBy('kernel_return', ['left', 'result'])).toEqual([2, -EEXIST]);
  });

  testSince('6.12', 'many at once', () => {
    expect(seenBy('kernel_entries', ['entered'])).toEqual([2]);
  });

  testBefore('6.12', 'many at once are refused where the kernel was built without', () => {
    const error = refusal(() => {
      using loaded = loadOne('kernel_entries');
      return attachProgram(loaded, 'kernel_entries');
    });
    expect(error.problems[0]?.code).toMatch(/^kernel-/);
    expect(error.problems[0]?.hint).toMatch(kernelIs('5.18') ? /without CONFIG_FPROBE/ : /needs Linux 5\.18/);
  });

  test('one that is not there', () => {
    using loaded = loadOne('kernel_entry');
    const place = { kernelFunction: { symbol: 'this_kernel_has_no_such_function' } };
    expect(refusal(() => attachProgram(loaded, 'kernel_entry', place)).message).toContain(
      'this_kernel_has_no_such_function',
    );
  });
});

describe('functions of a library that this process uses', () => {
  const place = { executable: { file: 'libc.so.6', symbol: 'mkdir', pid: process.pid } };

  test('at entry', () => {
    expect(seenBy('user_entry', ['entered', 'argument'], place)).toEqual([2, MODE]);
  });

  test('at return', () => {
    expect(seenBy('user_return', ['left', 'result'], place)).toEqual([2, -1]);
  });

  test('not in another process', () => {
    const other = { executable: { ...place.executable, pid: 1 } };
    expect(seenBy('user_entry', ['entered'], other)).toEqual([0]);
  });
});
