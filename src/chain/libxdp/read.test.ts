/**
 * Dispatchers of the kernel as readers see them. Replacements cannot be loaded on every kernel, so the pins here hold
 * other programs; what real links look like is a matter of lostReason().
 */

import { existsSync, lchownSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hooksForTests, TwoNamespaces } from '../../hooks/testing.ts';
import { attachXdp } from '../../kernel/hooks/hooks.ts';
import { readInterface } from '../../kernel/hooks/interface.ts';
import { BpfProgram } from '../../kernel/objects/program.ts';
import { FileLock } from '../../kernel/sys/lock.ts';
import { HOST_ORDER } from '../../kernel/uapi/index.ts';
import type { LoadedObject } from '../../load/execute/loaded-object.ts';
import { loadObject } from '../../load/load.ts';
import { mountBpffs } from '../../load/testing.ts';
import type { BpfObject } from '../../object/index.ts';
import type { DispatcherConfig } from './config.ts';
import { makeDispatcher } from './dispatcher.ts';
import { LibxdpPins, libxdpDirectory, parseDispatchName } from './pins.ts';
import { lostReason, readDispatcher } from './read.ts';

const { kernel, missing } = hooksForTests();
const IFINDEX = 77;

const configOf = (count: number, version: 1 | 2 | 3 = 2): DispatcherConfig => ({
  version,
  slots: Array.from({ length: count }, (_, at) => ({ continueOn: [1, 2], priority: 10 * at, flags: 0 })),
  frags: false,
  deviceBound: false,
});
const dispatcher = (config: DispatcherConfig): BpfObject => makeDispatcher({ config, byteOrder: HOST_ORDER });

describe('names', () => {
  test('directories of dispatchers', () => {
    expect(parseDispatchName('dispatch-4-123')).toEqual({ ifindex: 4, programId: 123 });
    const others = [
      'dispatch-4',
      'dispatch-04-1',
      'dispatch-4-0',
      'dispatch--1-2',
      'x-1-2',
      'dispatch-1-2-3',
      '',
    ];
    for (const name of others) expect([name, parseDispatchName(name)]).toEqual([name, undefined]);
  });

  test('the directory is that of LIBXDP_BPFFS, or the usual one', () => {
    expect(libxdpDirectory({})).toMatch(/^\/sys\/fs\/bpf\/(xdp|tc)$/); // it may be a link of iproute2
    expect(libxdpDirectory({ LIBXDP_BPFFS: '' })).toBe(libxdpDirectory({}));
    expect(libxdpDirectory({ LIBXDP_BPFFS: '/run/bpf/' })).toBe('/run/bpf/xdp');
  });
});

describe('whether a member is lost', () => {
  const functions = ['xdp_dispatcher', 'prog0', 'prog1'].map((name, at) => {
    return { name, btfId: at + 5, linkage: 'global' as const, insnOffset: at };
  });
  const link = { id: 9, type: 2, programId: 30, targetId: 20, targetType: 7 };
  const pins = { slot: 1, programId: 30, link };
  test.each<[string, Parameters<typeof lostReason>[0], RegExp | null]>([
    ['a link to its slot', pins, null],
    [
      'a link to the dispatcher itself, of a single member',
      { ...pins, link: { ...link, targetType: 5 } },
      null,
    ],
    [
      'a kernel that does not report it',
      { ...pins, link: { ...link, targetId: null, targetType: null } },
      null,
    ],
    ['no pins', undefined, /slot 1 is not pinned/],
    ['no link', { ...pins, link: null }, /slot 1 is not pinned/],
    ['a link of another kind', { ...pins, link: { ...link, type: 6 } }, /is not that of a replacement/],
    ['a link of another program', { ...pins, link: { ...link, programId: 31 } }, /runs program 31, not 30/],
    ['a link to another dispatcher', { ...pins, link: { ...link, targetId: 21 } }, /leads to program 21/],
    ['a link to another slot', { ...pins, link: { ...link, targetType: 6 } }, /replaces "prog0"/],
  ])('%s', (_, slot, expected) => {
    const reason = lostReason(slot, 1, { programId: 20, types: { functions } });
    if (expected === null) expect(reason).toBeNull();
    else expect(reason).toMatch(expected);
  });
});

describe.skipIf(missing !== undefined)(`in the kernel ${missing ?? ''}`, () => {
  let bpffs: ReturnType<typeof mountBpffs>;
  let pins: LibxdpPins;
  let namespaces: TwoNamespaces;
  const opened: LoadedObject[] = [];
  const load = (object: BpfObject): BpfProgram => {
    const loaded = loadObject(object, kernel, { pinRoot: null });
    opened.push(loaded);
    const [program] = loaded.programs.values();
    if (program === undefined) throw new Error('nothing was loaded');
    return program;
  };
  beforeAll(() => {
    namespaces = new TwoNamespaces(kernel, 'libxdp');
    bpffs = mountBpffs();
    pins = LibxdpPins.make(kernel, `${bpffs.path}/xdp`);
  });
  afterAll(() => {
    pins.close();
    namespaces.close();
    for (const one of opened) one.close();
    bpffs.close();
  });

  /** A dispatcher of `count` programs and pins for the first `pinned` of them. */
  function pinnedDispatcher(count: number, pinned: number, version: 1 | 2 | 3 = 2) {
    const program = load(dispatcher(configOf(count, version)));
    const { id } = program.info();
    const member = load(dispatcher(configOf(0)));
    using link = namespaces.inside(() =>
      attachXdp(kernel, member.fd.number, readInterface(kernel, 'va').index, 'generic'),
    );
    pins.create({ ifindex: IFINDEX, programId: id }, new Array(pinned).fill({ link, program: member }));
    return { id, member: member.info() };
  }
  const read = (id: number) => readDispatcher(kernel, IFINDEX, id, pins);

  test.each([1, 2, 3] as const)('version %i: configuration and members', version => {
    const { id, member } = pinnedDispatcher(2, 2, version);
    const reading = read(id);
    expect(reading).toMatchObject({
      kind: 'dispatcher',
      dispatcher: { programId: id, broken: null, config: configOf(2, version) },
    });
    if (reading.kind !== 'dispatcher') return;
    const { id: programId, tag, loadTime } = member;
    const program = { id: programId, name: 'xdp_dispatcher', tag, loadTime };
    const lost = 'the pinned link of slot 1 is not that of a replacement';
    expect(reading.dispatcher.members[1]).toEqual({
      slot: 1,
      continueOn: [1, 2],
      priority: 10,
      flags: 0,
      program,
      lost,
    });
    expect(pins.remove({ ifindex: IFINDEX, programId: id })).toBe(true);
  });

  test('missing pins do not make it another program', () => {
    const { id } = pinnedDispatcher(2, 1);
    expect(read(id)).toMatchObject({
      kind: 'dispatcher',
      dispatcher: { broken: 'pins are missing: prog1', members: [{ slot: 0 }, { program: null }] },
    });
    pins.remove({ ifindex: IFINDEX, programId: id });
    expect(read(id)).toMatchObject({ kind: 'dispatcher', dispatcher: { broken: 'its pins are missing' } });
    expect(readDispatcher(kernel, IFINDEX, id, undefined)).toMatchObject({
      kind: 'dispatcher',
      dispatcher: { broken: 'its pins are missing' },
    });
  });

  test('what is not a dispatcher, what is damaged, what is newer', () => {
    expect(read(0x7ffffff0)).toEqual({ kind: 'other', reason: 'program 2147483632 is gone' });
    const object = dispatcher(configOf(2));
    const withConfig = (at: number, value: number): BpfObject => ({
      ...object,
      symbols: object.symbols.map(symbol => {
        if (symbol.kind !== 'variable' || symbol.name !== 'conf' || symbol.bytes === null) return symbol;
        const bytes = symbol.bytes.slice();
        bytes[at] = value;
        return { ...symbol, bytes };
      }),
    });
    const readingOf = (changed: BpfObject) => read(load(changed).info().id);
    expect(readingOf(withConfig(1, 4))).toEqual({ kind: 'newer', version: 4 });
    expect(readingOf(withConfig(2, 11))).toMatchObject({ kind: 'damaged', reason: /has 11 programs/ });
    expect(readingOf(withConfig(0, 1))).toMatchObject({ kind: 'damaged', reason: /has no version/ });
    const renamed = {
      ...object,
      symbols: object.symbols.map((s, at) => (at === 0 ? { ...s, name: 'firewall' } : s)),
    };
    expect(readingOf(renamed)).toEqual({
      kind: 'other',
      reason: 'its program is "firewall", not "xdp_dispatcher"',
    });
  });

  describe('pins', () => {
    const name = { ifindex: 5, programId: 6 };

    test('are listed with what they hold, and removed', () => {
      const { id, member } = pinnedDispatcher(2, 2);
      mkdirSync(`${pins.path}/other`);
      const [found] = pins.list();
      expect(pins.list()).toHaveLength(1);
      expect(found).toMatchObject({ ifindex: IFINDEX, programId: id, unknown: [] });
      expect(found?.slots.map(({ programId, link }) => [programId, link?.programId])).toEqual(
        [0, 1].map(() => [member.id, member.id]),
      );
      using program = BpfProgram.adopt(kernel, pins.openProgram({ ifindex: IFINDEX, programId: id }, 1));
      expect(program.info().id).toBe(member.id);
      expect(pins.remove({ ifindex: IFINDEX, programId: id })).toBe(true);
      expect(pins.list()).toEqual([]);
      expect(existsSync(`${pins.path}/other`)).toBe(true);
    });

    test('of others in a directory stay', () => {
      const path = `${pins.path}/dispatch-5-6`;
      mkdirSync(`${path}/mine`, { recursive: true });
      expect(pins.remove(name)).toBe(false);
      expect(existsSync(`${path}/mine`)).toBe(true);
    });

    test('are not reached through symbolic links', () => {
      symlinkSync('/tmp', `${pins.path}/dispatch-8-9`);
      expect(() => pins.read({ ifindex: 8, programId: 9 })).toThrow(/is a symbolic link/);
      expect(() => pins.create({ ifindex: 8, programId: 9 }, [])).toThrow(/is a symbolic link/);
    });

    test('are found where `xdp` is a link of root, as iproute2 makes it, and not where it is one of another user', () => {
      const bpffs = dirname(pins.path);
      const linked = { LIBXDP_BPFFS: `${bpffs}/linked` };
      mkdirSync(linked.LIBXDP_BPFFS, { mode: 0o700 });
      symlinkSync(pins.path, `${linked.LIBXDP_BPFFS}/xdp`);
      expect(libxdpDirectory(linked)).toBe(pins.path);
      lchownSync(`${linked.LIBXDP_BPFFS}/xdp`, 65534, 65534);
      expect(libxdpDirectory(linked)).toBe(`${linked.LIBXDP_BPFFS}/xdp`);
      expect(() => LibxdpPins.find(kernel, libxdpDirectory(linked))).toThrow(/is a symbolic link/);
    });

    test('all or nothing', () => {
      const broken = {
        link: { pin: () => {} },
        program: {
          pin: () => {
            throw new Error('no room');
          },
        },
      };
      const failing = { ifindex: 11, programId: 12 };
      expect(() => pins.create(failing, [broken as never])).toThrow('no room');
      expect(pins.read(failing)).toBeUndefined();
    });

    test('wait for the lock', () => {
      using _lock = FileLock.take(kernel, pins.path);
      expect(() => pins.locked(() => {}, 0)).toThrow(expect.objectContaining({ code: 'kernel-lock-busy' }));
    });
  });
});
