/** Types and functions of a kernel module (veth). */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { readInterface } from '../../src/kernel/index.ts';
import { attachProgram, loadObject } from '../../src/load/index.ts';
import { sys } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });

test('CO-RE against a type that only a module has', () => {
  using loaded = loadObject(vmObject('module'), sys, { pinRoot: null, programs: name => name === 'look' });
  expect(loaded.testRun('look', new Uint8Array(64)).verdict).toBe(2);
  const values = ['size', 'offset_of_headroom', 'offset_of_peer', 'has_never'].map(name =>
    loaded.variables.get(name),
  );
  // struct veth_priv { peer; dropped; _xdp_prog; rq; unsigned int requested_headroom; }
  expect(values).toEqual([40, 32, 0, 0]);
});

test('a program at the exit of its function', () => {
  using loaded = loadObject(vmObject('module'), sys, {
    pinRoot: null,
    programs: name => name === 'leave_open',
  });
  ip('link', 'add', 'module-a', 'type', 'veth', 'peer', 'name', 'module-b');
  try {
    using _attached = attachProgram(loaded, 'leave_open');
    ip('link', 'set', 'module-a', 'up');
    expect(loaded.variables.get('opened')).toBe(1);
    expect(loaded.variables.get('interface')).toBe(readInterface(sys, 'module-a').index);
  } finally {
    ip('link', 'del', 'module-a');
  }
});
