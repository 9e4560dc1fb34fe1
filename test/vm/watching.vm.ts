/** Sleepable programs, cookies, two attachments to one call, and programs that override kernel functions. */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import type { AttachPlace } from '../../src/hooks/targets/kinds.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { EEXIST } from '../../src/uapi/errno.ts';
import { since, sys, testBefore, testSince } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';
import { errnoOf, refusal } from './guest/replacing.ts';

const EDOM = 33;
const MODE = 0o711;
const COOKIE = 0x1122334455667788n;
const memory = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);
const MEMORY = 0x0102030405060708n;

const folder = mkdtempSync(join(tmpdir(), 'rootlet-watching-'));
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
const openFile = () => closeSync(openSync('/proc/self/comm', 'r'));
const endProcess = () => void execFileSync('true');

function load(program: string): LoadedObject {
  return loadObject(vmObject('watching'), sys, {
    pinRoot: null,
    programs: name => name === program,
    globals: { wanted: process.pid, place: sys.addressOf(memory) },
  });
}

function loadSession(program: string): LoadedObject {
  const programs = (name: string) => name === program;
  return loadObject(vmObject('sessions'), sys, { pinRoot: null, programs, globals: { wanted: process.pid } });
}

const numbers = (loaded: LoadedObject, ...names: string[]) =>
  names.map(name => Number(loaded.variables.get(name)));

type Case = readonly [program: string, act: (loaded: LoadedObject) => void, series?: string];
/** A test for each, skipped with the reason where the kernel is older. */
function eachOf(cases: readonly Case[], body: (program: string, act: Case[1]) => void): void {
  for (const [program, act, series] of cases) {
    const why = series === undefined ? undefined : since(series);
    test.skipIf(why !== undefined)(why === undefined ? program : `${program} (${why})`, () =>
      body(program, act),
    );
  }
}

describe('sleepable programs read memory that has to be waited for', () => {
  const runItself = (program: string) => (loaded: LoadedObject) => void loaded.program(program).testRun({});
  /** Runs of programs that modify results call other functions of the kernel. */
  const runAnother = () => {
    using loaded = load('sleep_entry');
    runItself('sleep_entry')(loaded);
  };
  eachOf(
    [
      ['sleep_security', openFile],
      // before, the kernel had to be built for injecting errors
      ['sleep_entry', runItself('sleep_entry'), '6.2'],
      ['sleep_exit', runItself('sleep_exit'), '6.2'],
      ['sleep_modify', runAnother, '6.2'],
      ['sleep_user', makeDirectory],
      ['sleep_user_return', makeDirectory],
      ['sleep_users', makeDirectory, '6.6'],
    ],
    (program, act) => {
      using loaded = load(program);
      act(loaded);
      expect(numbers(loaded, 'ran'), 'not attached').toEqual([0]);
      using attached = attachProgram(loaded, program);
      act(loaded);
      expect(Number(loaded.variables.get('ran'))).toBeGreaterThan(0);
      expect(loaded.variables.get('result')).toBe(0n);
      expect(loaded.variables.get('copied')).toBe(MEMORY);
      attached.close();
      const before = loaded.variables.get('ran');
      act(loaded);
      expect(loaded.variables.get('ran')).toBe(before);
    },
  );
});

describe('cookies', () => {
  eachOf(
    [
      ['cookie_entry', makeDirectory],
      ['cookie_security', makeDirectory],
      ['cookie_typed', endProcess, '6.10'],
      ['cookie_raw', endProcess, '6.10'],
      ['cookie_classic', makeDirectory],
      ['cookie_probe', makeDirectory],
      ['cookie_return', makeDirectory],
      ['cookie_probes', makeDirectory, '6.12'],
      ['cookie_returns', makeDirectory, '6.12'],
      ['cookie_user', makeDirectory],
      ['cookie_users', makeDirectory, '6.6'],
    ],
    (program, act) => {
      using loaded = load(program);
      using _attached = attachProgram(loaded, program, { cookie: COOKIE });
      act(loaded);
      expect(Number(loaded.variables.get('ran'))).toBeGreaterThan(0);
      expect(loaded.variables.get('cookie')).toBe(COOKIE);
    },
  );

  for (const program of ['cookie_raw', 'cookie_typed']) {
    testBefore('6.10', `${program}: the kernel does not have it yet`, () => {
      expect(refusal(() => load(program)).message).toMatch(/unknown func bpf_get_attach_cookie/);
    });
  }
});

describe('one program for entry and return', () => {
  function seenBy(program: string): number[] {
    using loaded = loadSession(program);
    using _attached = attachProgram(loaded, program);
    makeDirectory();
    makeDirectoryAgain();
    return numbers(loaded, 'ran', 'returned', 'argument');
  }

  testSince('6.10', 'with a word of its own in between', () => {
    expect(seenBy('session')).toEqual([2, 2, MODE]);
  });

  testSince('6.10', 'the return is left out when it says so', () => {
    expect(seenBy('session_entry')).toEqual([2, 0, 0]);
  });
});

describe('many functions at once', () => {
  const count = (program: string, place: AttachPlace): number => {
    using loaded = load(program);
    using _attached = attachProgram(loaded, program, place);
    makeDirectory();
    return Number(loaded.variables.get('ran'));
  };

  testSince('6.12', 'of the kernel', () => {
    expect(count('cookie_probes', { kernelFunctions: ['do_mkdirat', 'do_rmdir'] })).toBe(2);
    expect(count('cookie_returns', { kernelFunctions: ['do_mkdirat', 'do_rmdir'], cookie: 3n })).toBe(2);
  });

  testSince('6.6', 'of a library', () => {
    const executable = { file: 'libc.so.6' };
    expect(count('cookie_users', { executable, functions: ['mkdir', 'rmdir'] })).toBe(2);
    expect(count('cookie_users', { executable: { ...executable, pid: 1 }, functions: ['mkdir'] })).toBe(0);
  });
});

describe('system calls by their name', () => {
  test('at entry, with their arguments', () => {
    using loaded = loadSession('enter_syscall');
    using _attached = attachProgram(loaded, 'enter_syscall');
    makeDirectory();
    expect(numbers(loaded, 'ran', 'argument')).toEqual([1, MODE]);
  });

  test('at return', () => {
    using loaded = loadSession('leave_syscall');
    using _attached = attachProgram(loaded, 'leave_syscall');
    makeDirectoryAgain();
    expect(numbers(loaded, 'returned', 'result')).toEqual([1, -EEXIST]);
  });
});

describe('what cannot be given another program says so, and stays', () => {
  eachOf(
    [
      ['cookie_entry', makeDirectory],
      ['cookie_security', makeDirectory, '5.11'], // Debian's kernels before have BPF not among their security modules
      ['cookie_classic', makeDirectory],
      ['cookie_probe', makeDirectory],
      ['cookie_user', makeDirectory],
      ['cookie_probes', makeDirectory, '6.12'],
      ['cookie_users', makeDirectory, '6.6'],
    ],
    (program, act) => {
      using loaded = load(program);
      using other = load(program);
      using attached = attachProgram(loaded, program);
      expect(() => attached.update(other.program(program), null)).toThrow(
        expect.objectContaining({ code: 'hook-not-updatable' }),
      );
      act(loaded);
      expect(Number(loaded.variables.get('ran'))).toBeGreaterThan(0);
      expect(numbers(other, 'ran')).toEqual([0]);
    },
  );
});

test('a tracepoint whose argument can be written: test runs end as it says', () => {
  using packets = load('pass');
  using loaded = load('change_result');
  const run = () => packets.testRun('pass', new Uint8Array(64)).verdict;
  expect(run()).toBe(2);
  using attached = attachProgram(loaded, 'change_result');
  expect(errnoOf(refusal(() => void run()))).toBe(EDOM);
  attached.close();
  expect(run()).toBe(2);
  expect(numbers(loaded, 'ran')).toEqual([1]);
});

test('a program that is called gets its arguments, and answers in them', () => {
  using loaded = load('add');
  const context = Uint8Array.of(40, 0, 0, 0, 2, 0, 0, 0, ...new Uint8Array(8));
  const result = loaded.program('add').testRun({ context });
  expect(result.verdict).toBe(7);
  expect([...result.context.subarray(8)]).toEqual([42, 0, 0, 0, 0, 0, 0, 0]);
  expect(context[8], 'what was given stays').toBe(0);
  const error = refusal(() => void loaded.program('add').testRun({ context: new Uint8Array(4) }));
  expect(error.message).toMatch(/size/);
  expect(numbers(loaded, 'ran')).toEqual([1]);
});
