import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeSys } from '../../kernel/sys/fake.ts';
import type { Sys } from '../../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../../kernel/testing.ts';
import { loadObject } from '../../load/load.ts';
import { readObject } from '../../object/read/read.ts';
import { attachOperations, prepareOperations } from './operations.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const read = (name: string) =>
  readObject({
    name: `${name}.bpf.o`,
    bytes: readFileSync(join(import.meta.dirname, '..', '../load/testdata/obj/el', `${name}.bpf.o`)),
  });
const OPERATIONS = read('operations');
const available = () => readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8');

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('without a link: registered until it is detached, and neither replaced nor pinned', () => {
    const before = countFds();
    {
      using object = loadObject(OPERATIONS, kernel);
      using hook = attachOperations(object, 'written');
      expect(available()).toContain('rootlet_one');
      expect(hook).toMatchObject({ link: null, lasting: false, record: {} });
      expect(() => hook.pin('/nowhere')).toThrow(/cannot be pinned.*struct_ops.link/s);
      const refused = expect.objectContaining({ code: 'hook-not-updatable' });
      expect(() => hook.requireUpdatable()).toThrow(refused);
      expect(() => hook.update(object.map('written'), null)).toThrow(refused);
      hook.detach(null);
      expect(available()).not.toContain('rootlet_one');
    }
    expect(countFds()).toBe(before);
  });

  test('with a link: another map takes its place in one step, if the expected one is there', () => {
    using object = loadObject(OPERATIONS, kernel);
    using hook = attachOperations(object, 'linked');
    const [linked, flavoured] = [object.map('linked'), object.map('flavoured')];
    expect(available()).toContain('rootlet_two');
    expect(hook.occupantId()).toBe(linked.info().id);
    hook.update(prepareOperations(object, 'flavoured'), linked);
    expect(hook.occupantId()).toBe(flavoured.info().id);
    expect(() => hook.update(linked, linked)).toThrow(
      /map \d+ \("flavoured"\) is attached, not \d+ \("linked"\)/,
    );
    expect(() => hook.detach(linked)).toThrow(expect.objectContaining({ code: 'hook-changed' }));
    expect(available()).toContain('rootlet_two');
    hook.detach(flavoured);
    expect(available()).not.toContain('rootlet_two');
    expect(() => hook.occupantId()).toThrow(expect.objectContaining({ code: 'attach-gone' }));
    expect(() => hook.update(linked, null)).toThrow(expect.objectContaining({ code: 'attach-gone' }));
  });

  test('maps that are not of struct_ops are refused', () => {
    using object = loadObject(read('globals'), kernel, { pinRoot: null });
    expect(() => attachOperations(object, '.bss')).toThrow(
      expect.objectContaining({ code: 'load-no-operations' }),
    );
  });
});
