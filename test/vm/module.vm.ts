/** Types and functions of a kernel module (veth). */

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { readInterface } from '../../src/kernel/hooks/interface.ts';
import { loadObject } from '../../src/load/load.ts';
import { kernelIs, sys } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';
import { refusal } from './guest/replacing.ts';

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

/** Runs while the first end of a wire exists, and the second is taken up after it. */
function withWire(body: () => void): void {
  ip('link', 'add', 'module-a', 'type', 'veth', 'peer', 'name', 'module-b');
  try {
    body();
    ip('link', 'set', 'module-b', 'up');
  } finally {
    ip('link', 'del', 'module-a');
  }
}

const loadOne = (program: string) =>
  loadObject(vmObject('module'), sys, { pinRoot: null, programs: name => name === program });

describe('its functions', () => {
  test('at exit, with their arguments', () => {
    using loaded = loadOne('leave_open');
    withWire(() => {
      using _attached = attachProgram(loaded, 'leave_open');
      ip('link', 'set', 'module-a', 'up');
      expect(loaded.variables.get('opened')).toBe(1);
      expect(loaded.variables.get('interface')).toBe(readInterface(sys, 'module-a').index);
    });
  });

  function seenBy(program: string): number {
    using loaded = loadOne(program);
    withWire(() => {
      using _attached = attachProgram(loaded, program);
      ip('link', 'set', 'module-a', 'up');
    });
    return Number(loaded.variables.get('entered'));
  }

  test('at entry', () => {
    expect(seenBy('enter_open')).toBe(1);
  });

  test('by a probe', () => {
    expect(seenBy('probe_open')).toBe(1);
  });

  test('by many probes at once, where the kernel has them', () => {
    if (kernelIs('6.12')) expect(seenBy('probe_opens')).toBe(1);
    else expect(refusal(() => void seenBy('probe_opens')).problems[0]?.code).toBe('kernel-attach');
  });
});
