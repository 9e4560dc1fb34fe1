/**
 * What must not be kept in memory, by name: earlier generations of a rootlet, and koffi once more for each `Sys`. The soak
 * test finds that something grows; here a few steps show which.
 */

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Rootlet } from '../../src/dynamic/slots/rootlet.ts';
import { openSys } from '../../src/kernel/open/koffi.ts';
import type { ObjectFile } from '../../src/object/read/input.ts';
import { compileAll, HEAD, kernel, rootletSource, Wire, whenFree } from '../e2e/slots/support.ts';
import { needs } from '../support/needs.ts';
import { expectRefusal } from './machine.ts';
import { collect } from './measure.ts';

const SOURCES = {
  host: rootletSource('xdp', 'xdp_md', 2),
  part: `${HEAD}
__u64 runs;
__u32 start = 7;
SEC("xdp") int part(struct xdp_md *ctx) { runs++; return start == 9 ? 1 : 2; }`,
  refused: `${HEAD} SEC("xdp") int part(struct xdp_md *ctx) { return *(int *)(long)ctx->data; }`,
} as const;

needs('bpf', 'ip', 'clang').describe('earlier generations of a rootlet', () => {
  let wire: Wire;
  let c: Record<keyof typeof SOURCES, ObjectFile>;
  beforeAll(() => {
    wire = new Wire('kept');
    c = compileAll(SOURCES);
  });
  afterAll(() => wire.close());

  test.each(['static', 'tail'] as const)('are not kept: %s slots', async via => {
    using rootlet = wire.inside(() =>
      whenFree(() => Rootlet.attach(kernel, c.host, { interface: 'va', mode: 'generic' }, { via })),
    );
    const earlier: WeakRef<object>[] = [];
    const change = (step: () => void): void => {
      earlier.push(new WeakRef(rootlet.generation));
      step();
    };
    for (let round = 0; round < 2; round++) {
      change(() => void rootlet.replace('slot1', c.part));
      change(() => void rootlet.replace('slot1', c.part, undefined, { globals: { start: 7 + round } }));
      expectRefusal(() => rootlet.replace('slot2', c.refused));
      change(() => void rootlet.reset('slot1'));
    }
    await collect();
    expect(earlier.map(one => one.deref() !== undefined)).toEqual(earlier.map(() => false));
  });
});

needs('bpf').test('koffi is opened once in a process', () => {
  const open = vi.spyOn(process, 'dlopen');
  try {
    openSys();
    openSys();
    expect(open.mock.calls.length).toBeLessThan(2);
  } finally {
    open.mockRestore();
  }
});
