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
  let complete = true;
  const open = <T>(prefix: string, kind: 'program' | 'link', adopt: (fd: Fd) => T): T[] =>
    (generation?.names() ?? []).flatMap(name => {
      if (!name.startsWith(prefix) || generation === undefined) return [];
      try {
        return [adopt(openPinIn(sys, generation, join(generation.path, name), kind))];
      } catch (error) {
        if (!(error instanceof RootletError)) throw error;
        complete = false;
        return [];
      }
    });
  const programs = open('prog_', 'program', fd => BpfProgram.adopt(sys, fd));
  const links = open('link_', 'link', fd => new Attachment(sys, fd, `attachment of ${entry.path}`));
  return { programs, links, complete };
}
