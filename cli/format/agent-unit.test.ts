/** The unit of the agent as text, as systemd reads it, and as the package has it; `UPDATE_UNIT=1` writes that. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentUnit } from './agent-unit.ts';

const SHIPPED = join(import.meta.dirname, '../../share/systemd/rootlet-agent.service');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
const OPTIONS = [
  ...['--etcd', 'https://etcd.example.com:2379', '--etcd-ca', '/etc/rootlet/ca.pem'],
  ...['--etcd-cert', '/etc/rootlet/etcd.pem', '--etcd-key', '/etc/rootlet/etcd.key'],
  ...[
    '--etcd-user',
    '/etc/rootlet/etcd-user',
    '--policy',
    '/etc/rootlet/policy.json',
    '--label',
    'role=edge',
  ],
];

test('the unit of the package is the one that is printed', () => {
  const text = agentUnit(['/usr/bin/env', 'rootlet'], [...OPTIONS, '--install-unit']);
  if (process.env['UPDATE_UNIT'] === '1') writeFileSync(SHIPPED, text);
  expect(readFileSync(SHIPPED, 'utf8')).toBe(text);
  expect(text).not.toContain('--install-unit\nRestart');
});

test('words with special characters are escaped', () => {
  expect(agentUnit(['/a b'], ['--message', '100% $x'])).toContain(
    'ExecStart="/a b" agent --message "100%% $$x"\n',
  );
  expect(() => agentUnit(['a'], ['b\nExecStart=x'])).toThrow(/a unit of systemd cannot have/);
});

test.skipIf(!hasSystemd)(
  `systemd accepts it${hasSystemd ? '' : ' (systemd-analyze is not installed)'}`,
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'rootlet-unit-'));
    const verify = (text: string): string => {
      writeFileSync(join(directory, 'rootlet-agent.service'), text);
      const words = ['verify', '--man=no', join(directory, 'rootlet-agent.service')];
      const { stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
      return `${stdout}${stderr}`;
    };
    const text = agentUnit(['/bin/true'], OPTIONS);
    expect(verify(text)).toBe('');
    expect(verify(text.replace('Restart=always', 'Restart=allways'))).not.toBe('');
    rmSync(directory, { recursive: true });
  },
);
