/** Commands that are run with calls that fail, one for each way in which something changes. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
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

const classifier = (verdict: number, name = 'cls'): string => `${HEAD}
__u64 seen;
SEC("tc") int ${P}${name}(struct __sk_buff *skb) { seen++; return ${verdict}; }`;

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
  next: classifier(13, 'more'),
  host: rootlet(P, 2),
  'host.v2': rootlet(P, 2, { globals: '__u64 added;', before: 'added++;' }),
  part: staged(P, 1),
  'part.v2': staged(P, 2),
  lib: provider(1),
  'lib.v2': provider(2),
  user: consumer('user'),
  caller: consumer('caller'),
  fw: firewall(P, 2),
  pass: xdp(2, 'pass'),
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
    ...chainForms(lab),
    ...looks(lab),
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

/** Chains of XDP, which are one program, and of TC, which are a link for each member or one filter. */
function chainForms(lab: FaultLab): readonly Form[] {
  const file = (name: string): string => lab.file(name);
  const xdpLoad = (...names: string[]) => ['xdp', 'load', 'va', ...names.map(file)];
  const tcLoad = (via: string, ...names: string[]) => [
    'tc',
    'load',
    'va',
    ...names.map(file),
    '--ingress',
    '--via',
    via,
  ];
  const stopXdp = [
    ['xdp', 'unload', 'va', '--all', '--force'],
    ['xdp', 'clean'],
  ];
  const stopTc = [
    ['tc', 'unload', 'va', '--ingress', '--all', '--force'],
    ['tc', 'clean'],
  ];
  const form = (
    name: string,
    start: Form['start'],
    words: readonly string[],
    old: number,
    next: number,
  ): Form => ({
    name,
    start,
    words,
    state: () => among(lab.xdpVerdict(), old, next),
    stop: stopXdp,
  });
  const onTc = (
    name: string,
    start: Form['start'],
    words: readonly string[],
    read: () => number[],
    [old, next]: readonly (readonly number[])[],
  ): Form => ({ name, start, words, state: () => among(read(), old, next), stop: stopTc });
  const document = (name: string, ...members: string[]): string => {
    const path = `${lab.directory}/${name}.yaml`;
    const rows = members.map(member => `  - file: ${file(member)}`);
    writeFileSync(path, ['hook: xdp', 'interface: va', 'members:', ...rows, ''].join('\n'));
    return path;
  };
  const tcx = () => lab.tcxVerdicts();
  const filters = () => lab.filterVerdicts();
  const off = () => void execFileSync('ip', ['link', 'set', 'dev', 'va', 'xdpdrv', 'off']);
  return [
    form('xdp load, the first', [], xdpLoad('one'), -1, 11),
    form('xdp load, a further one', [xdpLoad('pass')], xdpLoad('one'), 2, 11),
    form('xdp replace', [xdpLoad('pass', 'one')], ['xdp', 'replace', 'va', 'one', file('two')], 11, 12),
    form('xdp order', [xdpLoad('one', 'two')], ['xdp', 'order', 'va', 'two,one'], 11, 12),
    form('xdp unload of one', [xdpLoad('one', 'two')], ['xdp', 'unload', 'va', 'one'], 11, 12),
    form('xdp unload of all', [xdpLoad('pass', 'one')], ['xdp', 'unload', 'va', '--all'], 11, -1),
    form('apply', [xdpLoad('pass')], ['apply', '-f', document('one', 'pass', 'one')], 2, 11),
    {
      ...form('xdp clean', [xdpLoad('one'), off], ['xdp', 'clean'], -1, -1),
      state: () => (lab.hasEntry('hooks', 'xdp-va') ? 'old' : 'new'),
    },
    {
      ...form('doctor --fix', [xdpLoad('one'), off], ['doctor', '--fix'], -1, -1),
      state: () => (lab.hasEntry('hooks', 'xdp-va') ? 'old' : 'new'),
    },
    onTc('tc load, the first', [], tcLoad('tcx', 'cls'), tcx, [[], [11]]),
    onTc('tc load, a further one', [tcLoad('tcx', 'cls')], tcLoad('tcx', 'next'), tcx, [[11], [11, 13]]),
    onTc(
      'tc replace',
      [tcLoad('tcx', 'cls')],
      ['tc', 'replace', 'va', 'cls', file('cls.v2'), '--ingress'],
      tcx,
      [[11], [12]],
    ),
    onTc(
      'tc unload of one',
      [tcLoad('tcx', 'cls', 'next')],
      ['tc', 'unload', 'va', 'cls', '--ingress'],
      tcx,
      [[11, 13], [13]],
    ),
    onTc('tc load, one filter', [], tcLoad('static', 'cls'), filters, [[], [11]]),
    onTc(
      'tc replace, one filter',
      [tcLoad('static', 'cls')],
      ['tc', 'replace', 'va', 'cls', file('cls.v2'), '--ingress'],
      filters,
      [[11], [12]],
    ),
    onTc(
      'tc unload, one filter',
      [tcLoad('static', 'cls')],
      ['tc', 'unload', 'va', '--ingress', '--all'],
      filters,
      [[11], []],
    ),
  ];
}

/** Commands that change nothing. */
function looks(lab: FaultLab): readonly Form[] {
  const file = (name: string): string => lab.file(name);
  const start = [
    ['xdp', 'load', 'va', file('pass'), file('one')],
    ['load', file('lib'), '--name', 'lib'],
  ];
  const stop = [
    ['xdp', 'unload', 'va', '--all', '--force'],
    ['unload', 'lib', '--force'],
  ];
  const commands = [
    ['ps'],
    ['ps', '--all'],
    ['ps', '--bindings'],
    ['xdp', 'status'],
    ['export', 'va'],
    ['explain', 'va'],
    ['doctor'],
    ['load', file('two'), '--dry-run'],
    ['xdp', 'load', 'va', file('two'), '--dry-run'],
    ['replace', 'lib', file('lib.v2'), '--dry-run'],
    ['xdp', 'clean', '--dry-run'],
  ];
  const state = (): string => (lab.xdpVerdict() === 11 && lab.hasEntry('objects', 'lib') ? 'old' : 'changed');
  return commands.map(words => ({ name: words.join(' '), start, words, state, stop, looks: true }));
}
