/** Soak of chains, as commands: members come, change their order, are replaced and go. */

import type { Subject } from './subject.ts';
import { IFACE, type World } from './world.ts';

export function chainSubjects(world: World): Subject[] {
  const chain = (
    name: string,
    hook: 'xdp' | 'tc',
    flags: readonly string[],
    files: readonly string[],
  ): Subject => ({
    what: 'chains',
    name,
    every: 4,
    open() {
      const [a = '', b = '', c = '', bad = ''] = files;
      const change = (word: string, ...more: readonly string[]) => world.must(hook, word, IFACE, ...more);
      return {
        async cycle() {
          await change('load', `${a}.o`, `${b}.o`, ...flags);
          await change('order', `${b},${a}`);
          await world.expect(3, hook, 'replace', IFACE, a, `${bad}.o`);
          await change('replace', a, `${c}.o`);
          await change('status');
          await change('unload', '--all');
        },
      };
    },
  });
  const xdp = ['a', 'b', 'c', 'refused'];
  const tc = ['tc_a', 'tc_b', 'tc_c', 'tc_refused'];
  return [
    chain('xdp: load, order, refused, replace, unload', 'xdp', ['--mode', 'generic'], xdp),
    chain('tc by tcx: the same', 'tc', [], tc),
    chain('tc by one filter: the same', 'tc', ['--via', 'static'], tc),
  ];
}
