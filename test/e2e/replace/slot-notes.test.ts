/** What `replace` takes into slots that are called like programs, and what it reports of it: as `relink` does. */

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { stripped } from '../../support/without-types.ts';
import { Lab } from './lab.ts';
import { HEAD, rootlet } from './sources.ts';

const P = 'sn_';
const LIBXDP = `struct { int (*priority)[5]; int (*XDP_DROP)[1]; } config SEC(".xdp_run_config") = {};`;

needs('bpf', 'ip', 'clang').describe('entry points in slots', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      host: rootlet(P, 2),
      spelled: `${HEAD} SEC("xdp") long ${P}one(void *ctx) { return 3; }`,
      bare: `${HEAD} SEC("xdp") int ${P}one(struct xdp_md *ctx) { return 3; }`,
      section: `${HEAD} SEC("anything") int ${P}one(struct xdp_md *ctx) { return 3; }`,
      jumbo: `${HEAD} SEC("xdp.frags") int ${P}one(struct xdp_md *ctx) { return 3; }`,
      unlicensed: `${HEAD.replace(/char _license.*/, '')} SEC("xdp") int ${P}one(struct xdp_md *ctx) { return 3; }`,
      libxdp: `${HEAD} ${LIBXDP.replace('config', `_${P}one`)} SEC("xdp") int ${P}one(struct xdp_md *ctx) { return 3; }`,
    });
    const file = lab.file('bare');
    writeFileSync(file, stripped({ name: file, bytes: readFileSync(file) }).bytes);
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const notesOf = (...words: readonly string[]): readonly string[] =>
    JSON.parse(lab.rootlet(...words, '--json')).notes;

  test.each(['static', 'tail'])('by %s, planned and done', via => {
    const expected = {
      spelled: [],
      bare: [/bare\.o has no BTF for "sn_one": it could not be checked whether "sn_one" fits slot "s1"$/],
      section: [
        /section\.o: program "sn_one" is linked as xdp, since its section "anything" does not specify a type$/,
      ],
      jumbo: [/jumbo\.o: program "sn_one" is marked as xdp\.frags, but .*host\.o is not/],
      unlicensed: via === 'static' ? [/unlicensed\.o states no license: its code is under "GPL"/] : [],
      libxdp: [/\.xdp_run_config of "sn_one" of .*libxdp\.o is not used/],
    };
    lab.attach('host', '--slots', via);
    const fill = (name: string) => ['replace', 'R', `s1=${lab.file(name)}`];
    const listed = (notes: readonly RegExp[]) => notes.map(one => expect.stringMatching(one));
    for (const [name, notes] of Object.entries(expected)) {
      expect(notesOf(...fill(name)), name).toEqual(listed(notes));
      expect(lab.judge(), name).toBe(3);
    }
    expect(notesOf(...fill('bare'), '--dry-run')).toEqual(listed(expected.bare));
  });

  test('are printed, and only for what a change puts in', () => {
    lab.attach('host', '--slots', 'tail');
    const { code, err } = lab.run(['replace', 'R', `s1=${lab.file('jumbo')}`]);
    expect(code).toBe(0);
    expect(err.match(/is marked as xdp\.frags/g)).toHaveLength(1);
    expect(notesOf('replace', 'R', `s2=${lab.file('spelled')}`)).toEqual([]);
  });

  test('what is not an entry point is refused', () => {
    lab.attach('host');
    lab.compile({ pointer: `${HEAD} SEC("xdp") void *${P}one(struct xdp_md *ctx) { return 0; }` });
    expect(lab.refused('replace', 'R', `s1=${lab.file('pointer')}`)).toContain(
      'its result is not an integer',
    );
  });
});
