/**
 * Section names as libbpf accepts them: every name of rootlet's table, with and without something after it.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { knownSectionNames, programTypeOf } from '../../src/object/programs/section-names.ts';
import { noOracle } from './support-oracle.ts';

/** Names that libbpf 1.1 does not know yet, or takes otherwise than later ones. */
const NEWER = [
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
];

function libbpfTypes(names: readonly string[]): string[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-sections-'));
  try {
    const command = path.join(directory, 'sections');
    const source = path.join(import.meta.dirname, 'sections.c');
    execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-o', command, source, '-lbpf']);
    return execFileSync(command, names, { encoding: 'utf8' }).trim().split('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe.skipIf(noOracle !== undefined)(
  `like libbpf${noOracle === undefined ? '' : ` (${noOracle})`}`,
  () => {
    test('program and attach types', () => {
      const names = knownSectionNames().flatMap(name => [name, `${name}/extra`, `${name}x`, `${name}/`]);
      const types = libbpfTypes(names);
      const ours = names.map(name => {
        const type = programTypeOf(name);
        return type === undefined ? 'unknown' : `${type.progType} ${type.expectedAttachType}`;
      });
      const different = names.filter((_, index) => ours[index] !== types[index]);
      const unexplained = different.filter(name => !NEWER.some(newer => name.startsWith(newer)));
      expect(unexplained.map(name => [name, ours[names.indexOf(name)], types[names.indexOf(name)]])).toEqual(
        [],
      );
      expect(NEWER.filter(name => !different.some(other => other.startsWith(name)))).toEqual([]);
    });
  },
);
