/** Hints for externs without a definition that only lack an attribute. Of linking, loading and the machine alike. */

import { quote } from '../../diag/index.ts';

const VIRTUAL_VALUES: ReadonlySet<string> = new Set([
  'LINUX_KERNEL_VERSION',
  'LINUX_HAS_BPF_COOKIE',
  'LINUX_HAS_SYSCALL_WRAPPER',
]);

/** Names of the kernel configuration are bound if they are declared `__kconfig`; undefined for other names. */
export function kconfigHint(name: string): string | undefined {
  if (!name.startsWith('CONFIG_') && !VIRTUAL_VALUES.has(name)) return undefined;
  return `${quote(name)} is a value of the kernel configuration: declare it __kconfig`;
}
