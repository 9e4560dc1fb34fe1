/**
 * Programs run in the kernel by way of bpftool, which is libbpf: a second loader that has to agree with
 * rootlet's.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Loads the object again for each program name, with fresh maps, runs that program on the packet, and gives what each
 * returned. Everything is gone afterwards: the pins are in a file system that only this run sees.
 */
export function runWithLibbpf(
  object: Uint8Array,
  programs: readonly string[],
  packet: Uint8Array,
): readonly number[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-libbpf-'));
  const at = (name: string) => path.join(directory, name);
  try {
    writeFileSync(at('linked.o'), object);
    writeFileSync(at('packet'), packet);
    const script = [
      `mkdir ${at('fs')}`,
      `mount -t bpf -o mode=0700 bpf ${at('fs')}`,
      'for program; do',
      `  bpftool prog loadall ${at('linked.o')} ${at('fs/pins')}`,
      `  bpftool prog run pinned ${at('fs/pins')}/$program data_in ${at('packet')} | sed -n 's/Return value: \\([0-9]*\\).*/\\1/p'`,
      `  rm -r ${at('fs/pins')}`,
      'done',
    ].join('\n');
    const output = execFileSync('unshare', ['-m', 'sh', '-e', '-c', script, 'sh', ...programs], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return output
      .split('\n')
      .filter(line => /^\d+$/.test(line))
      .map(Number);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
