/** Attachments that are not on interfaces: by links to a cgroup, and to netfilter of a network namespace. */

import { among } from './form-sources.ts';
import { type FaultLab, type Form, PREFIX as P } from './lab.ts';

export function hookForms(lab: FaultLab): readonly Form[] {
  const attach = (kind: string, target: string, object: string) => [
    ...['attach', kind, target, lab.file(object)],
    ...['--name', 'R'],
  ];
  const cgroup = attach('cgroup', lab.cgroup, 'group');
  const netfilter = attach('netfilter', 'ip:input:0', 'netfilter');
  const stop = [['detach', 'R', '--force']];
  const runs = (old: string[], next: string[]) => () => among(lab.onCgroup(), old, next);
  const drops = (old: boolean) => () => among(lab.drops(), old, !old);
  const [group, group2] = [[`${P}group`], [`${P}group2`]];
  return [
    { name: 'attach cgroup', start: [], words: cgroup, state: runs([], group), stop },
    { name: 'detach cgroup', start: [cgroup], words: ['detach', 'R'], state: runs(group, []), stop },
    {
      name: 'replace cgroup',
      start: [cgroup],
      words: ['replace', 'R', lab.file('group.v2')],
      state: runs(group, group2),
      stop,
    },
    { name: 'attach netfilter', start: [], words: netfilter, state: drops(false), stop },
    { name: 'detach netfilter', start: [netfilter], words: ['detach', 'R'], state: drops(true), stop },
  ];
}
