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
  test.skipIf(reason !== undefined)(
    `like libbpf ${release}${reason === undefined ? '' : ` (${reason})`}`,
    () => {
      const names = knownSectionNames().flatMap(name => [name, `${name}/extra`, `${name}x`, `${name}/`]);
      const types = libbpfTypes(release, names);
      const ours = names.map(name => {
        const type = programTypeOf(name);
        return type === undefined ? 'unknown' : `${type.progType} ${type.expectedAttachType}`;
      });
      const newer = NEWER[release];
      const different = names.filter((_, index) => ours[index] !== types[index]);
      const unexplained = different.filter(name => !newer.some(known => name.startsWith(known)));
      expect(unexplained.map(name => [name, ours[names.indexOf(name)], types[names.indexOf(name)]])).toEqual(
        [],
      );
      expect(newer.filter(name => !different.some(other => other.startsWith(name)))).toEqual([]);
    },
  );
});
