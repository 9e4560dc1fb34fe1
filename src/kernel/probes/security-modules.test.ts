import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { requireBpfLsm, securityModules } from './security-modules.ts';

const directory = mkdtempSync(join(tmpdir(), 'rootlet-lsm-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('where BPF is not among the security modules, its programs are refused with the way out', () => {
  const path = join(directory, 'lsm');
  writeFileSync(path, 'capability,yama,apparmor');
  expect(() => requireBpfLsm(path)).toThrow(
    expect.objectContaining({
      problems: [
        expect.objectContaining({
          code: 'kernel-lsm-inactive',
          hint: 'boot the kernel with lsm=capability,yama,apparmor,bpf',
        }),
      ],
    }),
  );
  writeFileSync(path, 'capability,bpf\n');
  expect(() => requireBpfLsm(path)).not.toThrow();
});

test('if they cannot be determined, they are tried', () => {
  expect(securityModules(join(directory, 'nothing'))).toBeUndefined();
  expect(() => requireBpfLsm(join(directory, 'nothing'))).not.toThrow();
});
