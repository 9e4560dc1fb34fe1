/** Programs on functions of the kernel, of programs and of modules, on tracepoints and on security hooks. */

import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { findTarget } from '../../src/load/execute/program-functions.ts';
import type { AttachTarget } from '../../src/load/execute/programs.ts';
import { loadObject } from '../../src/load/load.ts';
import { EBUSY } from '../../src/uapi/errno.ts';
import { sys, testSince } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';
import { attachTo, errnoOf, loadFor, refusal } from './guest/replacing.ts';

const PACKET = new Uint8Array(64);
const tracing = vmObject('tracing');
const slots = vmObject('slots');

/** One program of tracing.bpf.c, for this process where it looks at processes. */
function loadOne(program: string, target?: AttachTarget): LoadedObject {
  return loadObject(tracing, sys, {
    pinRoot: null,
    programs: name => name === program,
    globals: { wanted: process.pid },
    ...(target === undefined ? {} : { targets: new Map([[program, target]]) }),
  });
}

const numbers = (loaded: LoadedObject, ...names: string[]) =>
  names.map(name => Number(loaded.variables.get(name)));

const folder = mkdtempSync(join(tmpdir(), 'rootlet-tracing-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A system call that tests wait for. */
function makeDirectory(mode = 0o711): void {
  const path = join(folder, 'made');
  mkdirSync(path, { mode });
  rmdirSync(path);
}

describe('functions of the kernel', () => {
  test('at entry: their arguments', () => {
    using loaded = loadOne('enter_test');
    const run = () => loaded.program('enter_test').testRun({});
    run();
    expect(numbers(loaded, 'entered', 'argument'), 'not attached').toEqual([0, 0]);
    const attached = attachProgram(loaded, 'enter_test');
    run();
    expect(numbers(loaded, 'entered', 'argument')).toEqual([1, 1]);
    attached.close();
    run();
    expect(numbers(loaded, 'entered')).toEqual([1]);
  });

  test('at exit: their result too', () => {
    using loaded = loadOne('leave_test');
    using _attached = attachProgram(loaded, 'leave_test');
    loaded.program('leave_test').testRun({});
    expect(numbers(loaded, 'left', 'argument', 'result')).toEqual([1, 1, 2]);
  });

  // before, the kernel had to be built for injecting errors
  testSince('6.2', 'another result in place of running them', () => {
    using loaded = loadOne('modify_test');
    const run = () => loaded.program('modify_test').testRun({}).verdict % 65536;
    const before = run();
    using _attached = attachProgram(loaded, 'modify_test');
    const after = run();
    expect(numbers(loaded, 'entered')).toEqual([1]);
    expect(after - before, 'the function returned 4; later ones add to it').toBeGreaterThanOrEqual(
      77 - 4 - 1,
    );
  });

  test('one that is not there', () => {
    const error = refusal(() => loadOne('enter_nothing'));
    expect(error.message).toContain('this kernel has no "this_kernel_has_no_such_function" to attach to');
  });
});

describe('functions of a loaded program', () => {
  const targetOf = (loaded: LoadedObject, name: string) => findTarget(loaded.program('sum'), name);

  test('at entry and at exit', () => {
    using target = loadObject(slots, sys, { pinRoot: null });
    const verdict = target.testRun('sum', PACKET).verdict;
    using enter = loadOne('enter_program', targetOf(target, 'slot_a'));
    using leave = loadOne('leave_program', targetOf(target, 'slot_b'));
    {
      using _one = attachProgram(enter, 'enter_program');
      using _other = attachProgram(leave, 'leave_program');
      expect(target.testRun('sum', PACKET, { repeat: 3 }).verdict).toBe(verdict);
    }
    expect(numbers(enter, 'entered')).toEqual([3]);
    expect(numbers(leave, 'left', 'result')).toEqual([3, 2]);
    target.testRun('sum', PACKET);
    expect(numbers(enter, 'entered')).toEqual([3]);
  });

  test('the program itself', () => {
    using target = loadObject(slots, sys, { pinRoot: null });
    using leave = loadOne('leave_program', targetOf(target, 'sum'));
    using _attached = attachProgram(leave, 'leave_program');
    const { verdict } = target.testRun('sum', PACKET);
    expect(numbers(leave, 'left', 'result')).toEqual([1, verdict]);
  });

  test('either traced or replaced', () => {
    using target = loadObject(slots, sys, { pinRoot: null });
    const slot = targetOf(target, 'slot_a');
    using enter = loadOne('enter_program', slot);
    using eight = loadFor(slot, vmObject('replacements'), 'eight');
    {
      using _traced = attachProgram(enter, 'enter_program');
      expect(errnoOf(refusal(() => attachTo(slot, eight, 'eight')))).toBe(EBUSY);
    }
    using _replaced = attachTo(slot, eight, 'eight');
    using again = loadOne('enter_program', slot);
    expect(errnoOf(refusal(() => attachProgram(again, 'enter_program')))).toBe(EBUSY);
  });

  test('a replacement can be traced', () => {
    using target = loadObject(slots, sys, { pinRoot: null });
    const slot = targetOf(target, 'slot_a');
    using eight = loadFor(slot, vmObject('replacements'), 'eight');
    using _replaced = attachTo(slot, eight, 'eight');
    using leave = loadOne('leave_program', findTarget(eight.program('eight'), 'eight'));
    using _traced = attachProgram(leave, 'leave_program');
    target.testRun('sum', PACKET);
    expect(numbers(leave, 'left', 'result')).toEqual([1, 8]);
  });
});

describe('security hooks', () => {
  test('a program refuses, as long as it is attached', () => {
    using loaded = loadOne('refuse_directory');
    makeDirectory();
    {
      using _attached = attachProgram(loaded, 'refuse_directory');
      expect(() => makeDirectory()).toThrow(expect.objectContaining({ code: 'EPERM' }));
      expect(numbers(loaded, 'refused')).toEqual([1]);
    }
    makeDirectory();
    expect(numbers(loaded, 'refused')).toEqual([1]);
  });
});

describe('tracepoints', () => {
  test.each(['typed_tracepoint', 'raw_tracepoint'])('%s', program => {
    using loaded = loadOne(program);
    makeDirectory();
    const attached = attachProgram(loaded, program);
    makeDirectory();
    makeDirectory();
    attached.close();
    makeDirectory();
    expect(numbers(loaded, 'entered')).toEqual([2]);
  });
});
