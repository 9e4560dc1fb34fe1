/** Names outside are identities: whatever is plugged in beside a component, its maps are called what its author called them. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS, findCommand, needs } from '../../support/needs.ts';
import { Lab, rowOf } from './lab.ts';
import { firewall, HEAD, rootlet } from './sources.ts';

const P = 'rn_';
const RULES = `${P}rules`;

/** Two maps whose first 15 characters, which are all that the kernel keeps, are equal. */
const alike = `${HEAD}
#define TABLE(name) struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } name SEC(".maps")
TABLE(${P}firewall_blocked_v4);
TABLE(${P}firewall_blocked_v6);
SEC("xdp") int ${P}alike(struct xdp_md *ctx) {
  __u32 key = 0;
  return bpf_map_lookup_elem(&${P}firewall_blocked_v4, &key) && bpf_map_lookup_elem(&${P}firewall_blocked_v6, &key) ? 1 : 2;
}`;

needs('bpf', 'ip', 'clang', 'bpftool').describe('names', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      host: rootlet(P, 3),
      // a rootlet with a map of the name that its components have
      'host-table': rootlet(P, 3, {
        globals: `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } ${RULES} SEC(".maps");`,
        before: `__u32 key = 0; if (bpf_map_lookup_elem(&${RULES}, &key)) verdict = 9;`,
      }),
      allow: firewall(P, 3),
      block: firewall(P, 4),
      alike,
      guard: firewall(P, 3, { pinned: true, map: `${P}blocklist` }),
      'guard.v2': firewall(P, 5, {
        pinned: true,
        map: `${P}blocklist`,
        variables: '__u64 added;',
        code: 'added++;',
      }),
      'guard.larger': firewall(P, 5, { pinned: true, map: `${P}blocklist`, entries: 16 }),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const slot = (number: number, object: string): string => `s${number}=${lab.file(object)}`;
  const bpftool = (...words: readonly string[]): string =>
    execFileSync(findCommand(COMMANDS.bpftool) ?? '', words, { encoding: 'utf8', stdio: 'pipe' });
  /** Keys in the record → names in the kernel. */
  const kernelNames = (): Record<string, string> =>
    Object.fromEntries(
      [...lab.mapIds()].map(([key, id]) => [
        key,
        JSON.parse(bpftool('-j', 'map', 'show', 'id', String(id))).name,
      ]),
    );

  describe.each(['static', 'tail'])('%s', via => {
    test('kernel names are those of the source, whatever the neighbours are', () => {
      lab.attach('host-table', '--slots', via);
      const alone: Record<string, string> = {};
      for (const object of ['allow', 'block', 'alike']) {
        lab.replace('R', slot(1, object));
        Object.assign(alone, kernelNames());
        lab.replace('R', '--reset', 's1');
      }
      lab.replace('R', slot(1, 'allow'), slot(2, 'block'), slot(3, 'alike'));
      const together = kernelNames();
      expect(together).toMatchObject({
        [RULES]: RULES,
        [`allow:${RULES}`]: RULES,
        [`block:${RULES}`]: RULES,
        'allow:.bss': 'allow.bss',
        'allow:.rodata': 'allow.rodata',
        [`alike:${P}firewall_blocked_v4`]: `${P}firewall_blo`.slice(0, 15),
        [`alike:${P}firewall_blocked_v6`]: `${P}firewall_blo`.slice(0, 15),
      });
      for (const [key, name] of Object.entries(together))
        expect([key, name]).toEqual([key, alone[key] ?? name]);
    });

    test('"ps" lists maps by component', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'allow'), slot(2, 'block'));
      const { maps } = lab.entry().record;
      const out = lab.rootlet('ps');
      for (const key of [`allow:${RULES}`, `block:${RULES}`, 'allow:.bss', '.bss']) {
        const id = maps.find(({ name }) => name === key)?.id;
        expect(out).toMatch(new RegExp(`^map +${id} +${key.replaceAll('.', '\\.')} `, 'm'));
      }
    });

    test('a map that is pinned by name is that pinned map, for every version and neighbour', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'guard'), slot(2, 'allow'));
      const pin = join(lab.bpffs, `${P}blocklist`);
      // an agent fills it
      bpftool(
        'map',
        'update',
        'pinned',
        pin,
        'key',
        '1',
        '0',
        '0',
        '0',
        'value',
        '1',
        '0',
        '0',
        '0',
        '0',
        '0',
        '0',
        '0',
      );
      expect(readdirSync(lab.bpffs).filter(name => name.startsWith(P))).toEqual([`${P}blocklist`]);
      const { id } = JSON.parse(bpftool('-j', 'map', 'show', 'pinned', pin));
      expect(lab.mapIds().get(`guard:${P}blocklist`)).toBe(id);
      lab.replace('R', slot(3, 'block'), '--reset', 's2');
      const next = lab.replace('R', slot(1, 'guard.v2'), '--reset', 's3');
      expect(rowOf(next, `guard:${P}blocklist`).kind).toBe('pinned');
      expect(lab.mapIds().get(`guard:${P}blocklist`)).toBe(id);
      expect(lab.judge()).toBe(105);
      lab.replace('R', '--reset', 's1');
      expect(existsSync(pin)).toBe(true);
      lab.replace('R', slot(1, 'guard'));
      expect(lab.mapIds().get(`guard:${P}blocklist`)).toBe(id);
      expect(lab.judge()).toBe(103);
    });

    test('a pinned map of another shape refuses the version', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'guard'));
      const before = [lab.running, lab.tree()];
      expect(lab.refused('replace', 'R', slot(1, 'guard.larger'))).toMatch(/16|entries/);
      expect([lab.running, lab.tree()]).toEqual(before);
      expect(lab.judge()).toBe(3);
    });
  });

  test('a pinned map of an attached program', () => {
    lab.attach('guard');
    const pin = join(lab.bpffs, `${P}blocklist`);
    bpftool(
      'map',
      'update',
      'pinned',
      pin,
      'key',
      '1',
      '0',
      '0',
      '0',
      'value',
      '1',
      '0',
      '0',
      '0',
      '0',
      '0',
      '0',
      '0',
    );
    const next = lab.replace('R', lab.file('guard.v2'));
    expect(rowOf(next, `${P}blocklist`).kind).toBe('pinned');
    expect(lab.judge()).toBe(105);
    expect(lab.refused('replace', 'R', lab.file('guard.larger'))).toMatch(/entries/);
    expect(lab.judge()).toBe(105);
  });

  test('a pinned map of a loaded object', () => {
    lab.rootlet('load', lab.file('guard'), '--name', 'guard');
    const pin = join(lab.bpffs, `${P}blocklist`);
    const { id } = JSON.parse(bpftool('-j', 'map', 'show', 'pinned', pin));
    lab.replace('guard', lab.file('guard.v2'));
    expect(lab.mapIds('object', 'guard').get(`${P}blocklist`)).toBe(id);
  });
});
