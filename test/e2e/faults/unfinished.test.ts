/**
 * What is left of a chain by calls that fail at one place: while its entry is read, and after the switch. Separate from
 * injected.test.ts: here each command that has something to report of it is looked at.
 */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { EXIT } from '../../../src/diag/problem.ts';
import { EAGAIN, EBUSY, ENOSPC, EPERM } from '../../../src/uapi/errno.ts';
import { needs } from '../../support/needs.ts';
import { SOURCES } from './form-sources.ts';
import { FaultLab, PREFIX } from './lab.ts';

needs('root', 'bpf', 'ip', 'clang').describe('a chain', () => {
  let lab: FaultLab;
  beforeAll(async () => {
    lab = new FaultLab('unfinished');
    const { one = '', two = '', cls = '', next = '', lib = '', 'lib.v2': lib2 = '', user = '' } = SOURCES;
    await lab.prepare({ one, two, cls, next, lib, 'lib.v2': lib2, user });
    lab.enter();
  }, 120_000);
  afterEach(async () => {
    await lab.run(['xdp', 'unload', 'va', '--all', '--force']);
    await lab.run(['tc', 'unload', 'va', '--ingress', '--all', '--force']);
  });
  afterAll(() => lab.close());

  const xdpLoad = (name: string) => ['xdp', 'load', 'va', lab.file(name)];
  const tcLoad = (name: string, via: string) => [
    ...['tc', 'load', 'va', lab.file(name)],
    ...['--ingress', '--via', via],
  ];

  test.each([
    ['xdp', () => [xdpLoad('one'), xdpLoad('two')]],
    ['tc by tcx', () => [tcLoad('cls', 'tcx'), ['tc', 'unload', 'va', 'cls', '--ingress']]],
    ['tc by a filter', () => [tcLoad('cls', 'static'), ['tc', 'unload', 'va', 'cls', '--ingress']]],
  ])(
    'whose record cannot be read is not that of another tool: %s',
    async (_, wordsOf) => {
      const [first = [], words = []] = wordsOf();
      const { calls } = await begun(first, words);
      // opening the pinned record, and asking what the descriptor is of
      const reads = calls.flatMap((call, at) => (/^lstat .*\/record$/.test(call) ? [at + 1, at + 3] : []));
      expect(reads.length).toBeGreaterThan(0);
      for (const nth of reads.slice(0, 6)) {
        await begun(first);
        const { code, out, err, failed } = await lab.run(words, nth, EPERM);
        expect([EXIT.ok, EXIT.platform, EXIT.partial], `${nth} ${failed}: ${out}${err}`).toContain(code);
      }
    },
    120_000,
  );

  /** Runs the first command on an empty hook, and then the second one where there is one. */
  async function begun(first: readonly string[], second?: readonly string[]) {
    await lab.run(['xdp', 'unload', 'va', '--all', '--force']);
    await lab.run(['tc', 'unload', 'va', '--ingress', '--all', '--force']);
    const run = await lab.must(first);
    return second === undefined ? run : await lab.must(second);
  }

  test('whose change is not complete is named by ps, and completed by doctor --fix', async () => {
    const { calls } = await begun(xdpLoad('one'), xdpLoad('two'));
    const sent = calls.lastIndexOf('sendto'); // reads what the hook runs now; before it, the record is saved
    const saved = calls.findLastIndex((call, at) => at < sent && call.startsWith('rename '));
    await begun(xdpLoad('one'));
    const { code, out, err } = await lab.run(xdpLoad('two'), saved + 1, EBUSY);
    expect([code, out + err]).toEqual([EXIT.partial, expect.stringContaining('rootlet doctor --fix')]);

    const listed = await lab.must(['ps']);
    expect(listed.out + listed.err).toContain('hook "xdp-va": its last change is not complete');
    expect(JSON.parse((await lab.must(['ps', '--json'])).out).notes).toEqual([
      expect.stringContaining('its last change is not complete'),
    ]);
    expect(lab.tree().join()).toContain('next');
    await lab.must(['doctor', '--fix']);
    expect(lab.tree().join()).not.toContain('next');
    expect((await lab.must(['ps', '--json'])).out).not.toContain('not complete');
    await lab.must(['xdp', 'unload', 'va', 'two']);
  }, 120_000);

  test.each([
    ['its pin stays', /^unlink .*\/link_hook$/],
    ['its link is not detached', /^BPF_LINK_DETACH$/],
  ])(
    'that loses a member of tcx: %s',
    async (_, of) => {
      await begun(['tc', 'load', 'va', lab.file('cls'), lab.file('next'), '--ingress', '--via', 'tcx']);
      expect(lab.tcxVerdicts()).toEqual([11, 13]);
      const { code, out, err } = await lab.run(['tc', 'unload', 'va', 'cls', '--ingress'], 1, EAGAIN, of);
      expect([code, out + err]).toEqual([EXIT.partial, expect.stringContaining('is removed')]);
      expect(lab.tcxVerdicts()).toEqual([13]);
      await lab.must(['ps']);
      expect(lab.tree().join()).not.toContain('cls');
    },
    120_000,
  );

  test('of consumers whose provider has switched is completed by the next command', async () => {
    const replace = (version: string) => ['replace', 'lib', lab.file(version)];
    await lab.must(['load', lab.file('lib'), '--name', 'lib']);
    await lab.must(['attach', 'xdp', 'va', lab.file('user'), '--name', 'R', '--via', 'copy']);
    await lab.must(['load', lab.file('user'), '--name', 'loaded', '--via', 'copy']);
    const verdicts = () => [lab.xdpVerdict(), lab.pinnedVerdict('loaded', `${PREFIX}user`)];
    // the first one is of the provider
    for (const nth of [2, 3]) {
      expect(verdicts()).toEqual([11, 11]);
      const tree = lab.tree();
      const { code, out, err } = await lab.run(replace('lib.v2'), nth, ENOSPC, /^symlink .*\/next$/);
      expect([code, out + err]).toEqual([EXIT.partial, expect.stringContaining('runs the new version')]);
      await lab.must(['ps']);
      expect(verdicts()).toEqual([12, 12]);
      expect(lab.tree()).toEqual(tree); // numbers of generations are not in it
      await lab.must(replace('lib')); // the records are those of what runs
      expect(verdicts()).toEqual([11, 11]);
    }
    await lab.must(['detach', 'R']);
    await lab.must(['unload', 'loaded', 'lib']);
  }, 120_000);
});
