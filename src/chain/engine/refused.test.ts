/** A kernel that loads replacements and then refuses to put them into slots. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { platformError, type RootletError } from '../../diag/problem.ts';
import { hooksForTests, TwoNamespaces } from '../../hooks/testing.ts';
import type { PollHandle, Sys, SyscallArgument, SyscallName } from '../../kernel/sys/sys.ts';
import { countFds } from '../../kernel/testing.ts';
import { ProgLoadAttr } from '../../kernel/uapi/uapi.ts';
import { mountBpffs } from '../../load/testing.ts';
import { InputObject } from '../../object/read/input.ts';
import { Store } from '../../store/store.ts';
import * as uapi from '../../uapi/index.ts';
import { type ChainOptions, changeChain } from '../chains.ts';
import { LibxdpPins } from '../libxdp/pins.ts';
import { readChain } from '../reading.ts';
import { findChainHook } from './hooks.ts';
import { forBackEnds } from './refused.ts';

const { kernel, missing } = hooksForTests();
const REFUSALS = [uapi.EINVAL, uapi.EPERM, uapi.ENOTSUPP, uapi.E2BIG] as const;

/** Loads programs that replace functions as XDP programs, and refuses every link. */
class RefusesLinks implements Sys {
  errno: number = uapi.EINVAL;
  refused = 0;

  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    const [command, attr, ...others] = args;
    if (name !== 'bpf' || command === undefined || !(attr instanceof Uint8Array))
      return kernel.syscall(name, ...args);
    if (command === uapi.BPF_LINK_CREATE) {
      this.refused++;
      return -this.errno;
    }
    return kernel.syscall(name, command, command === uapi.BPF_PROG_LOAD ? plain(attr) : attr, ...others);
  }

  addressOf(bytes: Uint8Array): bigint {
    return kernel.addressOf(bytes);
  }

  view(address: number, length: number): Uint8Array {
    return kernel.view(address, length);
  }

  poll(fd: number, onReadable: () => void): PollHandle {
    return kernel.poll(fd, onReadable);
  }
}

function plain(attr: Uint8Array): Uint8Array {
  const { prog_type, attach_btf_id, attach_prog_fd } = ProgLoadAttr.offsets;
  const view = new DataView(attr.buffer, attr.byteOffset, attr.byteLength);
  if (view.getUint32(prog_type, true) !== uapi.BPF_PROG_TYPE_EXT) return attr;
  const copy = attr.slice();
  const changed = new DataView(copy.buffer);
  changed.setUint32(prog_type, uapi.BPF_PROG_TYPE_XDP, true);
  changed.setUint32(attach_btf_id, 0, true);
  changed.setUint32(attach_prog_fd, 0, true);
  return copy;
}

const path = 'examples/obj/el/first_firewall.bpf.o';
const member = (name: string) => ({
  file: new InputObject({ name: `${name}.bpf.o`, bytes: readFileSync(path) }),
  name,
});

describe.skipIf(missing !== undefined)(
  `a refused link${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    const names = missing === undefined ? new TwoNamespaces(kernel, 'refused') : undefined;
    const mount = missing === undefined ? mountBpffs() : undefined;
    const root = mount?.path ?? '';
    vi.stubEnv('LIBXDP_BPFFS', root);
    const sys = new RefusesLinks();
    const inside = <T>(body: () => T): T => (names === undefined ? body() : names.inside(body));
    const context = () => ({ sys, store: Store.open(sys, join(root, 'store')), time: null });
    const hook = () => findChainHook(sys, 'va', 'xdp');
    const load = (name: string, options: ChainOptions) =>
      inside(() =>
        changeChain(
          context(),
          hook(),
          { kind: 'load', members: [member(name)] },
          { mode: 'generic', ...options },
        ),
      );
    const pins = () => {
      using found = LibxdpPins.findMounted(sys);
      return found?.list() ?? [];
    };
    afterEach(() => {
      inside(() => changeChain(context(), hook(), { kind: 'unload', members: 'all' }));
    });
    afterAll(() => {
      vi.unstubAllEnvs();
      mount?.close();
      names?.close();
    });

    test.each(REFUSALS)('errno %i: the old set stays, and the hint names the other back end', errno => {
      sys.errno = errno;
      load('first', { via: 'static' });
      const before = inside(() => readChain(context(), hook()));
      const open = countFds();
      sys.refused = 0;
      expect(() => load('second', { via: 'libxdp' })).toThrow(
        expect.objectContaining({
          code: 'chain-back-end',
          message: expect.stringMatching(/does not put a member into a slot of a dispatcher: attaching: /),
          problems: [expect.objectContaining({ errno, hint: expect.stringContaining('--via static') })],
        }),
      );
      expect(sys.refused).toBeGreaterThan(0);
      expect(inside(() => readChain(context(), hook()))).toEqual(before);
      expect([countFds(), pins()]).toEqual([open, []]);
    });

    test('without a request the members are linked, and the reason is reported', () => {
      sys.errno = uapi.EINVAL;
      expect(load('first', {})).toMatchObject({
        via: 'static',
        reason: expect.stringMatching(/^members are linked into one program; not libxdp: .*attaching: /),
      });
      expect(pins()).toEqual([]);
    });
  },
);

test('what another back end would not repair stays as it is', () => {
  const hook = { kind: 'xdp', direction: null, interface: 'eth0', ifindex: 1, netns: '' } as const;
  const busy = platformError('kernel-attach', ['x'], 'attaching', { errno: uapi.EBUSY });
  const run = (error: RootletError) => () =>
    forBackEnds(hook, () => {
      throw error;
    });
  expect(run(busy)).toThrow(busy);
  const other = platformError('hook-changed', ['x'], 'another process changed the program');
  expect(run(other)).toThrow(other);
});
