/**
 * Programs made at random, compiled by three clangs for three instruction sets, linked by bpftool and by
 * rootlet: the results agree, libbpf loads both, the kernel computes the same tags and the programs return
 * the same.
 *
 * ROOTLET_ORACLE_PAIRS sets how many (each set uses the next compiler), ROOTLET_ORACLE_SEED the first seed.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SeededRandom } from '../hostile/random.ts';
import { missing, needs } from '../support/needs.ts';
import { makeSources } from './support-blocks.ts';
import { type BothLinks, type DumpedLink, dumpBoth, linkBoth, readFile } from './support-both.ts';
import { judge, judgeAcceptance, judgeLoads } from './support-check.ts';
import { compileAll, compilersHere } from './support-compile.ts';
import { ALLOWED } from './support-differences.ts';
import { type LoadResult, loadTogether, peerLink } from './support-peer.ts';

const { ROOTLET_ORACLE_PAIRS, ROOTLET_ORACLE_SEED } = process.env;
const COUNT = Number(ROOTLET_ORACLE_PAIRS ?? 48);
const FIRST_SEED = Number(ROOTLET_ORACLE_SEED ?? 1000);

needs('clang', 'bpftool', 'llvm-objdump', 'llvm-readelf').describe('programs made at random', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-oracle-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  const compilers = compilersHere();
  const jobs = Array.from({ length: COUNT }, (_, index) => {
    const seed = FIRST_SEED + index;
    const compiler = compilers[index % compilers.length];
    if (compiler === undefined) throw new Error('no compiler');
    const set = makeSources(seed, new SeededRandom(seed));
    return {
      set,
      compiler,
      name: `seed ${seed}, ${compiler.command} ${compiler.cpu}: ${set.pieces.join(' ')}`,
    };
  });
  const links: BothLinks[] = [];
  const dumped = new Map<string, DumpedLink>();
  const loads = new Map<string, { readonly peer: LoadResult; readonly ours: LoadResult }>();

  beforeAll(
    async () => {
      const objects = await compileAll(directory, jobs);
      links.push(...objects.map((inputs, index) => linkBoth(directory, { name: `set${index}`, inputs })));
      const made = links.filter(({ peer, ours }) => peer.ok && ours.ok);
      for (const link of dumpBoth(made)) dumped.set(link.job.name, link);
      if (missing('bpf') === undefined) loadAll(directory, made, loads);
    },
    30_000 + COUNT * 3000,
  );

  const used = new Set<string>();
  test.each(jobs.map(({ name }, index) => ({ name, index })))('$name', ({ index }) => {
    const both = links[index];
    if (both === undefined) throw new Error('was not linked');
    expect(judgeAcceptance(both, both.job.inputs.map(readFile))).toBeUndefined();
    const link = dumped.get(both.job.name);
    if (link === undefined) return;
    const verdict = judge(link);
    for (const rule of verdict.used) used.add(rule);
    expect(verdict.problems).toEqual([]);
    const load = loads.get(both.job.name);
    if (load !== undefined) expect(judgeLoads(link, load.peer, load.ours)).toBeUndefined();
  });

  test.skipIf(missing('bpf') !== undefined)(`were loaded (${missing('bpf') ?? ''})`, () => {
    const loaded = [...loads.values()].filter(({ ours }) => ours.programs !== null);
    expect(loaded.length).toBe(dumped.size);
  });

  // With all compilers and the usual seeds every allowance for random programs is needed.
  const usual = ROOTLET_ORACLE_PAIRS === undefined && ROOTLET_ORACLE_SEED === undefined;
  test.skipIf(!usual || compilers.length < 7)(
    'no allowance is without use (other seeds or fewer compilers)',
    () => {
      const wanted = ALLOWED.filter(rule => rule.seenIn === 'random').map(rule => rule.name);
      expect(wanted.filter(name => !used.has(name))).toEqual([]);
    },
  );
});

/** What libbpf does not load because of a wrong offset of an extern map, bpftool repairs by linking its result again. */
function loadAll(
  directory: string,
  links: readonly BothLinks[],
  loads: Map<string, { readonly peer: LoadResult; readonly ours: LoadResult }>,
): void {
  const results = loadTogether(
    directory,
    links.flatMap(({ files }) => [files.peer, files.ours]),
  );
  links.forEach(({ job, files }, index) => {
    const [peer, ours] = results.slice(2 * index);
    if (peer === undefined || ours === undefined) return;
    const repair = peer.programs === null && peer.log.includes('map relo failed to find map');
    const again = `${files.peer}.again.o`;
    if (repair && peerLink(again, [files.peer]).ok) {
      const [repaired = peer] = loadTogether(directory, [again]);
      loads.set(job.name, { peer: repaired, ours });
    } else loads.set(job.name, { peer, ours });
  });
}
