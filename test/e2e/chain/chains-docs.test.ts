/** The session of docs/chains.md: its commands run in order and print what the page says. */

import { expect, vi } from 'vitest';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { commandsOf } from '../../support/page.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { counting } from './declared-sources.ts';

vi.setConfig({ testTimeout: 120_000 }); // each command is a process

/** Ids differ from run to run. */
function withoutIds(text: string): string {
  return text.replace(/\bprogram (\d+|ID)\b/g, 'program ID');
}

needs('root', 'bpf', 'clang', 'ip').test('the session runs as written', async () => {
  const shell = await PrivateShell.open();
  try {
    compileInto(shell.directory, {
      count: counting('xdp_count', 'XDP_PASS'),
      firewall: counting('xdp_firewall', 'XDP_PASS'),
      guard: counting('xdp_guard', 'XDP_PASS'),
      mark: counting('mark', 'TC_ACT_OK', 'tc'),
      shape: counting('shape', 'TC_ACT_OK', 'tc'),
    });
    shell.must(
      'mount -t bpf -o mode=0700 bpf /sys/fs/bpf && ip link add vnet0 type veth peer name vnet1 && ip link set vnet0 up',
    );
    const commands = commandsOf('chains.md');
    expect(commands.length).toBeGreaterThanOrEqual(20);
    for (const { line, output } of commands)
      expect([line, withoutIds(shell.must(`{ ${line}; } 2>&1`))]).toEqual([line, withoutIds(output)]);
  } finally {
    shell.close();
  }
});
