/** Settings belong to an entry and to the component that they were given for, and stay until they are given again. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { Lab } from './lab.ts';
import { firewall, HEAD, rootlet } from './sources.ts';

const P = 'rg_';
const RULES = `${P}rules`;

/** `limit` is a constant, `level` a variable; the verdict is their sum. */
const limited = (limit: number, more = ''): string => `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } ${RULES} SEC(".maps");
const volatile __u32 limit = ${limit};
__u32 level;
${more}
SEC("xdp") int ${P}limit(struct xdp_md *ctx) {
  __u32 key = 0;
  return bpf_map_lookup_elem(&${RULES}, &key) ? 0 : limit + level;
}`;

needs('bpf', 'ip', 'clang').describe('settings', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      host: rootlet(P, 2, {
        globals: 'const volatile __u32 least = 0;',
        before: 'if (least) verdict = least;',
      }),
      'host.v2': rootlet(P, 2, {
        globals: 'const volatile __u32 least = 0; __u64 added;',
        before: 'added++; if (least) verdict = least;',
      }),
      low: limited(10),
      'low.v2': limited(20, '__u64 added;'),
      'low.without': limited(20).replaceAll('limit', 'bound').replaceAll(`${P}bound`, `${P}limit`),
      'low.renamed': limited(20).replaceAll(RULES, `${P}table`),
      high: limited(30),
      other: firewall(P, 40),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const slot = (number: number, object: string): string => `s${number}=${lab.file(object)}`;
  const sizeOf = (key: string): number => lab.withMap(key, map => map.maxEntries);

  test('--via of a rootlet is --slots; a back end of externs is refused', () => {
    lab.attach('host');
    expect(lab.replace('R', slot(1, 'low'), '--via', 'tail').via).toBe('tail');
    expect(lab.replace('R', slot(1, 'high'), '--via', 'static').via).toBe('static');
    expect(lab.refused('replace', 'R', slot(1, 'low'), '--via', 'copy')).toMatch(
      /--via copy binds externs.*\n.*--slots ext, --slots tail or --slots static/,
    );
    expect(lab.judge()).toBe(30);
  });

  describe.each(['static', 'tail'])('%s', via => {
    test('a constant reaches its component alone, and survives neighbours, slots and versions', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'low'), '--set', 'limit=11');
      expect(lab.judge()).toBe(11);
      const beside = lab.replace('R', slot(2, 'high'));
      expect(beside.settings).toEqual([{ component: 'low', variable: 'limit', value: 11 }]);
      expect(lab.judge()).toBe(30);
      lab.replace('R', '--order', `${lab.file('high')},${lab.file('low')}`);
      expect(lab.judge()).toBe(11);
      lab.replace('R', slot(2, 'low.v2'));
      expect(lab.judge()).toBe(11);
      lab.replace('R', '--set', 'high:limit=31');
      expect(lab.judge()).toBe(11);
      lab.replace('R', '--reset', 's2');
      expect(lab.judge()).toBe(31);
      const again = lab.replace('R', slot(1, 'low'));
      // it had left, with its settings; those of the one that it takes over from were not given for it
      expect(again.settings).toEqual([]);
      expect(again.droppedSettings).toEqual([expect.stringMatching(/^high:limit/)]);
      expect(lab.judge()).toBe(10);
    });

    test('a name that several components have has to be qualified', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'low'), slot(2, 'high'));
      expect(lab.refused('replace', 'R', '--set', 'limit=5')).toMatch(
        /several components have a variable "limit"\n.*low:limit, high:limit/,
      );
      expect(lab.refused('replace', 'R', '--set', 'nothing=5')).toMatch(/no variable "nothing"/);
      expect(lab.refused('replace', 'R', slot(1, 'other'), '--set', 'limit=5')).toMatch(
        /no variable "limit" in/,
      );
      expect(lab.judge()).toBe(30);
    });

    test('a value for a variable: on a map that stays, it goes before what the map holds', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'low'), '--set', 'level=3');
      expect(lab.judge()).toBe(13);
      const id = lab.mapIds().get('low:.bss');
      const result = lab.replace('R', '--set', 'low:level=4');
      expect(result.settings).toEqual([{ component: 'low', variable: 'level', value: 4 }]);
      expect(lab.judge()).toBe(14);
      expect(lab.mapIds().get('low:.bss')).toBe(id);
      // what the program (or an operator) wrote since is state, and is not set back
      lab.withMap('low:.bss', map => map.update(new Uint8Array(4), new Uint8Array([9, 0, 0, 0])));
      lab.replace('R', slot(2, 'other'));
      lab.replace('R', '--reset', 's2');
      lab.replace('R', slot(1, 'low.v2'));
      expect(lab.judge()).toBe(29);
    });

    test('sizes of maps survive, are listed, and reach one component', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'low'), slot(2, 'high'), '--max-entries', `low:${RULES}=64`);
      expect([sizeOf(`low:${RULES}`), sizeOf(`high:${RULES}`)]).toEqual([64, 8]);
      lab.put(`low:${RULES}`, 5, 5);
      lab.replace('R', slot(1, 'low.v2'));
      expect(sizeOf(`low:${RULES}`)).toBe(64);
      expect(lab.get(`low:${RULES}`, 5)).toBe(5);
      const { settings } = lab.replace('R');
      expect(settings).toEqual([{ component: 'low', map: RULES, maxEntries: 64 }]);
      const renamed = lab.replace('R', slot(1, 'low.renamed'));
      expect(renamed.droppedSettings).toEqual([
        expect.stringMatching(new RegExp(`map "${RULES}" is not in`)),
      ]);
      expect(renamed.settings).toEqual([]);
    });

    test('a setting whose variable, or component, is gone is dropped with a line', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'low'), slot(2, 'high'), '--set', 'low:limit=11', '--set', 'high:limit=31');
      expect(lab.rootlet('replace', 'R', slot(1, 'low.without'))).toMatch(
        /setting dropped: variable "limit" is not in ".*low\.without\.o"/,
      );
      const out = lab.rootlet('replace', 'R', '--reset', 's2');
      expect(out).toMatch(/setting dropped: high:limit: the component is gone/);
      expect(out).not.toMatch(/^settings:/m);
    });

    test('settings of the rootlet itself survive its next version and its components', () => {
      lab.attach('host', '--slots', via, '--set', 'least=7');
      expect(lab.judge()).toBe(7);
      lab.replace('R', slot(1, 'low'), '--set', 'limit=11');
      expect(lab.judge()).toBe(11);
      const next = lab.replace('R', lab.file('host.v2'));
      expect(next.settings).toEqual([
        { component: null, variable: 'least', value: 7 },
        { component: 'low', variable: 'limit', value: 11 },
      ]);
      expect(next.via).toBe(via);
      expect(lab.judge()).toBe(11);
      lab.replace('R', '--reset', 's1');
      expect(lab.judge()).toBe(7);
    });

    test('the back end stays until it is given again', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'low'), '--set', 'limit=11');
      expect(lab.replace('R', slot(2, 'other')).via).toBe(via);
      const other = via === 'static' ? 'tail' : 'static';
      const changed = lab.replace('R', '--slots', other);
      expect(changed.via).toBe(other);
      expect(changed.settings).toEqual([{ component: 'low', variable: 'limit', value: 11 }]);
      expect(lab.replace('R', '--reset', 's2').via).toBe(other);
      expect(lab.judge()).toBe(11);
    });
  });

  test('of an attached program: kept by new versions, dropped with a line', () => {
    lab.attach('low', '--set', 'limit=11', '--max-entries', `${RULES}=64`);
    const next = lab.replace('R', lab.file('low.v2'));
    expect(next.settings).toEqual([
      { component: null, variable: 'limit', value: 11 },
      { component: null, map: RULES, maxEntries: 64 },
    ]);
    expect([lab.judge(), sizeOf(RULES)]).toEqual([11, 64]);
    expect(lab.rootlet('replace', 'R', lab.file('low.without'))).toMatch(
      /setting dropped: variable "limit" is not in/,
    );
    expect(sizeOf(RULES)).toBe(64);
    lab.replace('R', lab.file('low'), '--set', 'level=2');
    expect(lab.judge()).toBe(12);
  });

  test('of a loaded object', () => {
    lab.rootlet(
      'load',
      lab.file('low'),
      '--name',
      'low',
      '--set',
      'limit=11',
      '--max-entries',
      `${RULES}=64`,
    );
    const next = lab.replace('low', lab.file('low.v2'));
    expect(next.settings).toEqual([
      { component: null, variable: 'limit', value: 11 },
      { component: null, map: RULES, maxEntries: 64 },
    ]);
    const dropped = lab.replace('low', lab.file('low.renamed'));
    expect(dropped.droppedSettings).toEqual([expect.stringMatching(`map "${RULES}" is not in`)]);
  });
});
