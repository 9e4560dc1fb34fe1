/** The session of docs/declared.md: its commands run in order and print what the page says. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { commandsOf } from '../../support/page.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { capture, counting } from './declared-sources.ts';

vi.setConfig({ testTimeout: 120_000 }); // each command is a process

const PAGE = readFileSync('docs/declared.md', 'utf8');

/** Why a back end is used depends on the kernel; the page names some of the maps. */
function withoutReason(text: string): string {
  return text.replace(/created \(\w+: .*\)/g, 'created').replace(/kept: .*/g, 'kept');
}

needs('root', 'bpf', 'clang', 'ip').test('the session runs as written', async () => {
  const shell = await PrivateShell.open();
  try {
    compileInto(shell.directory, {
      count: counting('xdp_count', 'XDP_PASS'),
      firewall: counting('xdp_firewall', 'XDP_PASS'),
    });
    for (const [, name = '', text = ''] of PAGE.matchAll(/^```yaml\n# (\S+)\n([\s\S]*?)^```$/gm))
      writeFileSync(join(shell.directory, name), text);
    writeFileSync(join(shell.directory, 'traffic.pcap'), capture([60, 61]));
    shell.must(
      'mount -t bpf -o mode=0700 bpf /sys/fs/bpf && ip link add vnet0 type veth peer name vnet1 && ip link set vnet0 up',
    );
    expect(commandsOf('declared.md').length).toBeGreaterThanOrEqual(6);
    for (const { line, output } of commandsOf('declared.md'))
      expect([line, withoutReason(shell.must(line))]).toEqual([line, withoutReason(output)]);
  } finally {
    shell.close();
  }
});
