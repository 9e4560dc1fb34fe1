/**
 * Chains by the protocol of libxdp beside Debian's xdp-loader, on one interface: each sees, extends and takes apart what
 * the other one built.
 */

import { existsSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type ChainChange, type ChainOptions, changeChain } from '../../src/chain/chains.ts';
import { findChainHook } from '../../src/chain/engine/hooks.ts';
import { makeDispatcher } from '../../src/chain/libxdp/dispatcher.ts';
import { LibxdpPins } from '../../src/chain/libxdp/pins.ts';
import type { ChainState } from '../../src/chain/model/chain.ts';
import type { ChainEdit, MemberRequest } from '../../src/chain/model/edit.ts';
import { readChain } from '../../src/chain/reading.ts';
import { WatchedChain } from '../../src/chain/watch/open.ts';
import { EXIT, move } from '../../src/isa/assemble.ts';
import { encodeInsns } from '../../src/isa/opcodes.ts';
import { setXdp } from '../../src/kernel/hooks/interface.ts';
import { HOST_ORDER } from '../../src/kernel/uapi/attr.ts';
import { withLicense } from '../../src/link/passes/license.ts';
import { WATCH_COUNT } from '../../src/link/watch/layout.ts';
import { loadObject } from '../../src/load/load.ts';
import type { BpfSymbol } from '../../src/object/model/model.ts';
import { InputObject } from '../../src/object/read/input.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { Store } from '../../src/store/store.ts';
import { type MemberSpec, memberName } from '../support/chain-members.ts';
import { configOfVersion2, passThrough } from '../support/xdp-loader.ts';
import { sys } from './guest/kernel.ts';
import { expectedPins, openPeer, peerPins } from './guest/xdp-tools.ts';

const [ABORTED, DROP, PASS, TX, REDIRECT] = [0, 1, 2, 3, 4];
const ROOT = '/sys/fs/bpf/rootlet-wire';

const peer = openPeer();
const store = Store.open(sys, ROOT);
const context = { sys, store, time: null };
const inNear = <T>(body: () => T): T => peer.wire.inside(body);
const hook = inNear(() => findChainHook(sys, 'near', 'xdp'));

const change = (edit: ChainEdit, options: ChainOptions = {}): ChainChange =>
  inNear(() => changeChain(context, hook, edit, options));
const state = (): ChainState => inNear(() => readChain(context, hook));
const member = (spec: MemberSpec, more: Partial<MemberRequest> = {}): MemberRequest => {
  const path = peer.file(spec);
  const file = new InputObject({ name: `${memberName(spec)}.o`, path, bytes: readFileSync(path) });
  return { file, ...more };
};
const load = (...specs: readonly MemberSpec[]): ChainChange =>
  change({ kind: 'load', members: specs.map(spec => member(spec)) }, { via: 'libxdp' });
const names = () => state().members.map(({ name }) => name);
const unloadAll = () => change({ kind: 'unload', members: 'all' });

/** Members in the order of their numbers. */
const members = (count: number, mask: (position: number) => number = () => 1 << PASS): MemberSpec[] =>
  Array.from({ length: count }, (_, number) => ({ number, priority: 10 + number, mask: mask(number) }));

/** Rows of both tools are about the same programs with the same rules. */
function expectAgreement(): void {
  const { program, members: rows } = peer.status();
  const own = state();
  expect(own).toMatchObject({ kind: 'chain', via: 'libxdp', version: 2, problems: [] });
  expect(program).toMatchObject({ name: 'xdp_dispatcher', id: own.program?.id, tag: own.program?.tag });
  const actions = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'];
  const theirs = rows.map(({ id, name, tag, priority, actions }) => ({ id, name, tag, priority, actions }));
  expect(theirs).toEqual(
    own.members.map(({ loaded, priority, continueOn }) => ({
      ...loaded,
      priority,
      actions: continueOn.map(verdict => actions[Number(verdict)]),
    })),
  );
  expect(own.members.every(({ lost }) => lost === null)).toBe(true);
  expect(peerPins()).toEqual(expectedPins(peer.ifindex, peer.attached(), rows.length));
}

afterEach(() => {
  if (peer.attached() !== 0) peer.run('unload', '--all', 'near');
  peer.must('clean');
  for (const entry of store.list()) store.remove(entry);
});
afterAll(() => {
  peer.close();
  if (existsSync(ROOT)) rmSync(ROOT, { recursive: true, force: true });
});

describe('what is built here', () => {
  test.each([1, 2, 3, 10])(
    'a set of %i: rows, pins, configuration and verdicts are those of libxdp',
    count => {
      const specs = members(count, number => [4, 0b110, 0b11111, 0b1000][number % 4] ?? 4);
      load(...specs);
      expectAgreement();
      expect(peer.config()).toEqual(
        configOfVersion2(specs.map(({ priority = 50, mask = 0 }) => ({ priority, mask }))),
      );
      const masks = specs.map(({ mask = 0 }) => mask);
      const packets = [ABORTED, DROP, PASS, TX, REDIRECT].flatMap(verdict =>
        specs.map((_, at) => specs.map((_, position) => (position === at ? verdict : PASS))),
      );
      expect(peer.pass(packets)).toEqual(packets.map(verdicts => passThrough(masks, verdicts)));
      unloadAll();
      expect([peer.attached(), peerPins(), store.list()]).toEqual([0, {}, []]);
    },
  );

  test('the peer adds, removes and takes apart', () => {
    load({ number: 0, priority: 20 });
    const [first] = state().members;
    peer.load({ number: 1, priority: 10 });
    expectAgreement();
    expect(names()).toEqual(['member_000001', 'member_000000']);
    expect(state().members[1]).toMatchObject({ loaded: first?.loaded, file: 'member_000000.o' });
    peer.must('unload', '--id', String(first?.loaded?.id), 'near');
    expect(names()).toEqual(['member_000001']);
    load({ number: 2, priority: 5 });
    expectAgreement();
    peer.unload();
    expect([peer.attached(), peerPins(), state().kind]).toEqual([0, {}, 'none']);
    load({ number: 3 });
    expectAgreement();
  });

  test('members stay loaded from set to set', () => {
    load({ number: 0 }, { number: 1 });
    const before = state().members.map(({ loaded }) => loaded?.id);
    load({ number: 2 });
    change({ kind: 'unload', members: ['member_000001'] });
    change({ kind: 'order', names: ['member_000002', 'member_000000'] });
    expect(state().members[1]?.loaded?.id).toBe(before[0]);
    expectAgreement();
    expect(peer.pass([[PASS, PASS, PASS]])).toEqual([{ verdict: PASS, ran: [2, 0] }]);
    change({ kind: 'unload', members: [before[0] ?? 0] });
    expectAgreement();
    expect(peer.pass([[DROP, DROP, TX]])).toEqual([{ verdict: TX, ran: [2] }]);
  });

  test('another version in the place of a member', () => {
    load({ number: 0 }, { number: 1 });
    const next = member({ number: 3, name: 'member_000001' });
    change({ kind: 'replace', name: 'member_000001', member: next });
    expectAgreement();
    expect(peer.pass([[PASS, TX, TX, DROP]])).toEqual([{ verdict: DROP, ran: [0, 3] }]);
  });
});

describe('counters', () => {
  const open = () => inNear(() => WatchedChain.open(context, state()));
  function counted() {
    using chain = open();
    return chain.read(0n).members.map(one => [one.member.name, one.counters?.packets]);
  }
  function countOn(): void {
    using chain = open();
    chain.set(WATCH_COUNT);
  }

  test('each member has its own, which it keeps from set to set', () => {
    load({ number: 0, priority: 10 }, { number: 1, priority: 20 });
    peer.pass([[PASS, PASS]]);
    expect(counted()).toEqual([
      ['member_000000', 0n],
      ['member_000001', 0n],
    ]);
    countOn();
    peer.pass([
      [PASS, PASS],
      [DROP, PASS],
    ]);
    load({ number: 2, priority: 30 });
    expect(counted()).toEqual([
      ['member_000000', 2n],
      ['member_000001', 1n],
      ['member_000002', 0n],
    ]);
    expectAgreement();
    const next = member({ number: 3, name: 'member_000001', priority: 20 });
    change({ kind: 'replace', name: 'member_000001', member: next });
    countOn();
    expect(peer.pass([[PASS, PASS, PASS, PASS]])[0]?.verdict).toBe(PASS);
    expect(counted()).toEqual([
      ['member_000000', 3n],
      ['member_000001', 2n],
      ['member_000002', 1n],
    ]);
  });

  test('a single member, and a second run that changes nothing', () => {
    const set = { kind: 'set', members: [member({ number: 0 })] } as const;
    expect(change(set, { via: 'libxdp' }).changed).toBe(true);
    expect(change(set, { via: 'libxdp' }).changed).toBe(false);
    countOn();
    expect(peer.pass([[DROP]])).toEqual([{ verdict: DROP, ran: [0] }]);
    expect(counted()).toEqual([['member_000000', 1n]]);
    expect(change(set, { counters: false }).changed).toBe(true);
    expect(counted()).toEqual([['member_000000', undefined]]);
    expect(change(set).changed).toBe(false);
    expect(change(set, { counters: true }).changed).toBe(true);
    expect(counted()).toEqual([['member_000000', 0n]]);
  });

  test('a member of the peer has none; linked into one program all go on', () => {
    load({ number: 0, priority: 10 });
    countOn();
    peer.pass([[PASS]]);
    peer.load({ number: 1, priority: 20 });
    expect(counted()).toEqual([
      ['member_000000', 1n],
      ['member_000001', undefined],
    ]);
    change({ kind: 'unload', members: ['member_000001'] });
    change({ kind: 'load', members: [] }, { via: 'static' });
    expect([state().via, counted()]).toEqual(['static', [['member_000000', 1n]]]);
  });
});

describe('what the peer built', () => {
  test('is read, extended, reordered and removed', () => {
    peer.load({ number: 0, priority: 10 }, { number: 1, priority: 20 });
    expectAgreement();
    expect(state().entry).toBeNull();
    expect(state().members.map(({ file }) => file)).toEqual([null, null]);
    load({ number: 2, priority: 15 });
    expectAgreement();
    expect(peer.pass([[PASS, PASS, PASS]])).toEqual([{ verdict: PASS, ran: [0, 2, 1] }]);
    change({ kind: 'order', names: ['member_000001', 'member_000002', 'member_000000'] });
    expectAgreement();
    expect(peer.pass([[PASS, PASS, PASS]])).toEqual([{ verdict: PASS, ran: [1, 2, 0] }]);
    change({ kind: 'unload', members: ['member_000002'] });
    expectAgreement();
    change({ kind: 'unload', members: ['member_000000'] });
    expectAgreement();
    expect(peer.pass([[PASS, TX]])).toEqual([{ verdict: TX, ran: [1] }]);
    change({ kind: 'unload', members: ['member_000001'] });
    expect([peer.attached(), peerPins(), store.list()]).toEqual([0, {}, []]);
  });

  test('is taken apart without ever having been changed here', () => {
    peer.load({ number: 0 }, { number: 1 });
    unloadAll();
    expect([peer.attached(), peerPins()]).toEqual([0, {}]);
  });

  test('a member of the peer is replaced by a file, and the set linked into one program', () => {
    peer.load({ number: 0, priority: 10 });
    expect(() =>
      change({ kind: 'load', members: [member({ number: 1, priority: 20 })] }, { via: 'static' }),
    ).toThrow(/loaded by another tool/);
    change({ kind: 'replace', name: 'member_000000', member: member({ number: 0, priority: 10 }) });
    load({ number: 1, priority: 20 });
    change({ kind: 'load', members: [member({ number: 2, priority: 30 })] }, { via: 'static' });
    expect(state()).toMatchObject({ kind: 'chain', via: 'static' });
    expect(peer.pass([[PASS, PASS, PASS]])).toEqual([{ verdict: PASS, ran: [0, 1, 2] }]);
    expect(peerPins()).toEqual({});
    change({ kind: 'unload', members: ['member_000001'] }, { via: 'libxdp' });
    expectAgreement();
  });
});

/** A program without types. */
function untyped(name: string, section = 'xdp', verdict: number = PASS): InputObject {
  const code = encodeInsns([move(0, verdict), EXIT], HOST_ORDER);
  const shell = { type: 1, flags: 6, align: 8, entsize: 0, role: 'code' } as const;
  const program: BpfSymbol = {
    kind: 'function',
    name,
    binding: 'global',
    visibility: 'default',
    origin: { file: name, offset: 0 },
    section: 0,
    code,
    references: [],
    btfId: 0,
    lines: [],
    coreRecords: [],
  };
  const sections = [{ ...shell, name: section }];
  const bare = {
    name: `${name}.o`,
    byteOrder: HOST_ORDER,
    flags: 0,
    sections,
    symbols: [program],
    btf: null,
  };
  const object = withLicense(bare, 'GPL');
  return new InputObject({ name: object.name, bytes: writeObject(object) }, object);
}

describe('what the sets of libxdp cannot have', () => {
  test('members without types', () => {
    load({ number: 0, priority: 10 });
    change({ kind: 'load', members: [{ file: untyped('untyped', 'xdp', DROP), priority: 20 }] });
    expectAgreement();
    expect(peer.pass([[PASS], [TX]])).toEqual([
      { verdict: DROP, ran: [0] },
      { verdict: TX, ran: [0] },
    ]);
    change({ kind: 'unload', members: ['member_000000'] });
    expectAgreement();
    expect(peer.pass([[PASS]])).toEqual([{ verdict: DROP, ran: [] }]);
  });

  test('xdp.frags of all members is that of the dispatcher', () => {
    const of = (name: string) => ({ file: untyped(name, 'xdp.frags') });
    change({ kind: 'load', members: [of('one'), of('two')] }, { via: 'libxdp' });
    expectAgreement();
    expect([...peer.config().subarray(0, 4)]).toEqual([236, 2, 2, 1]);
    expect([...peer.config().subarray(84, 96)]).toEqual([32, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0]);
    change({ kind: 'load', members: [member({ number: 0 })] });
    expectAgreement();
    expect([...peer.config().subarray(0, 4)]).toEqual([236, 2, 3, 0]);
  });

  test.each([1, 3] as const)('version %i is kept where it is found', version => {
    const config = { version, slots: [], frags: false, deviceBound: false };
    using empty = loadObject(makeDispatcher({ config, byteOrder: HOST_ORDER }), sys, { pinRoot: null });
    const program = empty.program('xdp_dispatcher');
    inNear(() => setXdp(sys, peer.ifindex, program.fd.number, { expectedFd: -1, mode: 'native' }));
    expect(state()).toMatchObject({ kind: 'chain', via: 'libxdp', version, members: [] });
    change({ kind: 'load', members: [member({ number: 0, priority: 5 }), member({ number: 1 })] });
    expect(state()).toMatchObject({ version, members: [{ lost: null }, { lost: null }], problems: [] });
    expect(peer.config()).toHaveLength(version === 1 ? 84 : 128);
    expect(peer.pass([[PASS, TX]])).toEqual([{ verdict: TX, ran: [0, 1] }]);
    unloadAll();
    expect([peer.attached(), peerPins()]).toEqual([0, {}]);
  });

  test('the protocol is chosen where the kernel has it; a program of its own is not replaced', () => {
    const made = change({ kind: 'load', members: [member({ number: 0 })] });
    expect([made.via, made.reason]).toEqual(['libxdp', expect.stringContaining('tools of libxdp see')]);
    unloadAll();
    const many = Array.from({ length: 11 }, (_, number) => member({ number }));
    expect(change({ kind: 'load', members: many }).reason).toMatch(/one program; not libxdp: .* 10 slots/);
    expect(peer.status().program?.name).toBe('xdp_chain');
    unloadAll();
  });
});

describe('what goes wrong', () => {
  test('an eleventh member, and one that the verifier refuses, leave the set as it is', () => {
    load(...members(10));
    const before = [peer.attached(), peerPins(), peer.config()];
    expect(() => load({ number: 10 })).toThrow(/11 members/);
    expect([peer.attached(), peerPins(), peer.config()]).toEqual(before);
    unloadAll();
    load({ number: 0 });
    const alone = [peer.attached(), peerPins()];
    const file = peer.file({ number: 1 });
    const bytes = Uint8Array.from(readFileSync(file));
    const input = new InputObject({ name: 'refused.o', bytes });
    const program = input.object.symbols.findIndex(({ name }) => name === 'member_000001');
    const symbols = input.object.symbols.map((symbol, at) =>
      at === program && symbol.kind === 'function'
        ? { ...symbol, code: symbol.code.map((byte, at) => (at === 0 ? 0x79 : at === 1 ? 0x10 : byte)) }
        : symbol,
    );
    const broken = new InputObject({ name: 'refused.o', bytes }, { ...input.object, symbols });
    expect(() => change({ kind: 'load', members: [{ file: broken }] })).toThrow();
    expect([peer.attached(), peerPins()]).toEqual(alone);
  });

  test('a lost link is reported, and repaired by the next change', () => {
    load({ number: 0, priority: 10 }, { number: 1, priority: 20 });
    const id = peer.attached();
    for (const entry of store.list()) store.remove(entry); // it holds the links as well
    unlinkSync(`/sys/fs/bpf/xdp/dispatch-${peer.ifindex}-${id}/prog0-link`);
    expect(state()).toMatchObject({ kind: 'chain', members: [{ lost: /not pinned/ }, { lost: null }] });
    expect(peer.pass([[DROP, PASS]])).toEqual([{ verdict: PASS, ran: [1] }]);
    load({ number: 2, priority: 30 });
    expectAgreement();
    expect(peer.pass([[DROP, PASS]])).toEqual([{ verdict: DROP, ran: [0] }]);
  });

  test('a set that fails closed drops without its member', () => {
    const request = { kind: 'load', members: [member({ number: 0 }), member({ number: 1 })] } as const;
    change(request, { via: 'libxdp', failClosed: true });
    for (const entry of store.list()) store.remove(entry);
    unlinkSync(`/sys/fs/bpf/xdp/dispatch-${peer.ifindex}-${peer.attached()}/prog0-link`);
    expect(peer.pass([[PASS, PASS]])).toEqual([{ verdict: DROP, ran: [] }]);
  });

  test('missing pins do not hide a dispatcher', () => {
    load({ number: 0 }, { number: 1 });
    const name = { ifindex: peer.ifindex, programId: peer.attached() };
    using pins = LibxdpPins.make(sys);
    pins.remove(name);
    expect(peer.status().members).toEqual([]);
    expect(state()).toMatchObject({ kind: 'chain', via: 'libxdp', problems: [{ code: 'chain-pins' }] });
    load({ number: 2 });
    expectAgreement();
  });
});
