/** Commands that are run with calls that fail, one for each way in which something changes. */

import { boundForms } from './bound-forms.ts';
import { chainForms, looks } from './chain-forms.ts';
import { among } from './form-sources.ts';
import { hookForms } from './hook-forms.ts';
import { type FaultLab, type Form, PREFIX as P } from './lab.ts';

export function formsOf(lab: FaultLab): readonly Form[] {
  const file = (name: string): string => lab.file(name);
  const part = (version: 1 | 2): string => `s1=${file(version === 1 ? 'part' : 'part.v2')}:${P}entry`;
  const attachR = (object: string, ...more: string[]) => [
    'attach',
    'xdp',
    'va',
    file(object),
    '--name',
    'R',
    ...more,
  ];
  const detachR = [['detach', 'R', '--force']];
  const onXdp = (old: number, next: number) => () => among(lab.xdpVerdict(), old, next);
  const onFilter = (old: number[], next: number[]) => () => among(lab.filterVerdicts(), old, next);
  const onTcx = (old: number[], next: number[]) => () => among(lab.tcxVerdicts(), old, next);
  const entry = (name: string, old: boolean) => () => among(lab.hasEntry('objects', name), old, !old);
  const filter = (object: string, ...more: string[]) => [
    'attach',
    'tc',
    'va',
    file(object),
    '--ingress',
    '--name',
    'R',
    ...more,
  ];
  const tcx = (object: string) => ['attach', 'tcx', 'va', file(object), '--ingress', '--name', 'R'];
  const loadOne = ['load', file('one'), '--name', 'one'];
  const unloadOne = [['unload', 'one', '--force']];
  const pins = `${lab.bpffs}/pins`;
  const slots = (via: string) => [attachR('host', '--slots', via), ['replace', 'R', part(1)]];
  return [
    ...chainForms(lab),
    ...looks(lab),
    ...boundForms(lab),
    ...hookForms(lab),
    { name: 'load', start: [], words: loadOne, state: entry('one', false), stop: unloadOne },
    {
      name: 'load --pin',
      start: [],
      words: [...loadOne, '--pin', pins],
      state: entry('one', false),
      stop: unloadOne,
    },
    {
      name: 'unload',
      start: [loadOne],
      words: ['unload', 'one'],
      state: entry('one', true),
      stop: unloadOne,
    },
    {
      name: 'unload of pins',
      start: [[...loadOne, '--pin', pins]],
      words: ['unload', 'one'],
      state: entry('one', true),
      stop: unloadOne,
    },
    { name: 'attach xdp', start: [], words: attachR('one'), state: onXdp(-1, 11), stop: detachR },
    { name: 'attach tc', start: [], words: filter('cls'), state: onFilter([], [11]), stop: detachR },
    { name: 'attach tcx', start: [], words: tcx('cls'), state: onTcx([], [11]), stop: detachR },
    {
      name: 'detach xdp',
      start: [attachR('one')],
      words: ['detach', 'R'],
      state: onXdp(11, -1),
      stop: detachR,
    },
    {
      name: 'detach tc',
      start: [filter('cls')],
      words: ['detach', 'R'],
      state: onFilter([11], []),
      stop: detachR,
    },
    {
      name: 'detach tcx',
      start: [tcx('cls')],
      words: ['detach', 'R'],
      state: onTcx([11], []),
      stop: detachR,
    },
    {
      name: 'replace xdp',
      start: [attachR('one')],
      words: ['replace', 'R', file('two')],
      state: onXdp(11, 12),
      stop: detachR,
    },
    {
      name: 'replace tc',
      start: [filter('cls')],
      words: ['replace', 'R', file('cls.v2')],
      state: onFilter([11], [12]),
      stop: detachR,
    },
    {
      name: 'replace tcx',
      start: [tcx('cls')],
      words: ['replace', 'R', file('cls.v2')],
      state: onTcx([11], [12]),
      stop: detachR,
    },
    ...(['static', 'tail'] as const).flatMap((via): Form[] => [
      {
        name: `attach --slots ${via}`,
        start: [],
        words: attachR('host', '--slots', via),
        state: onXdp(-1, 2),
        stop: detachR,
      },
      {
        name: `replace SLOT=FILE ${via}`,
        start: slots(via),
        words: ['replace', 'R', part(2)],
        state: onXdp(11, 12),
        stop: detachR,
      },
      {
        name: `replace --reset ${via}`,
        start: slots(via),
        words: ['replace', 'R', '--reset', 's1'],
        state: onXdp(11, 2),
        stop: detachR,
      },
      {
        name: `replace --order ${via}`,
        start: [...slots(via), ['replace', 'R', `s2=${file('part.v2')}:${P}entry`]],
        words: ['replace', 'R', '--order', `${file('part.v2')}:${P}entry,${file('part')}:${P}entry`],
        state: onXdp(12, 11),
        stop: detachR,
      },
      {
        name: `detach of a rootlet ${via}`,
        start: slots(via),
        words: ['detach', 'R'],
        state: onXdp(11, -1),
        stop: detachR,
      },
      {
        name: `replace FILE SLOT=FILE ${via}`,
        start: slots(via),
        words: ['replace', 'R', file('host.v2'), part(2)],
        state: onXdp(11, 12),
        stop: detachR,
      },
    ]),
  ];
}
