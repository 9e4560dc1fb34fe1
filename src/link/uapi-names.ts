/** Names of program and map types as people write them: the kernel's constants without their prefix, in lower case. */

import * as uapi from '../object/uapi.ts';

function namesWithPrefix(prefix: string): Readonly<Record<number, string>> {
  const names: Record<number, string> = {};
  for (const [key, value] of Object.entries(uapi)) {
    if (key.startsWith(prefix) && typeof value === 'number' && names[value] === undefined) {
      names[value] = key.slice(prefix.length).toLowerCase();
    }
  }
  return names;
}

export const BPF_PROG_TYPE_NAMES = namesWithPrefix('BPF_PROG_TYPE_');
export const BPF_MAP_TYPE_NAMES = namesWithPrefix('BPF_MAP_TYPE_');
