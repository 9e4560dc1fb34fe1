/** Who inherits from whom: one to one, by the component's name first, whatever slots and versions it has. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { Lab, rowOf } from './lab.ts';
import { firewall, rootlet } from './sources.ts';

const P = 'ri_';
const RULES = `${P}rules`;
const GROWN = { variables: '__u64 first;', code: 'first++;' };

needs('bpf', 'ip', 'clang').describe('inheritance', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      host: rootlet(P, 3),
      allow: firewall(P, 3),
      'allow.v2': firewall(P, 4),
      'allow.grown': firewall(P, 5, GROWN),
      block: firewall(P, 6),
      'block.v2': firewall(P, 7),
      'block.grown': firewall(P, 8, GROWN),
      third: firewall(P, 9),
      'other-map': firewall(P, 9, { map: `${P}table` }),
      'left/fw': firewall(P, 3),
      'right/fw': firewall(P, 4),
      'left/v2/fw': firewall(P, 5),
      'right/v2/fw': firewall(P, 6),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const slot = (number: number, object: string): string => `s${number}=${lab.file(object)}`;
  const judge = (times: number): void => {
    for (let count = 0; count < times; count++) lab.judge();
  };
  /** Attaches with components in s1, s2, … and gives each component's map of rules a rule of its own. */
  function start(via: string, ...objects: readonly string[]): void {
    lab.attach('host', '--slots', via);
    lab.replace('R', ...objects.map((object, at) => slot(at + 1, object)));
    for (const [at, key] of ruleMaps().entries()) lab.put(key, 100 + at, 7);
  }
  const ruleMaps = (): string[] => [...lab.mapIds().keys()].filter(key => key.endsWith(`:${RULES}`)).sort();
  const idOf = (key: string): number | undefined => lab.mapIds().get(key);
  const slots = () => lab.replace('R').slots.map(({ component }) => component);

  describe.each(['static', 'tail'])('%s', via => {
    test('order and versions change in one command: each keeps its own rules and counters', () => {
      start(via, 'allow', 'block');
      judge(3);
      const before = lab.mapIds();
      lab.replace('R', '--order', `${lab.file('block.v2')},${lab.file('allow.v2')}`);
      expect(slots()).toEqual(['block', 'allow', null, null]);
      for (const component of ['allow', 'block'])
        expect([component, idOf(`${component}:${RULES}`)]).toEqual([
          component,
          before.get(`${component}:${RULES}`),
        ]);
      expect(lab.get(`allow:${RULES}`, 100)).toBe(7);
      expect(lab.get(`allow:${RULES}`, 101)).toBeUndefined();
      expect(lab.get(`block:${RULES}`, 101)).toBe(7);
      expect([lab.word('allow:.bss'), lab.word('block:.bss')]).toEqual([3, 3]);
      expect(lab.judge()).toBe(4); // the verdict of the last one
      expect([lab.word('allow:.bss'), lab.word('block:.bss')]).toEqual([4, 4]);
    });

    test('two components change places, each with a new version of another layout', () => {
      start(via, 'allow', 'block');
      judge(2);
      const result = lab.replace('R', slot(1, 'block.grown'), slot(2, 'allow.grown'));
      expect(rowOf(result, 'allow:.bss')).toMatchObject({ kind: 'migrate', variables: ['seen'], from: null });
      expect(rowOf(result, 'block:.bss')).toMatchObject({ kind: 'migrate', variables: ['seen'], from: null });
      expect(rowOf(result, `allow:${RULES}`)).toMatchObject({ kind: 'reuse', from: null });
      expect(lab.get(`allow:${RULES}`, 100)).toBe(7);
      expect(lab.get(`block:${RULES}`, 101)).toBe(7);
    });

    test('a component in two slots that is replaced by two others has one heir', () => {
      start(via, 'third', 'third');
      judge(1);
      const result = lab.replace('R', slot(1, 'allow'), slot(2, 'block'));
      const rows = ['allow', 'block'].map(component => rowOf(result, `${component}:${RULES}`));
      expect(rows.map(({ kind, from }) => [kind, from])).toEqual([
        ['reuse', 'third'],
        ['new', null],
      ]);
      expect(idOf(`allow:${RULES}`)).not.toBe(idOf(`block:${RULES}`));
      expect(idOf('allow:.bss')).not.toBe(idOf('block:.bss'));
      judge(1);
      expect([lab.word('allow:.bss'), lab.word('block:.bss')]).toEqual([3, 1]);
    });

    test('two components that leave for one: it inherits from that of its slot alone', () => {
      start(via, 'allow', 'block');
      judge(2);
      const result = lab.replace('R', slot(2, 'third'), '--reset', 's1');
      expect(rowOf(result, `third:${RULES}`)).toMatchObject({ kind: 'reuse', from: 'block' });
      expect(rowOf(result, `allow:${RULES}`)).toMatchObject({
        kind: 'dropped',
        reason: 'allow no longer fills a slot',
      });
      expect(rowOf(result, 'allow:.bss')).toMatchObject({ kind: 'dropped' });
      expect(lab.get(`third:${RULES}`, 101)).toBe(7);
    });

    test('a component with other maps inherits nothing, and all that goes is listed', () => {
      start(via, 'allow');
      judge(1);
      const result = lab.replace('R', slot(1, 'other-map'));
      expect(result.state.filter(({ kind }) => kind === 'dropped').map(({ key }) => key)).toEqual([
        `allow:${RULES}`,
        'allow:.bss',
      ]);
      expect(lab.word('other-map:.bss')).toBe(0);
    });

    test('files of one name from two directories are two components', () => {
      start(via, 'left/fw', 'right/fw');
      expect(slots()).toEqual(['fw', 'fw-2', null, null]);
      expect(ruleMaps()).toHaveLength(2);
      judge(2);
      const left = idOf(`fw:${RULES}`);
      const right = idOf(`fw-2:${RULES}`);
      expect(left).not.toBe(right);
      // they change places
      lab.replace('R', slot(1, 'right/fw'), slot(2, 'left/fw'));
      expect(slots()).toEqual(['fw-2', 'fw', null, null]);
      expect([idOf(`fw:${RULES}`), idOf(`fw-2:${RULES}`)]).toEqual([left, right]);
      // new versions from other directories: by the slots
      lab.replace('R', slot(1, 'right/v2/fw'), slot(2, 'left/v2/fw'));
      expect(slots()).toEqual(['fw-2', 'fw', null, null]);
      expect([idOf(`fw:${RULES}`), idOf(`fw-2:${RULES}`)]).toEqual([left, right]);
      expect([lab.word('fw:.bss'), lab.word('fw-2:.bss')]).toEqual([2, 2]);
    });

    test('neighbours with equal maps share none', () => {
      start(via, 'allow', 'block', 'third');
      const ids = [...lab.mapIds()].filter(([key]) => key.endsWith(RULES) || key.endsWith('.bss'));
      expect(new Set(ids.map(([, id]) => id)).size).toBe(ids.length);
      expect(ids).toHaveLength(7); // three of each, and the rootlet's .bss
      judge(4);
      expect(['allow', 'block', 'third'].map(one => lab.word(`${one}:.bss`))).toEqual([4, 4, 4]);
      expect(lab.word('.bss')).toBe(4);
    });

    test.each([
      ['equal', 'allow.v2', { rolled: 6, back: 8 }],
      // what one version counts in a layout of its own cannot be added to what the other one counts: it is listed
      ['grown', 'allow.grown', { rolled: 5, back: 6 }],
    ] as const)(
      'a component in two slots is rolled slot by slot, and back (%s layout)',
      (layout, next, counts) => {
        start(via, 'allow', 'allow');
        judge(2);
        expect(lab.word('allow:.bss')).toBe(4);
        const rules = idOf(`allow:${RULES}`);
        const dropped = layout === 'equal' ? [] : ['allow@1:.bss'];
        const rollAll = (object: string): void => {
          const first = lab.replace('R', slot(1, object));
          expect(slots()).toEqual(['allow', 'allow', null, null]);
          expect(rowOf(first, `allow:${RULES}`).kind).toBe('reuse');
          judge(1);
          const second = lab.replace('R', slot(2, object));
          expect(second.state.filter(({ kind }) => kind === 'dropped').map(({ key }) => key)).toEqual(
            dropped,
          );
          expect(idOf(`allow:${RULES}`)).toBe(rules);
          expect(ruleMaps()).toEqual([`allow:${RULES}`]);
        };
        rollAll(next);
        expect(lab.word('allow:.bss')).toBe(counts.rolled);
        rollAll('allow');
        expect(lab.word('allow:.bss')).toBe(counts.back);
        expect(lab.get(`allow:${RULES}`, 100)).toBe(7);
      },
    );
  });
});
