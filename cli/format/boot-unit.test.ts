/** The unit as text, as systemd reads it, and as the package has it; `UPDATE_UNIT=1` writes that. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bootUnit } from './boot-unit.ts';

const SHIPPED = join(import.meta.dirname, '../../share/systemd/rootlet-apply.service');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

/** What systemd-analyze finds wrong with a unit. */
function verify(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-unit-'));
  try {
    const file = join(directory, 'rootlet-apply.service');
    writeFileSync(file, text);
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    return `${stdout}${stderr}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const PLAIN = { command: ['/bin/true'], file: '/etc/rootlet/chain.yaml' };
const ODD = { command: ['/bin/true', '/opt/my "tools"/rootlet'], file: '/etc/100% $HOME/a\\b/chain.yaml' };

test('the unit of the package is the one that is printed', () => {
  const text = bootUnit({ command: ['/usr/bin/env', 'rootlet'], file: '/etc/rootlet/chain.yaml' });
  if (process.env['UPDATE_UNIT'] === '1') writeFileSync(SHIPPED, text);
  expect(readFileSync(SHIPPED, 'utf8')).toBe(text);
});

test('words with special characters are escaped', () => {
  expect(bootUnit(ODD)).toContain(
    'ExecStart=/bin/true "/opt/my \\"tools\\"/rootlet" apply -f "/etc/100%% $$HOME/a\\\\b/chain.yaml" --wait 30\n',
  );
  expect(bootUnit(ODD)).toContain('ConditionPathExists=/etc/100%% $HOME/a\\b/chain.yaml\n');
  expect(bootUnit({ ...PLAIN, wait: 5 })).toMatch(/--wait 5\n[\s\S]*TimeoutStartSec=65\n/);
  expect(() => bootUnit({ ...PLAIN, file: '/etc/a\nExecStart=x' })).toThrow(/a unit of systemd cannot have/);
});

test.skipIf(!hasSystemd)(
  `systemd accepts it${hasSystemd ? '' : ' (systemd-analyze is not installed)'}`,
  () => {
    expect(verify(bootUnit(PLAIN))).toBe('');
    expect(verify(bootUnit(ODD))).toBe('');
    expect(verify(bootUnit(PLAIN).replace('Type=oneshot', 'Type=onesot'))).not.toBe('');
  },
);
