import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { requireBpfLsm, securityModules } from './security-modules.ts';

const folder = mkdtempSync(join(tmpdir(), 'rootlet-lsm-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('where BPF is not among the security modules, its programs are refused with the way out', () => {
  const path = join(folder, 'lsm');
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
  expect(securityModules(join(folder, 'nothing'))).toBeUndefined();
  expect(() => requireBpfLsm(join(folder, 'nothing'))).not.toThrow();
});
