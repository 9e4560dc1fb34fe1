/**
 * Whether programs on security hooks (LSM) run at all: otherwise the kernel attaches them without an error.
 */

import { readFileSync } from 'node:fs';
import { platformError } from '../../diag/index.ts';

const ACTIVE_MODULES = '/sys/kernel/security/lsm';

/** Names of the active security modules; undefined where securityfs is not mounted. */
export function securityModules(path = ACTIVE_MODULES): readonly string[] | undefined {
  try {
    return readFileSync(path, 'latin1').trim().split(',');
  } catch {
    return undefined;
  }
}

/** Throws `kernel-lsm-inactive` if the kernel certainly does not run programs. */
export function requireBpfLsm(path = ACTIVE_MODULES): void {
  const active = securityModules(path);
  if (active === undefined || active.includes('bpf')) return;
  throw platformError(
    'kernel-lsm-inactive',
    [],
    `BPF is not among the active security modules (${active.join(', ')}): the program would be attached and never run`,
    { hint: `boot the kernel with lsm=${[...active, 'bpf'].join(',')}` },
  );
}
