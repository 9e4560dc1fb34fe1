/** Commands that are run with calls that fail, one for each way in which something changes. */

import { firewall, HEAD, rootlet, staged } from '../replace/sources.ts';
import { type FaultLab, type Form, PREFIX as P } from './lab.ts';

/** An XDP program that returns `verdict`, with a map and a variable. */
const xdp = (verdict: number, name = 'prog'): string => `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); }
  ${P}counts SEC(".maps");
__u64 seen;
SEC("xdp") int ${P}${name}(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *count = bpf_map_lookup_elem(&${P}counts, &key);
  if (count) __sync_fetch_and_add(count, 1);
  seen++;
  return ${verdict};
}`;

const classifier = (verdict: number): string => `${HEAD}
__u64 seen;
SEC("tc") int ${P}cls(struct __sk_buff *skb) { seen++; return ${verdict}; }`;

const provider = (version: number): string => `${HEAD}
__u64 seen;
__attribute__((noinline)) int judge(struct xdp_md *ctx) { seen++; return ctx ? ${10 + version} : 0; }`;

const consumer = (name: string): string => `${HEAD}
extern int judge(struct xdp_md *ctx);
SEC("xdp") int ${P}${name}(struct xdp_md *ctx) { return judge(ctx); }`;

export const SOURCES: Readonly<Record<string, string>> = {
  one: xdp(11),
  two: xdp(12),
  cls: classifier(11),
  'cls.v2': classifier(12),
  host: rootlet(P, 2),
  'host.v2': rootlet(P, 2, { globals: '__u64 added;', before: 'added++;' }),
  part: staged(P, 1),
  'part.v2': staged(P, 2),
  lib: provider(1),
  'lib.v2': provider(2),
  user: consumer('user'),
  caller: consumer('caller'),
  fw: firewall(P, 2),
};

const among = (value: unknown, old: unknown, next: unknown): string => {
  const text = JSON.stringify(value);
  if (text === JSON.stringify(old)) return 'old';
  return text === JSON.stringify(next) ? 'new' : text;
};

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
  const bound = [
    ['load', file('lib'), '--name', 'lib'],
    ['attach', 'xdp', 'va', file('user'), '--name', 'R', '--via', 'copy'],
    ['load', file('caller'), '--name', 'caller', '--via', 'tail'],
  ];
  const unbind = [...detachR, ['unload', 'caller', '--force'], ['unload', 'lib', '--force']];
  const bindState = (old: number[], next: number[]) => () =>
    among([lab.xdpVerdict(), lab.pinnedVerdict('caller', `${P}caller`)], old, next);
  const slots = (via: string) => [attachR('host', '--slots', via), ['replace', 'R', part(1)]];
  return [
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
        name: `replace FILE SLOT=FILE ${via}`,
        start: slots(via),
        words: ['replace', 'R', file('host.v2'), part(2)],
        state: onXdp(11, 12),
        stop: detachR,
      },
    ]),
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
  ];
}
