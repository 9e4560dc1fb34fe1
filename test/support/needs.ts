/**
 * What tests may need of the machine they run on, and how they are skipped where it is missing: with the reason in
 * parentheses at the end of their name, which the reporter collects. Which skips are allowed in CI is there too.
 */

import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { describe, TestRunner, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';

export type Need =
  | 'clang'
  | 'llvm-objdump'
  | 'llvm-readelf'
  | 'llvm-ar'
  | 'ar'
  | 'bpftool'
  | 'gcc'
  | 'ip'
  | 'xdp-tools'
  | 'root'
  | 'bpf'
  | 'vmlinux-btf'
  | 'go'
  | 'qemu'
  | 'etcd'
  | 'etcdctl'
  | 'docker-registry'
  | 'openssl'
  | 'curl'
  | 'browser';

/** Commands by need, as Debian 12 calls them. */
export const COMMANDS = {
  clang: 'clang-19',
  'llvm-objdump': 'llvm-objdump-19',
  'llvm-readelf': 'llvm-readelf-19',
  'llvm-ar': 'llvm-ar-19',
  ar: 'ar',
  bpftool: 'bpftool',
  gcc: 'gcc',
  ip: 'ip',
  'xdp-tools': 'xdp-loader',
  go: 'go',
  qemu: 'qemu-system-x86_64',
  etcd: 'etcd',
  'docker-registry': 'docker-registry',
  etcdctl: 'etcdctl',
  openssl: 'openssl',
  curl: 'curl',
  browser: 'chromium-headless-shell',
} as const;

/** Why the first of `needs` that is missing is missing; undefined when all are there. */
export function missing(...needs: readonly Need[]): string | undefined {
  return needs.map(reasonAgainst).find(reason => reason !== undefined);
}

/** `describe` and `test` that run only where everything in `needs` is there. */
export function needs(...wanted: readonly Need[]) {
  const reason = missing(...wanted);
  const titled = (name: string) => (reason === undefined ? name : `${name} (${reason})`);
  return {
    reason,
    describe: (name: string, body: () => void): void => {
      describe.skipIf(reason !== undefined)(titled(name), body);
    },
    test: (name: string, body: () => void | Promise<void>): void => {
      test.skipIf(reason !== undefined)(titled(name), body);
    },
  };
}

/** For a test that goes on without a part of itself: the reporter lists it among what was skipped. */
export function leftOut(...needed: readonly Need[]): void {
  const meta = TestRunner.getCurrentTest()?.meta;
  if (meta !== undefined)
    Object.assign(meta, { leftOut: missing(...needed) ?? `without ${needed.join(', ')}` });
}

const { PATH = '' } = process.env;
/** The last two a root shell has in its PATH, but not every environment. */
const DIRECTORIES = [...PATH.split(path.delimiter), '/usr/sbin', '/sbin'];

/** Absolute path of a command, or undefined. */
export function findCommand(name: string): string | undefined {
  return DIRECTORIES.map(directory => path.join(directory, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function reasonAgainst(need: Need): string | undefined {
  if (process.env['ROOTLET_TEST_QUICK'] === '1') return `${need} is not used by the quick tests`;
  switch (need) {
    case 'root':
      return process.getuid?.() === 0 ? undefined : 'not root';
    case 'bpf':
      return kernelForTests().reason;
    case 'vmlinux-btf':
      return existsSync('/sys/kernel/btf/vmlinux') ? undefined : 'this kernel shows no BTF of its own';
    default:
      return findCommand(COMMANDS[need]) === undefined ? `${COMMANDS[need]} is not installed` : undefined;
  }
}
