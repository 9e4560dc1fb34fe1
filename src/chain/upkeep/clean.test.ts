/** What is left of chains, and what is not: network namespaces with the same numbers, interfaces that move and go. */

import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { hooksForTests, returning, TwoNamespaces } from '../../hooks/testing.ts';
import { readInterface, setXdp } from '../../kernel/hooks/interface.ts';
import { type Survey, surveyInterfaces } from '../../kernel/hooks/survey.ts';
import { pinObject } from '../../kernel/objects/pin.ts';
import type { BpfProgram } from '../../kernel/objects/program.ts';
import { inNetns } from '../../kernel/sys/netns.ts';
import { mountBpffs } from '../../load/testing.ts';
import { InputObject } from '../../object/read/input.ts';
import { Store } from '../../store/store.ts';
import * as uapi from '../../uapi/index.ts';
import { changeChain } from '../chains.ts';
import { findChainHook } from '../engine/hooks.ts';
import { examineChains, repairChains } from '../examine.ts';
import { type CleanOptions, cleanChains } from './clean.ts';

const { kernel, missing } = hooksForTests();
const XDP = [uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP] as const;
const FILE = 'examples/obj/el/first_firewall.bpf.o';
const FIRST = new InputObject({ name: 'first_firewall.bpf.o', bytes: readFileSync(FILE) });

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const names = missing === undefined ? new TwoNamespaces(kernel, 'clean') : undefined;
  const mount = missing === undefined ? mountBpffs() : undefined;
  const root = mount?.path ?? '';
  const libxdp = join(root, 'xdp');
  const store = () => Store.open(kernel, join(root, 'store'));
  const near = `/run/netns/${names?.near}`;
  const far = `/run/netns/${names?.far}`;
  const at = <T>(netns: string, body: () => T): T => inNetns(kernel, netns, body);
  /** Also where this machine hides processes from tests. */
  const survey = (): Survey => ({ ...surveyInterfaces(kernel), gaps: [], hidden: [] });
  const clean = (options: CleanOptions = {}) =>
    cleanChains({ sys: kernel, store: store(), time: null }, { libxdp, survey, ...options });
  const reasons = (options: CleanOptions = {}) => clean(options).removed.map(({ reason }) => reason);
  const ip = (...words: string[]) => names?.ip(...words);
  const made: { netns: string; name: string }[] = [];
  let numbers = 100;

  /** A pair of interfaces in a namespace; its name, with an index of its own. */
  function pair(netns: string, index = numbers++): string {
    const name = `p${index}`;
    const words = ['-n', netns.slice('/run/netns/'.length), 'link', 'add', name, 'index', String(index)];
    ip(...words, 'type', 'veth', 'peer', 'name', `${name}q`);
    made.push({ netns, name });
    return name;
  }
  const load = (netns: string, name: string) =>
    at(netns, () =>
      changeChain(
        { sys: kernel, store: store(), time: null },
        findChainHook(kernel, name, 'xdp'),
        { kind: 'load', members: [{ file: FIRST }] },
        { mode: 'generic' },
      ),
    );
  const set = (netns: string, name: string, fd: number) =>
    at(netns, () => setXdp(kernel, readInterface(kernel, name).index, fd, { mode: 'generic' }));
  const entries = () =>
    store()
      .list()
      .map(({ name }) => name);
  /** Pins as libxdp has them, with a program in the place of each pin; no process holds them afterwards. */
  function dispatcher(netns: string, name: string): { path: string; program: BpfProgram } {
    const program = returning(kernel, 'xdp_dispatcher', XDP, 2);
    const { index } = at(netns, () => readInterface(kernel, name));
    const path = join(libxdp, `dispatch-${index}-${program.info().id}`);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    pinObject(kernel, program.fd.number, join(path, 'prog0-prog'));
    set(netns, name, program.fd.number);
    return { path, program };
  }

  afterEach(() => {
    for (const { netns, name } of made.splice(0)) {
      const where = netns.slice('/run/netns/'.length);
      try {
        ip('-n', where, 'link', 'del', name);
      } catch {
        // deleted or moved by the test
      }
    }
    for (const entry of store().list()) store().remove(entry);
    clean();
  });
  afterAll(() => {
    mount?.close();
    names?.close();
  });

  test('a link in the place of libxdp, as iproute2 makes one, does not prevent cleaning the store', () => {
    const name = pair(near);
    load(near, name);
    at(near, () => ip('-n', near.slice('/run/netns/'.length), 'link', 'del', name));
    const link = join(root, 'link');
    symlinkSync(root, link);
    const report = clean({ libxdp: link });
    expect(report.removed).toMatchObject([{ reason: expect.stringContaining('is gone') }]);
    expect(report.notes).toEqual([expect.stringContaining('pins of libxdp were not looked at')]);
  });

  test('a chain that runs stays, also one of another namespace with the same number and name', () => {
    const name = pair(near, 77);
    pair(far, 77);
    load(near, name);
    load(far, name);
    const before = entries();
    expect(before.length).toBe(2);
    for (const netns of [near, far, '/proc/self/ns/net'])
      expect(at(netns, () => clean())).toMatchObject({ removed: [], left: [] });
    expect(entries()).toEqual(before);
    set(near, name, -1);
    const removed = at(far, () => clean()).removed;
    expect(removed).toEqual([
      {
        kind: 'entry',
        name: expect.stringContaining(name),
        reason: `its program was detached on interface "${name}"`,
      },
    ]);
    expect(entries().length).toBe(1);
    expect(clean().removed).toEqual([]);
  });

  test('detached, replaced, deleted: each with its reason; a dry run removes nothing', () => {
    using other = returning(kernel, 'other', XDP, 2);
    const name = pair(near);
    load(near, name);
    set(near, name, other.fd.number);
    expect(reasons({ dryRun: true })).toEqual([
      `its program was replaced by program ${other.info().id} on interface "${name}"`,
    ]);
    expect(entries().length).toBe(1);
    ip('-n', names?.near ?? '', 'link', 'del', name);
    expect(reasons({ dryRun: true })).toEqual([`interface "${name}" is gone`]);
    const index = numbers - 1;
    ip('-n', names?.near ?? '', 'link', 'add', 'again', 'index', String(index), 'type', 'bridge');
    expect(reasons()).toEqual([`interface ${index} is "again" now, and its program is not there`]);
    ip('-n', names?.near ?? '', 'link', 'del', 'again');
    expect(entries()).toEqual([]);
  });

  test('renamed and moved interfaces keep their chain', () => {
    const name = pair(near);
    load(near, name);
    ip('-n', names?.near ?? '', 'link', 'set', name, 'name', 'renamed');
    expect(clean().removed).toEqual([]);
    ip('-n', names?.near ?? '', 'link', 'set', 'renamed', 'netns', names?.far ?? '');
    expect(clean()).toMatchObject({ removed: [], left: [] });
    expect(entries().length).toBe(1);
    ip('-n', names?.far ?? '', 'link', 'del', 'renamed');
    expect(reasons()).toEqual([`interface "${name}" is gone`]);
  });

  test('what cannot be looked at is not decided', () => {
    const name = pair(near);
    load(near, name);
    ip('-n', names?.near ?? '', 'link', 'del', name);
    const blind = () => ({ ...survey(), gaps: ['the network namespace of process 7 cannot be entered'] });
    expect(clean({ survey: blind })).toMatchObject({
      removed: [],
      left: [
        { reason: `interface "${name}" is gone, but the network namespace of process 7 cannot be entered` },
      ],
    });
    expect(entries().length).toBe(1);
  });

  test('pins of libxdp: those of another namespace stay, those of no interface go', () => {
    const name = pair(near, 88);
    pair(far, 88);
    const { path, program } = dispatcher(near, name);
    for (const netns of [near, far]) expect(at(netns, () => clean()).removed).toEqual([]);
    set(near, name, -1);
    expect(clean({ dryRun: true }).removed).toEqual([
      {
        kind: 'dispatcher',
        name: path,
        reason: `its dispatcher, program ${program.info().id}, is attached to no interface`,
      },
    ]);
    expect(existsSync(path)).toBe(true);
    program.close();
    expect(reasons()).toHaveLength(1);
    expect(existsSync(path)).toBe(false);
    expect(clean()).toMatchObject({ removed: [], left: [] });
  });

  test('doctor announces what it repairs, repairs that and nothing else, and then has nothing to do', () => {
    const [stale, live] = [pair(near), pair(near)];
    load(near, stale);
    load(near, live);
    set(near, stale, -1);
    mkdirSync(join(libxdp, 'dispatch-5-4294967293'), { recursive: true, mode: 0o700 });
    const context = { sys: kernel, store: store(), time: null };
    const options = { libxdp, survey };
    const announced = at(near, () => examineChains(context, options));
    expect(announced.map(({ kind, repairs }) => [kind, repairs])).toEqual([
      ['stale', true],
      ['stale', true],
    ]);
    expect(announced.map(({ fix }) => fix).join()).toMatch(/remove the entry.*,remove the directory/);
    expect(at(near, () => repairChains(context, options))).toEqual({ repaired: announced, left: [] });
    expect(entries()).toEqual([`xdp-${live}`]);
    const again = at(near, () => repairChains(context, options));
    expect(again).toEqual({ repaired: [], left: [] });
  });

  test('looking at chains does not make a store', () => {
    const context = { sys: kernel, store: Store.open(kernel, join(root, 'never')), time: null };
    expect(examineChains(context, { libxdp: join(root, 'none'), survey })).toEqual([]);
    expect(existsSync(join(root, 'never'))).toBe(false);
    expect(examineChains(context, { libxdp: '/tmp', survey })).toEqual([]);
  });

  test('a directory of a program that is gone needs no look at interfaces', () => {
    const path = join(libxdp, 'dispatch-5-4294967295');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const blind = () => ({ ...survey(), gaps: ['x'] });
    expect(reasons({ survey: blind })).toEqual(['its dispatcher, program 4294967295, is gone']);
    expect(existsSync(path)).toBe(false);
  });

  test('files of others keep the directory', () => {
    const path = join(libxdp, 'dispatch-5-4294967294');
    mkdirSync(join(path, 'mine'), { recursive: true, mode: 0o700 });
    expect(clean()).toMatchObject({
      removed: [],
      left: [{ name: path, reason: expect.stringContaining('not pins of it') }],
    });
  });
});
