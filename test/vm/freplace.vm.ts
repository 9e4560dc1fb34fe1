/**
 * Functions of a loaded program replaced by other programs (freplace). Kernels may refuse that as a whole, as do those
 * of many virtual machines; here it is there.
 */

import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { findTarget } from '../../src/load/execute/program-functions.ts';
import { loadObject } from '../../src/load/load.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { sys } from './guest/kernel.ts';
import { capturedPackets, example, relinkedExample } from './guest/objects.ts';
import { attachTo, loadFor, refusal } from './guest/replacing.ts';

const PASS = 2;
const packets = capturedPackets();

function verdicts(loaded: LoadedObject): number[] {
  return packets.map(bytes => loaded.testRun('rootlet', bytes).verdict);
}

function machineVerdicts(object: BpfObject, program: string): number[] {
  using machine = createMachine(object, { program });
  return packets.map(bytes => machine.run(bytes).verdict);
}

describe('the slots of the rootlet', () => {
  const all = new Set<{ close(): void }>();
  const own = <T extends { close(): void }>(one: T): T => {
    all.add(one);
    return one;
  };
  const closeAll = () => {
    for (const one of [...all].reverse()) one.close();
    all.clear();
  };
  beforeEach(closeAll);
  afterAll(closeAll);

  test('are global functions that the kernel still has', () => {
    const rootlet = own(loadObject(example('rootlet'), sys));
    const [first, second] = ['dummy1', 'dummy2'].map(name => findTarget(rootlet.program('rootlet'), name));
    expect(first?.btfId).toBeGreaterThan(0);
    expect(second?.btfId).not.toBe(first?.btfId);
    expect(() => findTarget(rootlet.program('rootlet'), 'dummy3')).toThrow(/"dummy1", "dummy2"/);
  });

  test('one is replaced: its verdicts are those of the replacement, and its own again afterwards', () => {
    const rootlet = own(loadObject(example('rootlet'), sys));
    const before = verdicts(rootlet);
    expect(new Set(before)).toEqual(new Set([PASS]));
    const target = findTarget(rootlet.program('rootlet'), 'dummy1');
    const component = own(loadFor(target, example('first_firewall'), 'xdp_prog1'));
    expect(verdicts(rootlet), 'loaded, not attached').toEqual(before);
    const attachment = own(attachTo(target, component, 'xdp_prog1'));
    expect(verdicts(rootlet)).toEqual(machineVerdicts(example('first_firewall'), 'xdp_prog1'));
    expect(verdicts(rootlet)).not.toEqual(before);
    attachment.close();
    expect(verdicts(rootlet)).toEqual(before);
  });

  test('both are replaced: as if re-linked', () => {
    const rootlet = own(loadObject(example('rootlet'), sys));
    const pairs = [
      ['dummy1', 'first_firewall', 'xdp_prog1'],
      ['dummy2', 'second_firewall', 'xdp_prog2'],
    ] as const;
    for (const [slot, file, program] of pairs) {
      const target = findTarget(rootlet.program('rootlet'), slot);
      own(attachTo(target, own(loadFor(target, example(file), program)), program));
    }
    expect(verdicts(rootlet)).toEqual(machineVerdicts(relinkedExample(), 'rootlet'));
  });

  test('one takes one replacement at a time, and another after it', () => {
    const rootlet = own(loadObject(example('rootlet'), sys));
    const target = findTarget(rootlet.program('rootlet'), 'dummy1');
    const first = own(loadFor(target, example('first_firewall'), 'xdp_prog1'));
    const second = own(loadFor(target, example('second_firewall'), 'xdp_prog2'));
    const attachment = own(attachTo(target, first, 'xdp_prog1'));
    expect(refusal(() => attachTo(target, second, 'xdp_prog2'))).toMatchObject({
      problems: [{ code: 'kernel-attach', errno: 16 }],
    });
    attachment.close();
    own(attachTo(target, second, 'xdp_prog2'));
    expect(verdicts(rootlet)).toEqual(machineVerdicts(example('second_firewall'), 'xdp_prog2'));
  });

  test('a replacement moves to the same slot of another generation, keeping its maps', () => {
    const [old, fresh] = [0, 1].map(() => own(loadObject(example('rootlet'), sys)));
    if (old === undefined || fresh === undefined) throw new Error('two rootlets');
    const target = findTarget(old.program('rootlet'), 'dummy1');
    const component = own(loadFor(target, example('first_firewall'), 'xdp_prog1'));
    const source = packets.find(bytes => (bytes[12] ?? 0) === 8)?.subarray(26, 30);
    if (source === undefined) throw new Error('an IPv4 packet');
    component.map('rules').update(source, new Uint8Array(16));
    const expected = (() => {
      using attached = attachTo(target, component, 'xdp_prog1');
      expect(attached.info().programId).toBe(component.program('xdp_prog1').info().id);
      return verdicts(old);
    })();
    own(attachTo(findTarget(fresh.program('rootlet'), 'dummy1'), component, 'xdp_prog1'));
    expect(verdicts(fresh)).toEqual(expected);
    expect(new Set(verdicts(old))).toEqual(new Set([PASS]));
  });

  test('a replacement needs the prototype of what it replaces', () => {
    const rootlet = own(loadObject(example('rootlet'), sys));
    const { fd, btfId } = findTarget(rootlet.program('rootlet'), 'dummy1');
    const nobody = { fd, btfId: btfId + 1000 };
    expect(refusal(() => loadFor(nobody, example('first_firewall'), 'xdp_prog1'))).toMatchObject({
      problems: [{ code: expect.stringMatching(/^kernel-/) }],
    });
  });
});
