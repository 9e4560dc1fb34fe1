/**
 * What an agent keeps on the disk of its host: the last good revision, which runs again after a restart without any
 * server, the newest revision that was begun, and which hooks are its own. Written whole or not at all.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformError, RootletError } from '../../diag/index.ts';
import { type Revision, readRecord, readRevision } from '../desired/index.ts';
import { flag, integer, list, nullable, object, otherwise, text, word } from '../io/index.ts';

/** A hook that the agent made a chain on. */
export interface ManagedHook {
  readonly kind: 'xdp' | 'tc';
  readonly direction: 'ingress' | 'egress' | null;
  readonly interface: string;
}

export interface AgentMemory {
  /** Of this agent, whichever process it is. */
  readonly id: string;
  /** The newest revision that was begun. */
  readonly seen: number;
  /** The last good one; null before the first. */
  readonly good: Revision | null;
  readonly managed: readonly ManagedHook[];
  readonly isEmptied: boolean;
  /** The start of the kernel in which a revision was begun last. */
  readonly boot: string;
}

const MEMORY = object({
  id: text(64),
  seen: integer(),
  good: nullable((value, path) => readRevisionIn(value, path)),
  managed: list(
    object({
      kind: word(['xdp', 'tc']),
      direction: nullable(word(['ingress', 'egress'])),
      interface: text(128),
    }),
    1024,
  ),
  isEmptied: otherwise(flag(), false),
  boot: otherwise(text(64), ''),
});

/** The number is part of the name under which it is checked. */
function readRevisionIn(value: unknown, path: string): Revision {
  const { revision } = object({ revision: integer() })(value, path);
  return readRevision(`${path}/${String(revision).padStart(10, '0')}`, JSON.stringify(value));
}

const FILE = 'agent.json';
const MOST_BYTES = 4 << 20;

/** The file of an agent in a directory. */
export class MemoryFile {
  readonly #path: string;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, FILE);
  }

  /** Throws `fleet-state` for a file that cannot be read: what it has decides what may be applied. */
  read(): AgentMemory {
    try {
      if (statSync(this.#path).size > MOST_BYTES) throw stateError(this.#path, 'is too large');
      return readRecord(this.#path, readFileSync(this.#path, 'utf8'), MEMORY);
    } catch (error) {
      if (isMissing(error))
        return { id: randomUUID(), seen: 0, good: null, managed: [], isEmptied: false, boot: '' };
      if (error instanceof RootletError && error.code === 'fleet-state') throw error;
      throw stateError(this.#path, error instanceof Error ? error.message : String(error));
    }
  }

  /** Throws `fleet-state`. */
  write(memory: AgentMemory): void {
    const unfinished = `${this.#path}.new`;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      writeFileSync(unfinished, JSON.stringify(memory), { mode: 0o600, flush: true });
      renameSync(unfinished, this.#path);
    } catch (error) {
      throw stateError(this.#path, error instanceof Error ? error.message : String(error));
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function stateError(path: string, message: string): RootletError {
  return platformError('fleet-state', [path], `what the agent keeps cannot be used: ${message}`, {
    hint: '--state DIR names another directory; without the file, the agent begins as on a new host',
  });
}
