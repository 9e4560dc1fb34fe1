/**
 * What a host keeps of registries: contents by digest, each a file. Files are complete or not there, and checked when they
 * are read: a damaged one is as good as none.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformError, type RootletError } from '../../diag/index.ts';
import { digestOf } from './digest.ts';

const TEMPORARY = '.new';
const SIGNATURES = '.sig';

/** Contents of registries that a host keeps, by digest, in a directory. */
export class ObjectCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = join(directory, 'sha256');
  }

  /** Undefined for what is not there, or is damaged. Throws `oci-cache`. */
  get(digest: string): Uint8Array | undefined {
    const bytes = this.#read(this.#path(digest));
    return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined;
  }

  /** Throws `oci-cache`. */
  put(digest: string, bytes: Uint8Array): void {
    this.#write(this.#path(digest), bytes);
  }

  /** The manifest of the signatures of an image; what it says is checked with keys whenever it is used. @internal */
  getSignatures(digest: string): Uint8Array | undefined {
    return this.#read(`${this.#path(digest)}${SIGNATURES}`);
  }

  /** @internal */
  putSignatures(digest: string, manifest: Uint8Array): void {
    this.#write(`${this.#path(digest)}${SIGNATURES}`, manifest);
  }

  #read(path: string): Uint8Array | undefined {
    try {
      return readFileSync(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw cacheError(path, error);
    }
  }

  #write(path: string, bytes: Uint8Array): void {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      const unfinished = `${path}.${process.pid}${TEMPORARY}`;
      writeFileSync(unfinished, bytes, { mode: 0o600, flush: true });
      renameSync(unfinished, path);
    } catch (error) {
      throw cacheError(path, error);
    }
  }

  /** Removes what is neither kept nor younger than `age` milliseconds. Returns how many files that were. */
  prune(keep: ReadonlySet<string>, now: number, age: number): number {
    const old = this.#names().filter(name => {
      const path = join(this.#directory, name);
      return (
        !keep.has(`sha256:${name.replace(SIGNATURES, '')}`) &&
        now - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now) > age
      );
    });
    for (const name of old) rmSync(join(this.#directory, name), { force: true });
    return old.length;
  }

  #names(): string[] {
    try {
      return readdirSync(this.#directory);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw cacheError(this.#directory, error);
    }
  }

  /** Digests are 64 digits: no path leads out of the directory. */
  #path(digest: string): string {
    return join(this.#directory, digest.slice('sha256:'.length).replace(/[^0-9a-f]/g, ''));
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function cacheError(path: string, error: unknown): RootletError {
  const reason = error instanceof Error ? error.message : String(error);
  return platformError('oci-cache', [path], `the cache of objects cannot be used: ${reason}`, {
    hint: '--state DIR names another directory',
  });
}
