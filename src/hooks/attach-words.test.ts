/** Attachments that stay are attached after their record, and detached again when the record cannot be completed. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { objectOf } from '../../test/support/objects.ts';
import { readInterface } from '../kernel/hooks/interface.ts';
import { filtersOn } from '../kernel/hooks/tc.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { loadObject } from '../load/load.ts';
import { readObject } from '../object/read/read.ts';
import { BPF_LINK_CREATE, BPF_PROG_ATTACH, BPF_PROG_DETACH } from '../uapi/commands.ts';
import { EINVAL } from '../uapi/errno.ts';
import { BPF_MAP_TYPE_SOCKMAP } from '../uapi/map-types.ts';
import { attachRecorded, attachTo } from './attach-words.ts';
import { parseHook } from './targets/kinds.ts';
import { hooksForTests, TwoNamespaces } from './testing.ts';

const { kernel, missing } = hooksForTests();
const KINDS = readObject({
  name: 'kinds.bpf.o',
  bytes: readFileSync(join(import.meta.dirname, '../core/testdata/obj/el/kinds.bpf.o')),
});

test('an attachment that ends with the process is not kept: it is taken back', () => {
  const program = { name: 'p', kind: 'function', section: 'sk_msg' } as const;
  const object = objectOf('a.o', [program, { name: 'socks', kind: 'map', mapType: BPF_MAP_TYPE_SOCKMAP }]);
  const request = parseHook('sockmap', 'socks', {});
  /** Before Linux 6.10 there are no links for maps of sockets. */
  const attach = (hasLinks: boolean): readonly [FakeSys, () => unknown] => {
    const sys = new FakeSys(({ command }) =>
      command === BPF_LINK_CREATE && !hasLinks ? -EINVAL : undefined,
    );
    const loaded = loadObject(object, sys, { pinRoot: null });
    const body = () => {
      using _loaded = loaded;
      attachTo(loaded, 'p', request).close();
    };
    return [sys, body];
  };
  const [old, refused] = attach(false);
  expect(refused).toThrow(expect.objectContaining({ code: 'attach-not-kept' }));
  expect(old.commands().slice(-2)).toEqual([BPF_PROG_ATTACH, BPF_PROG_DETACH]);
  const [recent, fine] = attach(true);
  expect(fine).not.toThrow();
  expect([...old.openFds, ...recent.openFds]).toEqual([]);
});

describe.skipIf(missing !== undefined)(`a TC filter${missing === undefined ? '' : ` (${missing})`}`, () => {
  let names: TwoNamespaces;
  beforeAll(() => {
    names = new TwoNamespaces(kernel, 'recorded');
  });
  afterAll(() => names.close());

  const filters = () =>
    names.inside(() => filtersOn(kernel, readInterface(kernel, 'va').index, 'ingress').length);
  const load = () => loadObject(KINDS, kernel, { programs: program => program === 'load_mark' });
  const request = parseHook('tc', 'va', { ingress: true });

  test('is attached when the record is complete, and stays', () => {
    using object = load();
    const seen = names.inside(() =>
      attachRecorded(object, 'load_mark', request, (hook, commit) => {
        const before = filters();
        commit();
        return [before, filters(), hook.occupantId() === object.program('load_mark').info().id];
      }),
    );
    expect(seen).toEqual([0, 1, true]);
    expect(filters()).toBe(1);
  });

  test.each([
    ['after it was attached', true],
    ['before it was attached', false],
  ])('is gone when saving fails %s, and that of another stays', (_, attached) => {
    const before = filters();
    using object = load();
    const save = (_hook: unknown, commit: () => void): void => {
      if (attached) commit();
      expect(filters()).toBe(before + Number(attached));
      throw new Error('no room');
    };
    expect(() => names.inside(() => attachRecorded(object, 'load_mark', request, save))).toThrow('no room');
    expect(filters()).toBe(before);
  });
});
