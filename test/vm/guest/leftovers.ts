/** What tests leave behind: no other process uses BPF in the virtual machine, so that every object that stays is theirs. */

import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import {
  listIds,
  type ObjectKind,
  openById,
  readMapInfo,
  readProgramInfo,
} from '../../../src/kernel/objects/info.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';

const KINDS: readonly ObjectKind[] = ['program', 'map', 'link', 'btf'];
/** The kernel releases objects a little after their last descriptor is closed. */
const PATIENCE_MS = 10_000;

export interface Leftovers {
  /** What is there now that was not there before, as text; '' when there is nothing. */
  find(): Promise<string>;
}

export function leftovers(sys: Sys): Leftovers {
  const before = inventory(sys);
  const fresh = () => [...inventory(sys)].filter(name => !before.has(name));
  return {
    async find() {
      for (let waited = 0; waited < PATIENCE_MS && fresh().length > 0; waited += 100) await wait(100);
      return fresh()
        .map(name => name + nameOf(sys, name))
        .join(', ');
    },
  };
}

function inventory(sys: Sys): Set<string> {
  const objects = KINDS.flatMap(kind => listIds(sys, kind).map(id => `${kind} ${id}`));
  const pins = readdirSync('/sys/fs/bpf').map(name => `pin ${name}`);
  const interfaces = readdirSync('/sys/class/net').map(name => `interface ${name}`);
  return new Set([...objects, ...pins, ...interfaces]);
}

/** Name of a program or map that is left, for the message. */
function nameOf(sys: Sys, object: string): string {
  const [kind = '', id = ''] = object.split(' ');
  if (kind !== 'program' && kind !== 'map') return '';
  using fd = openById(sys, kind, Number(id));
  if (fd === undefined) return '';
  const { name } = kind === 'map' ? readMapInfo(sys, fd.number) : readProgramInfo(sys, fd.number);
  return ` "${name}"`;
}
