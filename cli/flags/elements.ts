/** Arguments of commands on elements of maps. */

import { usageError } from '../../src/diag/index.ts';
import type { PutMode } from '../../src/dynamic/index.ts';

export const MAP = {
  parse: String,
  placeholder: 'NAME.MAP',
  brief: 'Attachment or loaded object, and its map',
} as const;

export const KEY = {
  parse: String,
  placeholder: 'KEY',
  brief: 'Key; left out for maps without keys',
  optional: true,
} as const;

export const cpuFlag = { kind: 'parsed', parse: parseCpu, optional: true, placeholder: 'N' } as const;

function parseCpu(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new Error(`${text} is not the number of a CPU`);
}

export interface PutFlags {
  readonly exist: boolean;
  readonly noexist: boolean;
}

/** Throws `usage-arguments` for both. */
export function putMode({ exist, noexist }: PutFlags): PutMode {
  if (exist && noexist) throw usageError('usage-arguments', '--exist and --noexist exclude each other');
  if (noexist) return 'new';
  return exist ? 'existing' : 'any';
}
