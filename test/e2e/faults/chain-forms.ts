/** Commands on chains, by each back end, and commands that only look. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { EBUSY } from '../../../src/uapi/errno.ts';
import { among } from './form-sources.ts';
import type { FaultLab, Form } from './lab.ts';

/** Chains of XDP, which are one program, and of TC, which are a link for each member or one filter. */
export function chainForms(lab: FaultLab): readonly Form[] {
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
  const document = (name: string, hook: readonly string[], ...members: string[]): string => {
    const path = `${lab.directory}/${name}.yaml`;
    const rows = members.map(member => `  - file: ${file(member)}`);
    writeFileSync(path, [...hook, 'interface: va', 'members:', ...rows, ''].join('\n'));
    return path;
  };
  const applied = (name: string, ...members: string[]) => [
    'apply',
    '-f',
    document(name, ['hook: xdp'], ...members),
  ];
  const onTcx = ['hook: tc ingress'];
  const tcx = () => lab.tcxVerdicts();
  const filters = () => lab.filterVerdicts();
  const offFilter = () => void execFileSync('tc', ['qdisc', 'del', 'dev', 'va', 'clsact']);
  const off = () => void execFileSync('ip', ['link', 'set', 'dev', 'va', 'xdpdrv', 'off']);
  return [
    form('xdp load, the first', [], xdpLoad('one'), -1, 11),
    form('xdp load, a further one', [xdpLoad('pass')], xdpLoad('one'), 2, 11),
    form('xdp replace', [xdpLoad('pass', 'one')], ['xdp', 'replace', 'va', 'one', file('two')], 11, 12),
    form('xdp order', [xdpLoad('one', 'two')], ['xdp', 'order', 'va', 'two,one'], 11, 12),
    form('xdp unload of one', [xdpLoad('one', 'two')], ['xdp', 'unload', 'va', 'one'], 11, 12),
    form('xdp unload of all', [xdpLoad('pass', 'one')], ['xdp', 'unload', 'va', '--all'], 11, -1),
    form('apply, the first', [], applied('first', 'one'), -1, 11),
    form('apply', [xdpLoad('pass')], applied('one', 'pass', 'one'), 2, 11),
    form('apply, another order', [xdpLoad('one', 'two')], applied('order', 'two', 'one'), 11, 12),
    form('apply, one less', [xdpLoad('pass', 'one')], applied('less', 'pass'), 11, 2),
    {
      ...form('xdp clean', [xdpLoad('one'), off], ['xdp', 'clean'], -1, -1),
      state: () => (lab.hasEntry('hooks', 'xdp-va') ? 'old' : 'new'),
    },
    {
      ...form('doctor --fix of an unfinished change', [() => unfinished(lab)], ['doctor', '--fix'], 12, 12),
      state: () => (lab.tree().join().includes('next') ? 'old' : 'new'),
      reports: true,
    },
    {
      ...form('doctor --fix', [xdpLoad('one'), off], ['doctor', '--fix'], -1, -1),
      reports: true,
      state: () => (lab.hasEntry('hooks', 'xdp-va') ? 'old' : 'new'),
    },
    onTc('apply, tcx', [tcLoad('tcx', 'cls')], ['apply', '-f', document('tcx', onTcx, 'cls', 'next')], tcx, [
      [11],
      [11, 13],
    ]),
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
    onTc('tc order', [tcLoad('tcx', 'cls', 'next')], ['tc', 'order', 'va', 'next,cls', '--ingress'], tcx, [
      [11, 13],
      [13, 11],
    ]),
    onTc(
      'tc unload of all',
      [tcLoad('tcx', 'cls', 'next')],
      ['tc', 'unload', 'va', '--ingress', '--all'],
      tcx,
      [[11, 13], []],
    ),
    {
      ...onTc('tc clean', [tcLoad('static', 'cls'), offFilter], ['tc', 'clean'], filters, [[], []]),
      state: () => (lab.hooks().length > 0 ? 'old' : 'new'),
    },
    {
      ...onTc('doctor --fix, tc', [tcLoad('static', 'cls'), offFilter], ['doctor', '--fix'], filters, [
        [],
        [],
      ]),
      reports: true,
      state: () => (lab.hooks().length > 0 ? 'old' : 'new'),
    },
    onTc(
      'tc load, a further one in one filter',
      [tcLoad('static', 'cls')],
      tcLoad('static', 'next'),
      filters,
      [[11], [13]],
    ),
    onTc(
      'tc order, one filter',
      [tcLoad('static', 'cls', 'next')],
      ['tc', 'order', 'va', 'next,cls', '--ingress'],
      filters,
      [[13], [11]],
    ),
    onTc(
      'tc unload of one, one filter',
      [tcLoad('static', 'cls', 'next')],
      ['tc', 'unload', 'va', 'next', '--ingress'],
      filters,
      [[13], [11]],
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

/** A change of a chain whose entry could not be switched after the hook. */
async function unfinished(lab: FaultLab): Promise<void> {
  const words = (name: string) => ['xdp', 'load', 'va', lab.file(name)];
  await lab.must(words('one'));
  const { calls } = await lab.must(words('two'));
  const sent = calls.lastIndexOf('sendto'); // reads what the hook runs now; before it, the record is saved
  const saved = calls.findLastIndex((call, at) => at < sent && call.startsWith('rename '));
  await lab.must(['xdp', 'unload', 'va', '--all']);
  await lab.must(words('one'));
  await lab.run(words('two'), saved + 1, EBUSY);
}

/** Commands that change nothing. */
export function looks(lab: FaultLab): readonly Form[] {
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
