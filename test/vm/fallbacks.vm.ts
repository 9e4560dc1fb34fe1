/** Programs that ask what the kernel has, and what a load does for kernels that lack something. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { loadObject } from '../../src/load/load.ts';
import { kernelIs, sys, testBefore } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';
import { refusal } from './guest/replacing.ts';

const LONG_NAME = 'a_program_with_a_very_long_name';

test('helpers, fields and functions that the kernel lacks are dead code; names are cut', () => {
  const limits = () => readFileSync('/proc/self/limits', 'utf8');
  const before = limits();
  using loaded = loadObject(vmObject('fallbacks'), sys, {
    pinRoot: null,
    programs: name => name === LONG_NAME,
  });
  expect(loaded.testRun(LONG_NAME, new Uint8Array(64)).verdict).toBe(2);
  const has = (what: string) =>
    ['has_', 'has_future_'].map(prefix => Number(loaded.variables.get(`${prefix}${what}`)));
  expect(has('helper')).toEqual([kernelIs('6.2') ? 1 : 0, 0]);
  expect(has('field')).toEqual([1, 0]);
  expect(has('function')).toEqual([kernelIs('6.5') ? 1 : 0, 0]);
  expect(loaded.program(LONG_NAME).info().name).toBe(LONG_NAME.slice(0, 15));
  if (kernelIs('5.11')) expect(limits(), 'memory counts for the cgroup').toBe(before);
  else expect(limits(), 'maps need locked memory').toMatch(/Max locked memory +unlimited/);
});

testBefore('6.8', 'contexts without a name: classic tracepoints are refused', () => {
  const programs = (name: string) => name === 'by_tracepoint';
  const error = refusal(() => loadObject(vmObject('contexts'), sys, { pinRoot: null, programs }));
  expect(error.message).toContain('program "by_tracepoint"');
});

describe('a global function takes the context of its caller', () => {
  const directory = () => mkdtempSync(join(tmpdir(), 'rootlet-contexts-'));
  test.each([
    ['by_probe', 1],
    ['by_clock', 100],
  ])('%s', (program, add) => {
    using loaded = loadObject(vmObject('contexts'), sys, {
      pinRoot: null,
      programs: name => name === program,
      globals: { wanted: process.pid },
    });
    if (kernelIs('6.8')) expect(loaded.notes).toEqual([]);
    else expect(loaded.notes).toEqual([expect.stringMatching(/context by its tag.*\(Linux 6\.8\)$/)]);
    const perfEvent = { type: 1, config: 0n, period: 100_000, pid: process.pid, cpu: -1 };
    const place = program === 'by_clock' ? { perfEvent } : {};
    using _attached = attachProgram(loaded, program, { ...place, cookie: 0x123456789an });
    const made = directory();
    mkdirSync(join(made, 'inside'));
    rmSync(made, { recursive: true });
    const seen = Number(loaded.variables.get('seen'));
    expect(seen).toBeGreaterThan(0);
    expect(seen % add).toBe(0);
    expect(loaded.variables.get('cookie')).toBe(0x123456789an);
  });
});
