/**
 * Section names as libbpf accepts them: every name of rootlet's table, with and without something after it.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { knownSectionNames, programTypeOf } from '../../src/object/programs/section-names.ts';
import { compileWithLibbpf, type LibbpfRelease, noOracle } from './support-oracle.ts';
import { randomOf } from './support-random.ts';

/** Names that a release does not know yet, or takes otherwise than later ones. */
const NEWER: Readonly<Record<LibbpfRelease, readonly string[]>> = {
  '1.1': [
    'kprobe.session',
    'uprobe.multi',
    'uretprobe.multi',
    'uprobe.session',
    'uprobe.multi.s',
    'uretprobe.multi.s',
    'uprobe.session.s',
    'usdt.s',
    'tc/ingress',
    'tc/egress',
    'tcx/ingress',
    'tcx/egress',
    'netkit/primary',
    'netkit/peer',
    'fsession',
    'fsession.s',
    'netfilter',
    'struct_ops.s',
    'sk_skb/verdict',
    'cgroup/connect_unix',
    'cgroup/sendmsg_unix',
    'cgroup/recvmsg_unix',
    'cgroup/getpeername_unix',
    'cgroup/getsockname_unix',
  ],
  '1.5': ['uprobe.session', 'uprobe.session.s', 'fsession', 'fsession.s'],
};

const SEED = 20260815;

function isNewer(release: LibbpfRelease, name: string): boolean {
  return NEWER[release].some(newer => name.startsWith(newer));
}

function verdictOf(name: string): string {
  const type = programTypeOf(name);
  return type === undefined ? 'unknown' : `${type.progType} ${type.expectedAttachType}`;
}

/** Known names as people write them: whole, with targets, with suffixes, with typos, with marks. */
function generatedNames(count: number): string[] {
  const random = randomOf(SEED);
  const known = knownSectionNames();
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] ?? (list[0] as T); // lists are not empty
  const letter = () => String.fromCharCode(97 + random(26));
  const change: readonly ((name: string) => string)[] = [
    name => name,
    name => `${name}/${letter()}${letter()}`,
    name => `${name}_${letter()}`,
    name => `${name}.${letter()}`,
    name => `${name}.s/${letter()}`,
    name => `${name}/`,
    name => `?${name}`,
    name => `?${name}/${letter()}/${letter()}`,
    name => `??${name}`,
    name => `.text.${name}`,
    name => name.toUpperCase(),
    name => {
      const at = random(name.length);
      return name.slice(0, at) + letter() + name.slice(at + random(2));
    },
    name => {
      const at = random(name.length);
      return name.slice(0, at) + name.slice(at + 1);
    },
    name => {
      const at = random(Math.max(name.length - 1, 1));
      return name.slice(0, at) + (name[at + 1] ?? '') + (name[at] ?? '') + name.slice(at + 2);
    },
  ];
  return Array.from({ length: count }, () => pick(change)(pick(known))).filter(name => name !== '');
}

function libbpfTypes(release: LibbpfRelease, names: readonly string[]): string[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-sections-'));
  try {
    const command = path.join(directory, 'sections');
    compileWithLibbpf(release, 'sections.c', command);
    return execFileSync(command, names, { encoding: 'utf8' }).trim().split('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const RELEASES = ['1.1', '1.5'] as const;

describe.each(RELEASES)('program and attach types by section', release => {
  const reason = noOracle(release);
  describe.skipIf(reason !== undefined)(
    `like libbpf ${release}${reason === undefined ? '' : ` (${reason})`}`,
    () => compareNames(release),
  );
});

function compareNames(release: LibbpfRelease): void {
  test(`names with typos, suffixes and marks (seed ${SEED})`, () => {
    const names = [...new Set(generatedNames(2000))];
    const types = libbpfTypes(release, names);
    const different = names.filter((name, at) => verdictOf(name) !== types[at]);
    // libbpf's function does not know `?`, which its loader removes
    const unexplained = different.filter(name => !isNewer(release, name) && !name.startsWith('?'));
    expect(unexplained.map(name => [name, verdictOf(name), types[names.indexOf(name)]])).toEqual([]);
    const dormant = names.filter(name => name.startsWith('?') && !name.startsWith('??'));
    const plain = libbpfTypes(
      release,
      dormant.map(name => name.slice(1)),
    );
    const other = dormant.filter((name, at) => verdictOf(name) !== plain[at]);
    expect(other.filter(name => !isNewer(release, name.slice(1)))).toEqual([]);
    const known = names.filter(name => verdictOf(name) !== 'unknown').length;
    expect(known).toBeGreaterThan(200);
    expect(names.length - known).toBeGreaterThan(300);
  });

  test('every name of the table', () => {
    const names = knownSectionNames().flatMap(name => [name, `${name}/extra`, `${name}x`, `${name}/`]);
    const types = libbpfTypes(release, names);
    const different = names.filter((name, index) => verdictOf(name) !== types[index]);
    const unexplained = different.filter(name => !isNewer(release, name));
    expect(unexplained.map(name => [name, verdictOf(name), types[names.indexOf(name)]])).toEqual([]);
    expect(NEWER[release].filter(name => !different.some(other => other.startsWith(name)))).toEqual([]);
  });
}
