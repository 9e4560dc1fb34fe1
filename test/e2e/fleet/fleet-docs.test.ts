/** The session of docs/fleet.md: its commands run in order and print what the page says. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { HOST_STATES } from '../../../src/fleet/agent/status.ts';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { blocksOf, commandsOf } from '../../support/page.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { counting } from '../chain/declared-sources.ts';

vi.setConfig({ testTimeout: 120_000 }); // each command is a process

const PAGE = readFileSync('docs/fleet.md', 'utf8');

/** Digests and sizes depend on the compiler; times on the day, and which lines of waiting there are on the machine. */
function stable(text: string): string {
  return text
    .replace(/sha256:[0-9a-f…]+/g, 'sha256:…')
    .replace(/\d+ bytes/g, 'N bytes')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/g, 'TIME')
    .replace(/^rootlet: wave .*(missing on|no rates yet|the wave is watched).*\n/gm, '')
    .replace(/ +$/gm, '');
}

needs('root', 'bpf', 'clang', 'ip', 'etcd', 'docker-registry', 'openssl').test(
  'the session runs as written',
  async () => {
    const shell = await PrivateShell.open();
    const at = (name: string): string => join(shell.directory, name);
    try {
      compileInto(shell.directory, { firewall: counting('xdp_firewall', 'XDP_PASS') });
      for (const text of blocksOf('fleet.md', 'yaml')) writeFileSync(at('chain.yaml'), text);
      writeFileSync(at('policy.json'), blocksOf('fleet.md', 'json')[0] ?? '');
      writeFileSync(
        at('registry.yml'),
        `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${at('registry')} } }\nhttp: { addr: "localhost:5000" }\n`,
      );
      shell.must(
        'mount -t bpf -o mode=0700 bpf /sys/fs/bpf && ip link set lo up && ip link add vnet0 type veth peer name vnet1 && ip link set vnet0 up',
      );
      expect(commandsOf('fleet.md').length).toBeGreaterThanOrEqual(15);
      for (const { line, output } of commandsOf('fleet.md')) {
        const { text } = shell.run(`export ROOTLET_ETCD=http://localhost:2379; ${line}`);
        expect([line, stable(text)]).toEqual([line, stable(output)]);
      }
    } finally {
      shell.run('kill -9 $(cat *.pid)');
      shell.close();
    }
  },
);

test('the page has all states of hosts', () => {
  const rows = [...PAGE.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \|/gm)].flatMap(([, words = '']) =>
    words.split(', ').map(word => word.replaceAll('`', '')),
  );
  for (const state of Object.keys(HOST_STATES)) expect(rows).toContain(state);
});
