/** Another tool changes the hook between reading and switching: the change begins again, at most ten times. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Sys, SyscallArgument, SyscallName } from '../../../src/kernel/sys/sys.ts';
import { needs } from '../../support/needs.ts';
import { kernel } from '../slots/support.ts';
import { ChainLab, codeOf, IFACE } from './lab.ts';
import { small } from './members.ts';

const RTM_SETLINK = 19;

/** The kernel, with something done before each request that changes an interface. */
class Interrupted implements Sys {
  /** Requests that change an interface. */
  switches = 0;
  readonly #before: (time: number) => void;

  constructor(before: (time: number) => void = () => {}) {
    this.#before = before;
  }

  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    const [, message] = args;
    const isSwitch =
      name === 'sendto' &&
      message instanceof Uint8Array &&
      (message[4] ?? 0) + (message[5] ?? 0) * 256 === RTM_SETLINK;
    if (isSwitch) this.#before(++this.switches);
    return kernel.syscall(name, ...args);
  }

  addressOf(bytes: Uint8Array): bigint {
    return kernel.addressOf(bytes);
  }

  view(address: number, length: number): Uint8Array {
    return kernel.view(address, length);
  }

  poll(fd: number, onReadable: () => void): { close(): void } {
    return kernel.poll(fd, onReadable);
  }
}

needs('bpf', 'ip', 'clang').describe('a hook that others change', () => {
  let lab: ChainLab;
  beforeAll(() => {
    lab = new ChainLab('cx');
    lab.compile({
      theirs: small({ at: 7, program: 'theirs' }),
      ...Object.fromEntries(['a', 'b', 'c'].map((name, at) => [name, small({ at })])),
    });
  });
  afterEach(() => lab.reset());
  afterAll(() => lab.close());

  const add = (...names: readonly string[]) =>
    ({ kind: 'load', members: names.map(name => lab.member(name)) }) as const;
  const once = (other: () => void): Interrupted => new Interrupted(time => time === 1 && other());
  const replaceIt = (): void => {
    lab.ip('-force', 'link', 'set', 'dev', IFACE, 'xdpdrv', 'obj', lab.file('theirs'), 'sec', 'xdp');
  };
  const detachIt = (): void => lab.ip('link', 'set', 'dev', IFACE, 'xdpdrv', 'off');
  const foreign = { kind: 'foreign', program: { name: 'theirs' } };

  test('every change is one switch', () => {
    const switches = (change: (sys: Sys) => unknown): number => {
      const sys = new Interrupted();
      change(sys);
      return sys.switches;
    };
    expect(switches(sys => lab.change(add('a', 'b', 'c'), {}, sys))).toBe(1);
    expect(
      switches(sys => lab.change({ kind: 'replace', name: 'a', member: lab.member('b') }, {}, sys)),
    ).toBe(1);
    expect(switches(sys => lab.change({ kind: 'order', names: ['c', 'a', 'b'] }, {}, sys))).toBe(1);
    expect(
      switches(sys => lab.change({ kind: 'set', members: [lab.member('a'), lab.member('c')] }, {}, sys)),
    ).toBe(1);
    expect(switches(sys => lab.change({ kind: 'unload', members: ['a'] }, {}, sys))).toBe(1);
    expect(switches(sys => lab.change({ kind: 'unload', members: 'all' }, {}, sys))).toBe(1);
    lab.attachForeign('theirs', 'xdpdrv');
    expect(switches(sys => lab.change(add('a'), { adopt: true }, sys))).toBe(1);
  });

  test('another program in its place: foreign, and not touched', () => {
    lab.load(['a']);
    for (const edit of [
      add('b'),
      { kind: 'unload', members: 'all' } as const,
      { kind: 'replace', name: 'a', member: lab.member('b') } as const,
    ]) {
      lab.reset();
      lab.load(['a']);
      expect([edit.kind, codeOf(() => lab.change(edit, {}, once(replaceIt)))]).toEqual([
        edit.kind,
        'chain-foreign',
      ]);
      expect(lab.read()).toMatchObject(foreign);
    }
    lab.reset();
    expect(codeOf(() => lab.change(add('b'), {}, once(replaceIt)))).toBe('chain-foreign');
    expect([lab.read().kind, lab.entries()]).toEqual(['foreign', []]);
  });

  test('the chain was removed: the change begins with nothing', () => {
    lab.load(['a']);
    const sys = once(detachIt);
    const { notes } = lab.change(add('b'), {}, sys);
    expect([sys.switches, lab.names, lab.judge(0, 3)]).toEqual([2, ['b'], 3]);
    expect(notes.join('\n')).toMatch(/"xdp-va" ran nowhere any more/);
    expect(lab.pinned()).toEqual(['b']);
    lab.unload('all');
    expect(lab.entries()).toEqual([]);
  });

  test('after another tool removed a chain, the next one takes the place of its record', () => {
    lab.load(['a', 'b']);
    detachIt();
    expect(lab.read().kind).toBe('none');
    expect(codeOf(() => lab.order('b', 'a'))).toBe('chain-no-member');
    expect(lab.load(['c']).notes.join('\n')).toMatch(/ran nowhere any more/);
    expect([lab.names, lab.pinned()]).toEqual([['c'], ['c']]);
    detachIt();
    expect(lab.unload('all').notes.join('\n')).toMatch(/ran nowhere any more/);
    expect(lab.entries()).toEqual([]);
    expect(codeOf(() => lab.unload('all'))).toBe('chain-none');
  });

  test('with --force what came meanwhile is replaced', () => {
    const sys = once(replaceIt);
    lab.change(add('a'), { force: true }, sys);
    expect([sys.switches, lab.names]).toEqual([2, ['a']]);
  });

  test('a hook that changes all the time: ten attempts, and nothing is left of them', () => {
    const sys = new Interrupted(replaceIt);
    expect(codeOf(() => lab.change(add('a'), { force: true }, sys))).toMatch(
      /^(hook-changed|kernel-xdp-changed)$/,
    );
    expect(sys.switches).toBe(10);
    expect(lab.read()).toMatchObject(foreign);
    expect(lab.entries()).toEqual([]);
  }, 60_000);
});
