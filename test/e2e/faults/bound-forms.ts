/** Commands on objects that are bound to others, as providers and as consumers. */

import { among } from './form-sources.ts';
import { type FaultLab, type Form, PREFIX as P } from './lab.ts';

export function boundForms(lab: FaultLab): readonly Form[] {
  const file = (name: string): string => lab.file(name);
  const onXdp = (old: number, next: number) => () => among(lab.xdpVerdict(), old, next);
  const entry = (name: string, old: boolean) => () => among(lab.hasEntry('objects', name), old, !old);
  const detachR = [['detach', 'R', '--force']];
  const bound = [
    ['load', file('lib'), '--name', 'lib'],
    ['attach', 'xdp', 'va', file('user'), '--name', 'R', '--via', 'copy'],
    ['load', file('caller'), '--name', 'caller', '--via', 'tail'],
  ];
  const unbind = [
    ...detachR,
    ['unload', 'other', '--force'],
    ['unload', 'caller', '--force'],
    ['unload', 'lib', '--force'],
  ];
  const bindState = (old: number[], next: number[]) => () =>
    among([lab.xdpVerdict(), lab.pinnedVerdict('caller', `${P}caller`)], old, next);
  const lazy = ['load', file('caller'), '--name', 'caller', '--lazy'];
  return [
    {
      name: 'attach, bound by copy',
      start: bound.slice(0, 1),
      words: bound[1] ?? [],
      state: onXdp(-1, 11),
      stop: unbind,
    },
    {
      name: 'load, bound by tail',
      start: bound.slice(0, 1),
      words: bound[2] ?? [],
      state: entry('caller', false),
      stop: unbind,
    },
    {
      name: 'replace of a provider',
      start: bound,
      words: ['replace', 'lib', file('lib.v2')],
      state: bindState([11, 11], [12, 12]),
      stop: unbind,
    },
    {
      name: 'unload --force of a provider',
      start: bound,
      words: ['unload', 'lib', '--force'],
      state: entry('lib', true),
      stop: unbind,
    },
    {
      name: 'load --lazy',
      start: [],
      words: lazy,
      state: entry('caller', false),
      stop: unbind,
    },
    {
      name: 'load, bound by tail to a provider with slots',
      start: bound,
      words: ['load', file('other'), '--name', 'other', '--via', 'tail'],
      state: entry('other', false),
      stop: unbind,
    },
    {
      name: 'unload of a consumer',
      start: bound,
      words: ['unload', 'caller'],
      state: entry('caller', true),
      stop: unbind,
    },
    {
      name: 'detach of a consumer',
      start: bound,
      words: ['detach', 'R'],
      state: onXdp(11, -1),
      stop: unbind,
    },
    {
      name: 'replace of an attached consumer',
      start: bound,
      words: ['replace', 'R', file('user.v2')],
      state: onXdp(11, 21),
      stop: unbind,
    },
    {
      name: 'replace of a loaded consumer',
      start: bound,
      words: ['replace', 'caller', file('caller.v2')],
      state: () => among(lab.pinnedVerdict('caller', `${P}caller`), 11, 21),
      stop: unbind,
    },
  ];
}
