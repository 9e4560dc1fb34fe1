/** Pins of an entry whose record cannot be read: what they hold is known from the kernel alone. */

import { join } from 'node:path';
import { RootletError } from '../diag/index.ts';
import { Attachment, BpfProgram, type Fd, type Sys } from '../kernel/index.ts';
import type { Directory } from './directory.ts';
import { readLayout } from './layout.ts';
import { openPinIn } from './pins.ts';

/** Owned by the caller. */
export interface LoosePins {
  readonly programs: readonly BpfProgram[];
  readonly links: readonly Attachment[];
  /** Whether all could be opened. */
  readonly complete: boolean;
}

/** Of the generation that counts. */
export function openLoosePins(sys: Sys, entry: Directory): LoosePins {
  const { current } = readLayout(entry);
  using generation = current === 0 ? undefined : entry.open(String(current));
  return generation === undefined ? { programs: [], links: [], complete: true } : openIn(sys, generation);
}

function openIn(sys: Sys, generation: Directory): LoosePins {
  const names = generation.names();
  const programs: BpfProgram[] = [];
  const links: Attachment[] = [];
  const complete = names.map(name =>
    isOpened(() => {
      const open = (kind: 'program' | 'link'): Fd =>
        openPinIn(sys, generation, join(generation.path, name), kind);
      if (name.startsWith('prog_')) programs.push(BpfProgram.adopt(sys, open('program')));
      if (name.startsWith('link_')) links.push(new Attachment(sys, open('link'), `attachment ${name}`));
    }),
  );
  return { programs, links, complete: !complete.includes(false) };
}

function isOpened(open: () => void): boolean {
  try {
    open();
    return true;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}
