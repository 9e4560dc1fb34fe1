/** The session of docs/moving-from-xdp-loader.md, as it is written: its commands run in order and print what the page says. */

import { expect, vi } from 'vitest';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { commandsOf } from '../../support/page.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { counting } from './sources.ts';

vi.setConfig({ testTimeout: 60_000 }); // each command is a process

const PASS = 2;

/** Why a back end is used depends on the kernel. */
function withoutReason(text: string): string {
  return text.replace(/(native mode, static): .*(\), entry)/g, '$1$2');
}

needs('root', 'bpf', 'clang', 'ip').test('the session runs as written', async () => {
  const shell = await PrivateShell.open();
  try {
    compileInto(shell.directory, {
      firewall: counting('xdp_firewall', PASS),
      count: counting('xdp_count', PASS),
    });
    shell.must(
      'mount -t bpf bpf /sys/fs/bpf && ip link add vnet0 type veth peer name vnet1 && ip link set vnet0 up',
    );
    expect(commandsOf('moving-from-xdp-loader.md').length).toBeGreaterThanOrEqual(6);
    for (const { line, output } of commandsOf('moving-from-xdp-loader.md'))
      expect([line, withoutReason(shell.must(line))]).toEqual([line, withoutReason(output)]);
  } finally {
    shell.close();
  }
});
