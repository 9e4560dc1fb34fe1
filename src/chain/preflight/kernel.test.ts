/** What pre-flight says, compared with what this kernel does; and that a refusal comes before anything is built. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { hooksForTests, returning, TwoNamespaces } from '../../hooks/testing.ts';
import { attachXdp } from '../../kernel/hooks/hooks.ts';
import { readInterface, setXdp, type XdpMode } from '../../kernel/hooks/interface.ts';
import { countFds } from '../../kernel/testing.ts';
import { mountBpffs } from '../../load/testing.ts';
import { InputObject } from '../../object/read/input.ts';
import { Store } from '../../store/store.ts';
import * as uapi from '../../uapi/index.ts';
import { type ChainOptions, changeChain } from '../chains.ts';
import { findChainHook } from '../engine/hooks.ts';
import { memberEffects } from './members.ts';

const { kernel, missing } = hooksForTests();
const XDP = [uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP] as const;

function fileAt(path: string): InputObject {
  return new InputObject({ name: path.split('/').at(-1) ?? path, bytes: readFileSync(path) });
}
const FIRST = fileAt('examples/obj/el/first_firewall.bpf.o');

describe('what files do', () => {
  const effects = (path: string, program: string) => {
    const base = { name: 'm', file: fileAt(path), program, priority: 50, continueOn: [], loaded: null };
    const given = { priority: false, continueOn: false };
    return memberEffects({
      ...base,
      given,
      adopted: null,
      settings: { globals: new Map(), maxEntries: new Map() },
    });
  };
  test('fragments, tail calls, arrays that hold a program', () => {
    const devices = 'test/vm/programs/obj/el/devices.bpf.o';
    expect(effects(devices, 'measure_parts').frags).toBe(true);
    expect(effects(devices, 'measure_one').frags).toBe(false);
    const calls = 'src/vm/testdata/obj/el/calls.bpf.o';
    expect(effects(calls, 'tail')).toMatchObject({ tailCalls: true, isHeld: false, changesPacket: null });
    expect(effects(calls, 'tail_first')).toMatchObject({ tailCalls: true, isHeld: true });
    expect(effects(calls, 'tail_from_subprogram').tailCalls).toBe(true);
  });
  test('kfuncs of a device', () => {
    const mistakes = 'src/load/testdata/obj/el/mistakes.bpf.o';
    expect(effects(mistakes, 'device_kfunc').metadata).toEqual(['bpf_xdp_metadata_rx_timestamp']);
  });
});

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const names = missing === undefined ? new TwoNamespaces(kernel, 'preflight') : undefined;
  const mount = missing === undefined ? mountBpffs() : undefined;
  const inside = <T>(body: () => T): T => (names === undefined ? body() : names.inside(body));
  const ip = (...words: string[]) => names?.ip('-n', names.near, ...words);
  const store = () => Store.open(kernel, join(mount?.path ?? '', 'store'));
  afterEach(() => {
    names?.ip('-n', names.far, 'link', 'set', 'vb', 'mtu', '1500');
    for (const mode of ['native', 'generic'] as const) off('va', mode);
    for (const entry of store().list()) store().remove(entry);
  });
  afterAll(() => {
    mount?.close();
    names?.close();
  });
  function set(name: string, fd: number, mode: XdpMode): void {
    inside(() => setXdp(kernel, readInterface(kernel, name).index, fd, { mode }));
  }
  const off = (name: string, mode: XdpMode) => set(name, -1, mode);
  /** Codes of what a load reports; empty when it works. */
  function load(options: ChainOptions = {}, at = 'va'): string[] {
    const context = { sys: kernel, store: store(), time: null };
    const edit = { kind: 'load', members: [{ file: FIRST }] } as const;
    try {
      inside(() => changeChain(context, findChainHook(kernel, at, 'xdp'), edit, options));
      return [];
    } catch (error) {
      if (error instanceof RootletError) return error.problems.map(({ code }) => code);
      throw error;
    }
  }
  const occupants = () => inside(() => readInterface(kernel, 'va').xdp);

  test.each([3506, 3507])('veth with an MTU of %d: as the kernel decides', mtu => {
    names?.ip('-n', names.far, 'link', 'set', 'vb', 'mtu', String(mtu));
    using plain = returning(kernel, 'plain', XDP, 2);
    const refused = (() => {
      try {
        set('va', plain.fd.number, 'native');
        off('va', 'native');
        return false;
      } catch {
        return true;
      }
    })();
    if (process.arch === 'x64') expect(refused).toBe(mtu > 3506);
    const fds = countFds(); // other tests load programs meanwhile
    expect(load({ mode: 'native' })).toEqual(refused ? ['chain-mtu'] : []);
    if (refused) expect(countFds()).toBe(fds);
    if (refused) expect(load({ mode: 'generic' })).toEqual([]);
  });

  test('everything that is wrong is reported at once, also for a dry run', () => {
    using theirs = returning(kernel, 'theirs', XDP, 2);
    set('va', theirs.fd.number, 'generic');
    names?.ip('-n', names.far, 'link', 'set', 'vb', 'mtu', '9000');
    for (const dryRun of [false, true])
      expect(load({ mode: 'native', dryRun })).toEqual(['chain-foreign', 'chain-mode', 'chain-mtu']);
    expect(occupants().generic).toBe(theirs.info().id);
  });

  test('the driver of the loopback runs no XDP', () => {
    expect(load({ mode: 'native' }, 'lo')).toEqual(['chain-mode']);
    expect(load({ mode: 'offload' })).toEqual(['chain-mode']);
    expect(load({}, 'lo')).toEqual([]);
    off('lo', 'generic');
  });

  test('a running chain keeps its mode, also when nothing else changes', () => {
    expect(load({ mode: 'generic' })).toEqual([]);
    const edit = { kind: 'set', members: [{ file: FIRST }] } as const;
    const again = (mode: XdpMode) =>
      inside(() =>
        changeChain({ sys: kernel, store: store(), time: null }, findChainHook(kernel, 'va', 'xdp'), edit, {
          mode,
        }),
      );
    expect(again('generic').changed).toBe(false);
    expect(() => again('native')).toThrow(/in mode skb, not native/);
  });

  test('a program of a link is named with the link, which only its owner ends', () => {
    using theirs = returning(kernel, 'theirs', XDP, 2);
    using link = inside(() => attachXdp(kernel, theirs.fd.number, 'va', 'generic'));
    expect(load({ force: true, mode: 'generic' })).toEqual(['chain-foreign']);
    const context = { sys: kernel, store: store(), time: null };
    const edit = { kind: 'load', members: [{ file: FIRST }] } as const;
    const change = () =>
      inside(() => changeChain(context, findChainHook(kernel, 'va', 'xdp'), edit, { force: true }));
    expect(change).toThrow(`link ${link.info().id}, which alone can change or remove it`);
    expect(change).toThrow(`bpftool link detach id ${link.info().id}`);
    link.detach();
    expect(load({ mode: 'generic' })).toEqual([]);
  });

  test('a bridge with a program blocks its ports', () => {
    ip('link', 'add', 'br0', 'type', 'bridge');
    ip('link', 'set', 'va', 'master', 'br0');
    using theirs = returning(kernel, 'theirs', XDP, 2);
    set('br0', theirs.fd.number, 'generic');
    expect(load()).toEqual(['chain-upper']);
    off('br0', 'generic');
    expect(load()).toEqual([]);
    off('va', 'native');
    ip('link', 'del', 'br0');
  });
});
