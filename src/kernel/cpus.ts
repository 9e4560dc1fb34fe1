/** How many CPUs the kernel may ever have: the length of every per-CPU value. */

import { readFileSync } from 'node:fs';
import { platformError } from '../diag/index.ts';

const SOURCE = '/sys/devices/system/cpu/possible';

let known: number | undefined;

/** Number of possible CPUs; read once. Throws `kernel-cpus` when the kernel does not say. */
export function possibleCpus(): number {
  known ??= cpuCountOf(readFileSync(SOURCE, 'utf8'));
  return known;
}

/** One more than the highest number in a list such as `0-3,8`. */
export function cpuCountOf(list: string): number {
  const last = list.trim().split(/[,-]/).at(-1) ?? '';
  if (!/^\d{1,5}$/.test(last)) {
    throw platformError('kernel-cpus', [SOURCE], 'does not hold a list of CPUs');
  }
  return Number(last) + 1;
}
