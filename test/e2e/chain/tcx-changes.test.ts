/** Chains on TC through the one way in: tcx by default, one filter on request, with packets. */

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type ChainOptions, changeChain } from '../../../src/chain/chains.ts';
import type { ChainEdit, MemberRequest } from '../../../src/chain/model/edit.ts';
import { listChains, readChain } from '../../../src/chain/reading.ts';
import { replace } from '../../../src/dynamic/replace.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { NO_SETTINGS } from '../../../src/state/settings.ts';
import { inputFrom } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { member, TcxLab } from './tcx-lab.ts';

needs('bpf', 'ip', 'clang').describe('changes of chains on TC', () => {
  let lab: TcxLab;
  beforeAll(() => {
    lab = new TcxLab('tcxc');
    lab.compile({ m1: member(1), m2: member(2), m3: member(3), 'm2.v2': member(5, { program: 'm2' }) });
  });
  afterAll(() => lab.close());
  afterEach(() => {
    lab.reset();
    lab.dropFilters();
  });

  const request = (name: string, more: Partial<MemberRequest> = {}): MemberRequest => ({
    file: new InputObject(inputFrom(`${lab.directory}/${name}.o`)),
    ...more,
  });
  const change = (edit: ChainEdit, options: ChainOptions = {}) =>
    lab.inside(() => changeChain(lab.context, lab.hook(), edit, options));
  const load = (...members: readonly MemberRequest[]): ChainEdit => ({ kind: 'load', members });
  const order = (): string[] =>
    lab.inside(() => readChain(lab.context, lab.hook())).members.map(({ name }) => name);
  const code = (expected: string) => expect.objectContaining({ code: expected });

  test('tcx is chosen where the kernel has it; priorities order members; all edits', () => {
    const loaded = change(load(request('m3', { priority: 30 }), request('m1', { priority: 10 })));
    expect(loaded).toMatchObject({
      changed: true,
      via: 'tcx',
      before: { kind: 'none' },
      after: { via: 'tcx' },
    });
    change(load(request('m2', { priority: 20 })));
    expect(order()).toEqual(['m1', 'm2', 'm3']);
    lab.send();
    expect(lab.stat('m3', 'last')).toBe(123);
    const replaced = change({ kind: 'replace', name: 'm2', member: request('m2.v2') });
    expect(replaced.state.map(({ key, kind }) => `${key} ${kind}`)).toContain('m2:hits reuse');
    expect(change({ kind: 'order', names: ['m3', 'm1', 'm2'] }).notes.join()).toContain('"m3"');
    lab.send();
    expect(lab.stat('m2', 'last')).toBe(315);
    const again: ChainEdit = { kind: 'order', names: ['m3', 'm1', 'm2'] };
    expect(change(again).changed).toBe(false);
    const id = lab.rows()[1]?.programId ?? 0;
    change({ kind: 'unload', members: [id] });
    expect(order()).toEqual(['m3', 'm2']);
    expect(() => change({ kind: 'unload', members: ['m1'] })).toThrow(code('chain-no-member'));
    expect(change({ kind: 'unload', members: 'all' }).after).toMatchObject({ kind: 'none', members: [] });
    expect(() => change({ kind: 'unload', members: 'all' })).toThrow(code('chain-none'));
    expect(lab.rows()).toEqual([]);
  });

  test('a declared chain is idempotent, and a dry run changes nothing', () => {
    const set: ChainEdit = { kind: 'set', members: [request('m1'), request('m2', { priority: 60 })] };
    const dry = change(set, { dryRun: true });
    expect(dry).toMatchObject({ changed: true, after: { kind: 'chain', via: 'tcx' } });
    expect(dry.after.members.map(({ name, continueOn }) => [name, continueOn])).toEqual([
      ['m1', [-1]],
      ['m2', [-1]],
    ]);
    expect(lab.rows()).toEqual([]);
    change(set);
    const rows = lab.rows();
    expect(change(set).changed).toBe(false);
    expect(lab.rows()).toEqual(rows);
    change({ kind: 'set', members: [request('m2', { priority: 60 })] });
    expect(lab.rows()).toEqual(rows.slice(1));
  });

  test('programs of other tools need no --force, and are not unloaded', () => {
    const others = lab.foreign(1);
    change(load(request('m1')));
    expect(order()).toEqual(['other', 'm1']);
    expect(() => change({ kind: 'unload', members: ['other'] })).toThrow(code('chain-no-member'));
    change({ kind: 'unload', members: 'all' });
    expect(order()).toEqual(['other']);
    expect(() => change({ kind: 'unload', members: 'all' })).toThrow(code('chain-none'));
    others.close();
  });

  test('what tcx does not have is refused; another back end needs an empty hook', () => {
    expect(() => change(load(request('m1')), { failClosed: true })).toThrow(code('chain-option'));
    expect(() => change(load(request('m1')), { mode: 'native' })).toThrow(code('chain-option'));
    expect(change(load(request('m1')), { adopt: true }).notes.join()).toContain('nothing is adopted');
    expect(() => change(load(request('m2')), { via: 'static' })).toThrow(code('chain-option'));
    change({ kind: 'unload', members: 'all' });
    change(load(request('m1')), { via: 'static' });
    expect(lab.rows()).toEqual([]);
    expect(change(load(request('m2'))).via).toBe('static');
    expect(() => change(load(request('m3')), { via: 'tcx' })).toThrow(code('chain-option'));
    const listed = lab.inside(() => listChains(lab.context, 'tc')).filter(({ kind }) => kind === 'chain');
    expect(listed.map(({ via, hook }) => [via, hook.interface, hook.direction])).toEqual([
      ['static', 'va', 'ingress'],
    ]);
  });

  test('a pin that was removed by hand: one clear line, the hook is untouched, and unload is the way out', async () => {
    change(load(request('m1'), request('m2')));
    lab.removePin('m1', 'link_hook');
    // the kernel ends the link a moment after its last pin
    await vi.waitFor(() => expect(lab.order()).toEqual(['m2', 'm1 (lost)']), 5_000);
    const rows = lab.rows();
    expect(() => change(load(request('m3')))).toThrow(code('store-pin'));
    expect(lab.rows()).toEqual(rows);
    change({ kind: 'unload', members: ['m1'] });
    change(load(request('m1')));
    expect(order()).toEqual(['m1', 'm2']);
  });

  test('"replace" of the entry of a member is refused: a wrapper would be lost', () => {
    change(load(request('m1', { continueOn: ['pipe'] })));
    const version = { input: request('m1').file };
    const replaceEntry = () =>
      replace(lab.context.store, 'hook', 'tc-va-ingress-m1', { version, options: {} });
    expect(replaceEntry).toThrow(code('relink-generated'));
  });

  /** By the rule of filters: OK, SHOT, STOLEN, TRAP and REDIRECT are final. */
  const FINAL = [0, 2, 4, 7, 8];
  test.each([-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 77])('one filter: verdict %i', verdict => {
    const settings = { ...NO_SETTINGS, globals: new Map([['verdict', verdict]]) };
    const seen = (continueOn: readonly string[] | undefined): number => {
      const first = request('m1', { settings, ...(continueOn === undefined ? {} : { continueOn }) });
      change({ kind: 'set', members: [first, request('m3')] }, { via: 'static' });
      lab.send();
      const count = lab.wordOf('tc-va-ingress', 'm3:hits');
      change({ kind: 'unload', members: 'all' });
      return count;
    };
    expect(seen(undefined)).toBe(FINAL.includes(verdict) ? 0 : 1);
    expect(seen([String(verdict)])).toBe(1);
    expect(seen([verdict === -1 ? 'pipe' : 'unspec'])).toBe(0);
    expect(seen([])).toBe(0);
  });
});
