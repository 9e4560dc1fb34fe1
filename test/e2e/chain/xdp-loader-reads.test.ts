/**
 * Debian's xdp-loader looks at dispatchers that are generated here, and removes them. This kernel may not replace functions,
 * which the tool does not notice: it reads configuration, types and pins. The pins hold programs that are loaded by themselves.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { verdictsIn } from '../../../src/chain/libxdp/config.ts';
import { makeDispatcher } from '../../../src/chain/libxdp/dispatcher.ts';
import { LibxdpPins } from '../../../src/chain/libxdp/pins.ts';
import { hooksForTests, TwoNamespaces } from '../../../src/hooks/testing.ts';
import { attachXdp } from '../../../src/kernel/hooks/hooks.ts';
import { readInterface, setXdp } from '../../../src/kernel/hooks/interface.ts';
import { inNetns } from '../../../src/kernel/sys/netns.ts';
import { HOST_ORDER } from '../../../src/kernel/uapi/index.ts';
import type { LoadedObject } from '../../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../../src/load/load.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { memberName, memberObject } from '../../support/chain-members.ts';
import { missing as missingTools } from '../../support/needs.ts';
import { actionsOf, parseStatus, STATUS_HEAD } from '../../support/xdp-loader.ts';

const { kernel, missing: missingKernel } = hooksForTests();
const missing = missingKernel ?? missingTools('xdp-tools', 'root');

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

describe.skipIf(missing !== undefined)(`generated dispatchers (${missing ?? ''})`, () => {
  let namespaces: TwoNamespaces;
  let bpffs: ReturnType<typeof mountBpffs>;
  let pins: LibxdpPins;
  let ifindex = 0;
  const opened: LoadedObject[] = [];
  beforeAll(() => {
    namespaces = new TwoNamespaces(kernel, 'peer');
    bpffs = mountBpffs();
    pins = LibxdpPins.make(kernel, `${bpffs.path}/xdp`);
    ifindex = namespaces.inside(() => readInterface(kernel, 'va').index);
  });
  afterEach(() => {
    namespaces.ip('-n', namespaces.near, 'link', 'set', 'va', 'xdp', 'off');
    loader('clean');
    for (const one of opened.splice(0)) one.close();
  });
  afterAll(() => {
    pins.close();
    bpffs.close();
    namespaces.close();
  });

  /** In a mount namespace of its own, where the pins of this test are at the usual place, and its lock file is its own. */
  function loader(...words: readonly string[]): Ran {
    const script =
      'mount --bind "$1" /sys/fs/bpf && mount -t tmpfs run /run && shift && exec xdp-loader "$@"';
    const args = ['--mount', 'sh', '-c', script, 'sh', bpffs.path, ...words];
    const { status, stdout, stderr } = namespaces.inside(() =>
      spawnSync('unshare', args, { encoding: 'utf8' }),
    );
    return { status, out: stdout, err: stderr };
  }

  const kept = (loaded: LoadedObject): LoadedObject => {
    opened.push(loaded);
    return loaded;
  };

  /** A dispatcher on `va` with pins for members with these masks. */
  function build(masks: readonly number[], version: 1 | 2 | 3 = 2) {
    const slots = masks.map((mask, at) => ({ continueOn: verdictsIn(mask), priority: 7 * at + 5, flags: 0 }));
    const config = { version, slots, frags: false, deviceBound: false };
    const loaded = kept(
      loadObject(makeDispatcher({ config, byteOrder: HOST_ORDER }), kernel, { pinRoot: null }),
    );
    const { fd } = loaded.program('xdp_dispatcher');
    const { id: programId, tag } = loaded.program('xdp_dispatcher').info();
    const members = masks.map((_, number) => {
      const name = memberName({ number });
      const file = readObject({ name: `${name}.o`, bytes: memberObject({ number }) });
      return kept(loadObject(file, kernel, { pinRoot: null })).program(name);
    });
    pinAll(programId, members);
    namespaces.inside(() => setXdp(kernel, ifindex, fd.number, { mode: 'native', expectedFd: -1 }));
    return { programId, tag, members: members.map(member => member.info()), slots };
  }

  /** Links that the pins hold are to the other end of the wire, which has nothing to do with the dispatcher. */
  function pinAll(programId: number, members: readonly ReturnType<LoadedObject['program']>[]): void {
    const [first] = members;
    if (first === undefined) throw new Error('no members');
    using link = inNetns(kernel, `/run/netns/${namespaces.far}`, () =>
      attachXdp(kernel, first.fd.number, readInterface(kernel, 'vb').index, 'generic'),
    );
    pins.create(
      { ifindex, programId },
      members.map(program => ({ link, program })),
    );
  }

  const attached = () => namespaces.inside(() => readInterface(kernel, 'va').xdp.native);

  test.each([1, 2] as const)('status of version %i', version => {
    const masks = [4, 31, 3];
    const { programId, tag, members, slots } = build(masks, version);
    const rows = members.map(
      ({ id, tag: own }, at) =>
        ` =>              ${String(slots[at]?.priority).padEnd(5)}  ${memberName({ number: at }).padEnd(16)}          ${String(id).padEnd(4)} ${own}  ${actionsOf(masks[at] ?? 0).join(',')}\n`,
    );
    const own = `va                     xdp_dispatcher    native   ${String(programId).padEnd(4)} ${tag} \n`;
    expect(loader('status', 'va')).toEqual({
      status: 0,
      out: `${STATUS_HEAD}${own}${rows.join('')}\n`,
      err: '',
    });
  });

  test.each([1, 5, 10])('%i members are listed, and unloaded without a pin left', count => {
    build(new Array(count).fill(4));
    const [status] = parseStatus(loader('status', 'va').out);
    expect(status?.members).toHaveLength(count);
    expect(loader('unload', '--all', 'va')).toEqual({ status: 0, out: '', err: '' });
    expect([attached(), readdirSync(pins.path)]).toEqual([0, []]);
  });

  test('version 3 is too new for this release, for all interfaces', () => {
    const { programId } = build([4], 3);
    const { status, err } = loader('status');
    expect([status, err]).toEqual([161, expect.stringMatching(/version|not supported/i)]);
    expect(attached()).toBe(programId);
  });

  test('clean keeps what is attached, and takes the rest', () => {
    const { programId } = build([4, 4]);
    const stale = [`dispatch-${ifindex}-${programId + 5000}`, `dispatch-${ifindex + 5000}-${programId}`];
    for (const name of stale) mkdirSync(`${pins.path}/${name}`);
    mkdirSync(`${pins.path}/other`);
    expect(loader('clean').status).toBe(0);
    expect(readdirSync(pins.path).sort()).toEqual([`dispatch-${ifindex}-${programId}`, 'other']);
    rmdirSync(`${pins.path}/other`);
  });

  test('pins that are gone make it one program without members', () => {
    const { programId } = build([4, 4]);
    pins.remove({ ifindex, programId });
    const { out, err } = loader('status', 'va');
    expect(parseStatus(out)).toMatchObject([{ program: { id: programId }, members: [] }]);
    expect(err).toContain('Unable to read pinned progs');
    expect(loader('unload', '--all', 'va').status).toBe(0);
    expect(attached()).toBe(0);
  });
});
