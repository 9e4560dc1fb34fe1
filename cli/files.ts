/**
 * Files in and out.
 *
 * Inputs are read whole before anything is written; output goes to a new file beside its place and is renamed over it,
 * so that a failure leaves the old file as it was and an output that is also an input is safe.
 */

import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inputError, RootletError, usageError } from '../src/diag/index.ts';

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Contents of a file, or of stdin for `-`. */
export function readInput(path: string): NamedBytes {
  try {
    return path === '-'
      ? { name: '<stdin>', bytes: readFileSync(0) }
      : { name: path, bytes: readFileSync(path) };
  } catch (error) {
    throw inputError('file-read', [path], `cannot be read: ${reasonOf(error)}`);
  }
}

/** All inputs; every one that cannot be read is reported, not only the first. */
export function readInputs(paths: readonly string[]): NamedBytes[] {
  const inputs: NamedBytes[] = [];
  const problems = [];
  for (const path of paths) {
    try {
      inputs.push(readInput(path));
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new RootletError(problems);
  return inputs;
}

/**
 * A file whose contents are read when they are asked for, and not kept: a linker makes its own form of each input, and
 * thousands of them would otherwise be in memory twice. Reading throws as `readInput` does.
 */
export function lazyInput(path: string): NamedBytes {
  if (path === '-') return readInput(path);
  return {
    name: path,
    get bytes() {
      return readInput(path).bytes;
    },
  };
}

/** Arguments with every `@file` replaced by the words of that file: separated by white space, `"…"` kept whole. */
export function expandResponseFiles(paths: readonly string[]): string[] {
  return paths.flatMap(path =>
    path.startsWith('@') && path.length > 1 ? wordsOf(readInput(path.slice(1))) : [path],
  );
}

function wordsOf(file: NamedBytes): string[] {
  const text = new TextDecoder().decode(file.bytes);
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(match => match[1] ?? match[2] ?? '');
}

/** Writes `bytes` to `path` (`-`: stdout) as one step. */
export function writeOutput(path: string, bytes: Uint8Array): void {
  if (path === '-') {
    writeAll(1, bytes);
    return;
  }
  const target = targetOf(path);
  if (target === null) {
    writeDirectly(path, bytes);
    return;
  }
  const temporary = temporaryName(target);
  try {
    const fd = openSync(temporary, 'wx', 0o666);
    try {
      writeAll(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
  } catch (error) {
    removeQuietly(temporary);
    throw inputError('file-write', [path], `cannot be written: ${reasonOf(error)}`);
  }
}

/** The file to replace: behind symbolic links; null for what cannot be replaced (a terminal, a pipe, a device). */
function targetOf(path: string): string | null {
  try {
    return statSync(path).isFile() ? realpathSync(path) : null;
  } catch {
    return path; // it is not there yet
  }
}

function writeDirectly(path: string, bytes: Uint8Array): void {
  try {
    const fd = openSync(path, 'w');
    try {
      writeAll(fd, bytes);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw inputError('file-write', [path], `cannot be written: ${reasonOf(error)}`);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(fd, bytes, written);
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it was never made, or is gone already
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'no such file or directory';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    case 'ENOTDIR':
      return 'a part of the path is no directory';
    case 'ENOSPC':
      return 'no space left on the device';
    default:
      return code === '' ? String(error) : code;
  }
}

/** `-o` is needed: an output in a default place would surprise somebody. */
export function requireOutput(path: string | undefined): string {
  if (path !== undefined && path !== '') return path;
  throw usageError('usage-no-output', 'say where the result goes: -o OUT');
}

const CHUNK = 1 << 20;

/** Contents of a file (`-`: stdin) in pieces; each is good until the next one is asked for. */
export function* readChunks(path: string): Generator<Uint8Array> {
  const fd = path === '-' ? 0 : openForReading(path);
  const buffer = new Uint8Array(CHUNK);
  try {
    for (let count = readSome(path, fd, buffer); count > 0; count = readSome(path, fd, buffer))
      yield buffer.subarray(0, count);
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw inputError('file-read', [path], `cannot be read: ${reasonOf(error)}`);
  }
}

function readSome(path: string, fd: number, buffer: Uint8Array): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    throw inputError('file-read', [path], `cannot be read: ${reasonOf(error)}`);
  }
}

/** A file written piece by piece, which appears under its name only when it is complete. */
export class FileOutput {
  readonly #path: string;
  readonly #target: string | null;
  readonly #temporary: string;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(CHUNK);
  #length = 0;

  constructor(path: string) {
    this.#path = path;
    this.#target = path === '-' ? null : targetOf(path);
    this.#temporary = this.#target === null ? path : temporaryName(this.#target);
    this.#fd = path === '-' ? 1 : this.#open();
  }

  #open(): number {
    try {
      return openSync(this.#temporary, this.#target === null ? 'w' : 'wx', 0o666);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): Error {
    return inputError('file-write', [this.#path], `cannot be written: ${reasonOf(error)}`);
  }

  write(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) this.#flush();
    if (bytes.length > this.#buffer.length) this.#writeThrough(bytes);
    else {
      this.#buffer.set(bytes, this.#length);
      this.#length += bytes.length;
    }
  }

  #flush(): void {
    this.#writeThrough(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  #writeThrough(bytes: Uint8Array): void {
    try {
      writeAll(this.#fd, bytes);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Puts the file in its place. */
  commit(): void {
    this.#flush();
    if (this.#fd === 1) return;
    try {
      if (this.#target !== null) fsyncSync(this.#fd);
      closeSync(this.#fd);
      if (this.#target !== null) renameSync(this.#temporary, this.#target);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Leaves no trace of it. */
  abort(): void {
    if (this.#fd === 1) return;
    closeQuietly(this.#fd);
    if (this.#target !== null) removeQuietly(this.#temporary);
  }
}

function temporaryName(target: string): string {
  return join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // closed before
  }
}
