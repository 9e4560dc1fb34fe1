/** The census without CAP_SYS_ADMIN, and with more objects than a process may have open. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openById } from '../kernel/objects/info.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { mountBpffs } from '../load/testing.ts';
import * as commands from '../uapi/commands.ts';
import { EPERM } from '../uapi/errno.ts';
import { takeCensus } from './census.ts';
import { Store } from './store.ts';
import { tinyMap } from './testing.ts';

const { sys, reason } = kernelForTests();

/** The kernel for a process without CAP_SYS_ADMIN, which notes how many descriptors are open at most. */
class Unprivileged implements Sys {
  readonly #sys: Sys;
  mostFds = 0;
  readonly #refused: ReadonlySet<number>;

  constructor(kernel: Sys, refused: readonly number[]) {
    this.#sys = kernel;
    this.#refused = new Set(refused);
  }

  syscall(...[name, ...args]: Parameters<Sys['syscall']>): number {
    this.mostFds = Math.max(this.mostFds, countFds());
    if (name === 'bpf' && this.#refused.has(Number(args[0]))) return -EPERM;
    return this.#sys.syscall(name, ...args);
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#sys.addressOf(bytes);
  }

  view(address: number, length: number): Uint8Array {
    return this.#sys.view(address, length);
  }

  poll(...args: Parameters<Sys['poll']>): ReturnType<Sys['poll']> {
    return this.#sys.poll(...args);
  }
}

const BY_ID = [
  commands.BPF_PROG_GET_NEXT_ID,
  commands.BPF_MAP_GET_NEXT_ID,
  commands.BPF_LINK_GET_NEXT_ID,
  commands.BPF_PROG_GET_FD_BY_ID,
  commands.BPF_MAP_GET_FD_BY_ID,
  commands.BPF_LINK_GET_FD_BY_ID,
];

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const kernel = sys ?? new FakeSys();
  let mount: ReturnType<typeof mountBpffs>;
  beforeEach(() => {
    mount = mountBpffs();
  });
  afterEach(() => mount.close());

  function save(): { readonly root: string; readonly id: number } {
    using map = tinyMap(kernel, 'own');
    const root = join(mount.path, 'store');
    Store.open(kernel, root).save('object', 'first', { source: 'x.o', maps: new Map([['own', map]]) });
    mkdirSync(join(mount.path, 'other'));
    using other = tinyMap(kernel, 'other');
    other.pin(join(mount.path, 'other', 'm'));
    return { root, id: map.info().id };
  }

  test('what has a pin is found by it, and the census says that it is not complete', () => {
    const { root, id } = save();
    const limited = new Unprivileged(kernel, BY_ID);
    Store.open(limited, root);
    const { complete, maps } = takeCensus(limited);
    expect(complete).toBe(false);
    const names = maps.map(map => map.description.name);
    expect(names).toEqual(expect.arrayContaining(['own', 'other']));
    expect(maps.find(map => map.id === id)?.holders).toMatchObject([{ kind: 'pin' }]);
  });

  test('an object is opened by its id where the store has a pin of it, and no other one', () => {
    const { root, id } = save();
    const limited = new Unprivileged(kernel, BY_ID);
    expect(() => openById(limited, 'map', id)).toThrow(expect.objectContaining({ code: 'kernel-ids' }));
    Store.open(limited, root);
    openById(limited, 'map', id)?.close();
    using foreign = tinyMap(kernel, 'foreign');
    expect(() => openById(limited, 'map', foreign.info().id)).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ hint: expect.stringContaining('CAP_SYS_ADMIN') })],
      }),
    );
  });

  test('objects are opened one at a time', () => {
    const held = Array.from({ length: 30 }, (_, at) => tinyMap(kernel, `many${at}`));
    const before = countFds();
    const watched = new Unprivileged(kernel, []);
    expect(takeCensus(watched).complete).toBe(true);
    expect(watched.mostFds - before).toBeLessThan(10);
    for (const map of held) map.close();
  });
});
