/** tcx chains on this kernel, with packets: order, verdicts, versions, places, programs of other tools. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { ip, member, TcxLab } from './tcx-lab.ts';

needs('bpf', 'ip', 'clang').describe('tcx chains', () => {
  let lab: TcxLab;
  beforeAll(() => {
    lab = new TcxLab('tcx');
    lab.compile({
      m1: member(1),
      m2: member(2),
      m3: member(3),
      m4: member(4, { need: 2 }),
      m2v2: member(5, { program: 'm2' }),
      broken: member(9, {
        more: 'int *wild; int __attribute__((noinline)) bad(void) { return *wild; }',
      }).replace('return verdict;', 'return bad();'),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const named = (...names: readonly string[]) => names.map(name => ({ name }));

  test('members run in the order of the design, each an entry of its own', () => {
    expect(lab.order()).toEqual([]);
    expect(lab.read().state.kind).toBe('none');
    const { steps, state } = lab.apply(named('m1', 'm2', 'm3'));
    expect(steps.map(({ kind }) => kind)).toEqual(['load', 'load', 'load']);
    expect(state).toEqual([]);
    expect(lab.order()).toEqual(['m1', 'm2', 'm3']);
    lab.send();
    expect(lab.stat('m3', 'last')).toBe(123);
    const found = lab.read().state;
    expect(found).toMatchObject({ kind: 'chain', via: 'tcx', problems: [] });
    expect(found.members.map(one => [one.program, one.file, one.priority, one.continueOn])).toEqual([
      ['m1', 'm1.o', 10, [-1]],
      ['m2', 'm2.o', 20, [-1]],
      ['m3', 'm3.o', 30, [-1]],
    ]);
    expect(lab.apply(named('m1', 'm2', 'm3')).steps).toEqual([]);
  });

  test('a new member goes next to the others, and leaves their programs and links alone', () => {
    lab.apply([
      { name: 'm1', priority: 10 },
      { name: 'm3', priority: 30 },
    ]);
    const before = lab.rows();
    lab.apply([
      { name: 'm1', priority: 10 },
      { name: 'm2', priority: 20 },
      { name: 'm3', priority: 30 },
    ]);
    expect(lab.order()).toEqual(['m1', 'm2', 'm3']);
    const after = lab.rows();
    expect([after[0], after[2]]).toEqual(before);
    lab.apply([
      { name: 'm1', priority: 10 },
      { name: 'm3', priority: 30 },
    ]);
    expect(lab.rows()).toEqual(before);
    lab.apply([]);
    expect(lab.rows()).toEqual([]);
    expect(lab.context.store.list()).toEqual([]);
  });

  test('replacement keeps place, link and state; settings and verdicts are differences of their own', () => {
    lab.apply(named('m1', 'm2', 'm3'));
    lab.send();
    const before = lab.rows();
    const { steps, state } = lab.apply([{ name: 'm1' }, { name: 'm2', object: 'm2v2' }, { name: 'm3' }]);
    expect(steps).toEqual([{ kind: 'replace', name: 'm2' }]);
    expect(state.map(({ key, component, kind }) => [key, component, kind])).toContainEqual([
      'm2:hits',
      'm2',
      'reuse',
    ]);
    const after = lab.rows();
    expect(after.map(({ linkId }) => linkId)).toEqual(before.map(({ linkId }) => linkId));
    expect(after[1]?.programId).not.toBe(before[1]?.programId);
    lab.send();
    expect(lab.hits('m2')).toBe(2);
    expect(lab.stat('m3', 'last')).toBe(153);
    const shot = [{ name: 'm1' }, { name: 'm2', object: 'm2v2', set: { verdict: 2 } }, { name: 'm3' }];
    expect(lab.apply(shot).steps).toEqual([{ kind: 'replace', name: 'm2' }]);
    lab.send();
    expect([lab.hits('m2'), lab.hits('m3')]).toEqual([3, 2]);
    expect(lab.apply(shot).steps).toEqual([]);
    expect(lab.apply(shot, { fresh: ['m2'] }).state).toContainEqual(
      expect.objectContaining({ key: 'm2:hits', kind: 'reset' }),
    );
    expect(lab.hits('m2')).toBe(0);
    expect(() => lab.apply(shot, { fresh: ['m9'] })).toThrow(
      expect.objectContaining({ code: 'chain-no-member' }),
    );
  });

  test('another order moves as few members as possible, with their state', () => {
    lab.apply(named('m1', 'm2', 'm3', 'm4'));
    lab.send();
    const before = lab.rows();
    const { steps, notes } = lab.apply(named('m4', 'm1', 'm2', 'm3'));
    expect(steps).toContainEqual({ kind: 'move', name: 'm4', differs: false });
    expect(steps.filter(({ kind }) => kind === 'move')).toHaveLength(1);
    expect(notes.join()).toContain('"m4": loaded a second time');
    expect(lab.order()).toEqual(['m4', 'm1', 'm2', 'm3']);
    expect(lab.rows().slice(1)).toEqual(before.slice(0, 3));
    lab.send();
    expect(lab.stat('m3', 'last')).toBe(4123);
    expect(lab.hits('m4')).toBe(2);
    lab.apply(named('m3', 'm2', 'm1', 'm4'));
    expect(lab.order()).toEqual(['m3', 'm2', 'm1', 'm4']);
    lab.send();
    expect(lab.stat('m4', 'last')).toBe(3214);
    expect(lab.rows()).toHaveLength(4);
  });

  test('a member that the verifier refuses changes nothing, also beside others', () => {
    lab.apply(named('m1', 'm2'));
    const before = [lab.rows(), lab.context.store.list().map(({ name }) => name)];
    const next = [
      { name: 'm3' },
      { name: 'm2', object: 'm2v2' },
      { name: 'broken', program: 'm9' },
      { name: 'm1' },
    ];
    expect(() => lab.apply(next)).toThrow(expect.objectContaining({ code: 'kernel-verifier-refused' }));
    const missing = [{ name: 'm3' }, { name: 'm1' }, { name: 'm2', program: 'm9' }];
    expect(() => lab.apply(missing)).toThrow(expect.objectContaining({ code: 'attach-program' }));
    expect([lab.rows(), lab.context.store.list().map(({ name }) => name)]).toEqual(before);
  });

  test('a dry run changes nothing', () => {
    lab.apply(named('m1', 'm2'));
    lab.send();
    const before = lab.rows();
    const next = [{ name: 'm3' }, { name: 'm2', object: 'm2v2' }, { name: 'm4' }];
    const { steps, state } = lab.apply(next, { dryRun: true });
    expect(steps.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'load m3',
      'replace m2',
      'load m4',
      'unload m1',
    ]);
    expect(state.map(({ key }) => key)).toContain('m2:hits');
    expect(lab.rows()).toEqual(before);
  });

  const ACTIONS = {
    unspec: -1,
    ok: 0,
    reclassify: 1,
    shot: 2,
    pipe: 3,
    stolen: 4,
    queued: 5,
    repeat: 6,
    redirect: 7,
    trap: 8,
  };

  test.each(Object.entries(ACTIONS))('%s continues where it is given, and nowhere else', (_, verdict) => {
    const first = (on: readonly number[] | undefined) => ({
      name: 'm1',
      set: { verdict },
      ...(on === undefined ? {} : { on }),
    });
    const runsNext = (on: readonly number[] | undefined): boolean => {
      lab.apply([first(on), { name: 'm3' }]);
      const before = lab.hits('m3');
      lab.send();
      return lab.hits('m3') > before;
    };
    expect(runsNext(undefined)).toBe(verdict === -1);
    expect(runsNext([verdict])).toBe(true);
    expect(runsNext([-1, verdict])).toBe(true);
    expect(runsNext(Object.values(ACTIONS).filter(other => other !== verdict))).toBe(false);
    expect(runsNext([])).toBe(false);
    expect(lab.hits('m1')).toBe(5);
    expect(lab.read().state.members[0]).toMatchObject({ name: 'm1', program: 'm1', continueOn: [] });
    expect(lab.read().state.members[0]?.loaded?.name).toBe('m1');
  });

  test('programs of other tools stay where they are', () => {
    const others = lab.foreign(2);
    lab.apply(named('m1', 'm2'));
    expect(lab.read().state.members.map(({ name, foreign = false }) => [name, foreign])).toEqual([
      ['other', true],
      ['other-2', true],
      ['m1', false],
      ['m2', false],
    ]);
    lab.apply(named('m3', 'm2', 'm1'));
    expect(lab.order()).toEqual(['other', 'other-2', 'm3', 'm2', 'm1']);
    lab.apply([]);
    expect(lab.rows().map(({ linkId }) => linkId)).toEqual(others.ids);
    expect(lab.read().state).toMatchObject({ kind: 'foreign', via: null });
    expect(lab.read().design.members).toEqual([]);
    others.close();
  });

  test('the hook takes 63 programs: one more is refused before anything is loaded', () => {
    const others = lab.foreign(61);
    lab.apply(named('m1', 'm2'));
    const before = lab.rows();
    const full = expect.objectContaining({ code: 'chain-back-end' });
    expect(() => lab.apply(named('m1', 'm2', 'm3'))).toThrow(full);
    expect(() => lab.apply(named('m2', 'm1'))).toThrow(full);
    expect(lab.apply([{ name: 'm1' }, { name: 'm2', object: 'm2v2' }]).steps).toHaveLength(1);
    expect(lab.rows().map(({ linkId }) => linkId)).toEqual(before.map(({ linkId }) => linkId));
    others.close();
  });

  test('a link that ended is shown, and attached again by the next change', () => {
    lab.apply(named('m1', 'm2', 'm3'));
    lab.send();
    lab.detach(lab.rows()[1]?.linkId ?? 0);
    expect(lab.order()).toEqual(['m1', 'm3', 'm2 (lost)']);
    const { state, design } = lab.read();
    expect(state.problems.map(({ code }) => code)).toEqual(['attach-gone']);
    expect(design.members.map(({ name }) => name)).toEqual(['m1', 'm2', 'm3']);
    lab.apply(named('m1', 'm2', 'm3'));
    expect(lab.order()).toEqual(['m1', 'm2', 'm3']);
    lab.send();
    expect([lab.hits('m2'), lab.stat('m3', 'last')]).toEqual([2, 123]);
    lab.detach(lab.rows()[1]?.linkId ?? 0);
    lab.apply(named('m1', 'm3'));
    expect(lab.context.store.list().map(({ name }) => name)).toEqual([
      'tc-va-ingress-m1',
      'tc-va-ingress-m3',
    ]);
  });

  test('renamed, moved and deleted interfaces', () => {
    lab.link('vx', 'vy', 78);
    lab.apply(named('m1', 'm2'), {}, 'vx');
    ip('-n', lab.near, 'link', 'set', 'vx', 'down');
    ip('-n', lab.near, 'link', 'set', 'vx', 'name', 'vz');
    expect(lab.order('vz')).toEqual(['m1', 'm2']);
    lab.apply(named('m2', 'm1'), {}, 'vz');
    expect(lab.order('vz')).toEqual(['m2', 'm1']);
    expect(lab.order()).toEqual([]);
    ip('-n', lab.near, 'link', 'set', 'vz', 'netns', lab.far);
    expect(lab.orderIn(lab.far, 'vz')).toEqual(['m2', 'm1']);
    expect([lab.clean(), lab.clean({ dryRun: true })]).toEqual([[], []]);
    ip('-n', lab.far, 'link', 'del', 'vz');
    expect(lab.clean()).toEqual(['hook "tc-vx-ingress-m1"', 'hook "tc-vx-ingress-m2"']);
    expect(lab.clean()).toEqual([]);
    expect(lab.context.store.list()).toEqual([]);
  });

  test('nothing that runs is cleaned, and the hooks of another namespace are not read', () => {
    lab.apply(named('m1'));
    expect(lab.clean()).toEqual([]);
    expect(lab.cleanHere()).toEqual([]);
    const hook = lab.inside(() => lab.hook());
    expect(() => lab.readHere(hook)).toThrow(expect.objectContaining({ code: 'attach-other-netns' }));
    expect(lab.order()).toEqual(['m1']);
  });
});
