/**
 * Functions of one provider as replacements (freplace): each is loaded once for each kind of program, and
 * attached to any number of stubs of any number of consumers.
 */

import { RootletError } from '../../diag/index.ts';
import { type Attachment, attachReplacement, type BpfProgram, type Sys } from '../../kernel/index.ts';
import type { AttachTarget } from '../../load/index.ts';
import { EBUSY } from '../../uapi/index.ts';

export interface Replacement {
  readonly function: string;
  /** Kind of the programs that it is for; see `kindId`. */
  readonly kind: string;
  readonly program: BpfProgram;
}

export class Replacements {
  readonly loaded: Replacement[] = [];
  /** Whether something was added since this was false. */
  changed = false;

  /** The program for a function, loaded by `load` when it is first requested. It stays this object's. */
  programFor(name: string, kind: string, load: () => BpfProgram): BpfProgram {
    const known = this.loaded.find(entry => entry.function === name && entry.kind === kind);
    if (known !== undefined) return known.program;
    const program = load();
    this.loaded.push({ function: name, kind, program });
    this.changed = true;
    return program;
  }

  close(): void {
    for (const { program } of this.loaded) program.close();
    this.loaded.length = 0;
  }
}

/**
 * A stub that was just released may be busy for a moment: detaching a pin whose unlink was the last use is
 * not synchronous.
 */
const TRIES = 50;
const PAUSE_MS = 4;

/** Attaches a replacement to a stub, waiting if the stub is being released. Throws `kernel-attach`. */
export function attachToStub(sys: Sys, program: BpfProgram, target: AttachTarget): Attachment {
  for (let attempt = 1; ; attempt++) {
    try {
      return attachReplacement(sys, program.fd.number, target.fd, target.btfId);
    } catch (error) {
      const busy = error instanceof RootletError && error.problems[0]?.errno === EBUSY;
      if (!busy || attempt === TRIES) throw error;
      pause(PAUSE_MS);
    }
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
