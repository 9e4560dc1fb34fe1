/**
 * Files in and out.
 *
 * Inputs are read whole before anything is written; output goes to a new file beside its place and is renamed
 * over it, so that a failure leaves the old file as it was and an output that is also an input is safe.
 */

import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { elementAt, type FileSource, type InputFile, valueAt } from '../../src/bytes/index.ts';
import { inputError, LIMITS, type Limits, quote, RootletError, usageError } from '../../src/diag/index.ts';
import { NOT_REGULAR, readRegular } from '../../src/kernel/index.ts';
import { InputObject } from '../../src/object/index.ts';
import { expandWords } from './response-file.ts';
import { codeOf, isBrokenPipe, readSome, writeAll } from './stdio.ts';
import { openSpecial, removeLeft, type Target, targetOf, temporaryName } from './target.ts';

/** Object files, one for each path that is given, however often; parsed when they are first used, within limits. */
export function readObjectFiles(paths: readonly string[], limits?: Limits): InputObject[] {
  const distinct = [...new Set(paths)];
  const inputs = readInputs(distinct);
  const files = new Map(
    inputs.map((input, at) => {
      const path = elementAt(distinct, at);
      return [path, new InputObject({ ...input, path: resolve(path) }, undefined, limits)] as const;
    }),
  );
  return paths.map(path => valueAt(files, path));
}

/** The same of one path. */
export function readObjectFile(path: string, limits?: Limits): InputObject {
  return new InputObject(readInput(path), undefined, limits);
}

/** Contents of a file, or of stdin for `-`. */
export function readInput(path: string): InputFile {
  try {
    return path === '-' ? { name: '<stdin>', bytes: readStdin() } : { name: path, bytes: readWhole(path) };
  } catch (error) {
    if (error instanceof RootletError) throw error;
    throw inputError('file-read', [path], `cannot be read: ${reasonOf(error)}`);
  }
}

/** Contents of a regular file that a file names, not the user: nothing that is waited for, or has no end. */
export function readNamed(path: string): InputFile {
  try {
    requireFileSize(path, statSync(path).size);
    return { name: path, bytes: readRegular(path) };
  } catch (error) {
    if (error instanceof RootletError) throw error;
    throw inputError('file-read', [path], `cannot be read: ${reasonOf(error)}`);
  }
}

function readWhole(path: string): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    requireFileSize(path, fstatSync(fd).size);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function readStdin(): Uint8Array {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(CHUNK);
  let size = 0;
  for (let count = readSome(0, buffer); count > 0; count = readSome(0, buffer)) {
    size += count;
    requireFileSize('<stdin>', size);
    chunks.push(buffer.slice(0, count));
  }
  return Buffer.concat(chunks);
}

/** Throws `file-size` for what no memory of 2 GiB holds beside what is made of it. */
function requireFileSize(name: string, size: number): void {
  if (size <= LARGEST) return;
  throw inputError('file-size', [name], `has ${size} bytes; files that are read have at most ${LARGEST}`, {
    hint: 'make it smaller: "llvm-objcopy --strip-debug" leaves the debug information of an object out',
  });
}

/** All inputs; every one that cannot be read is reported, not only the first. */
export function readInputs(paths: readonly string[]): InputFile[] {
  const inputs: InputFile[] = [];
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
 * A file whose contents are read when they are requested, and not kept: a linker builds its own
 * representation of each input, and thousands of them would otherwise be in memory twice. Reading throws as
 * `readInput` does.
 */
export function lazyInput(path: string): InputFile {
  return path === '-' ? readInput(path) : new LazyInput(path);
}

class LazyInput implements InputFile {
  readonly name: string;

  constructor(path: string) {
    this.name = path;
  }

  get bytes(): Uint8Array {
    return readInput(this.name).bytes;
  }

  open(): FileSource {
    return openFile(this.name);
  }
}

/** A file to be read once, piece by piece, into memory of the reader. */
function openFile(path: string): FileSource {
  const fd = openForReading(path);
  const stats = statsOf(path, fd);
  const { size } = stats;
  // a file with contents on a disk gives all that is asked for, except at its end
  const isWhole = stats.isFile() && size > 0;
  let hasEnded = false;
  return {
    size,
    read(into) {
      if (hasEnded) return 0;
      const count = readPiece(path, fd, into);
      hasEnded = isWhole && count >= size && count < into.length;
      return count;
    },
    close: () => closeSync(fd),
  };
}

function statsOf(path: string, fd: number): Stats {
  try {
    const stats = fstatSync(fd);
    requireFileSize(path, stats.size);
    if (!stats.isDirectory()) return stats;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  throw inputError('file-read', [path], `cannot be read: ${reasonOf({ code: 'EISDIR' })}`);
}

/** Arguments with every `@FILE` replaced by the words of that file. */
export function expandResponseFiles(words: readonly string[]): string[] {
  return expandWords(words, path => new TextDecoder().decode(readInput(path).bytes));
}

/**
 * Writes `bytes` to `path` (`-`: stdout) as one step. What a linker writes can be made again, and waiting for the
 * disk would take longer than linking: the file is not synchronized unless it is `lasting`. Then a crash of the
 * machine leaves the old file or the new one.
 */
export function writeOutput(path: string, bytes: Uint8Array, lasting = false): void {
  const output = new FileOutput(path, lasting);
  try {
    output.writeThrough(bytes);
    output.commit();
  } catch (error) {
    output.abort();
    throw error;
  }
}

/** Refuses outputs that would overwrite each other; devices take any number. */
export function requireDistinct(outputs: readonly (string | undefined)[]): void {
  const given = outputs.filter(path => path !== undefined);
  if (given.length < 2) return;
  const seen = new Set<string>();
  for (const path of given) {
    const place = placeOf(path);
    if (place === null) continue;
    if (seen.has(place))
      throw usageError('usage-same-output', `two outputs go to ${path === '-' ? 'stdout' : quote(path)}`);
    seen.add(place);
  }
}

/** Refuses an output beside the main one that would overwrite an input. */
export function requireNoInput(output: string | undefined, inputs: readonly string[]): void {
  if (output === undefined || output === '-') return;
  const place = placeOf(output);
  if (place !== null && inputs.some(input => placeOf(input) === place))
    throw usageError('usage-same-output', `${quote(output)} is an input: it would be overwritten`);
}

/** What two spellings of one file have in common; null for what is not a file. */
function placeOf(path: string): string | null {
  if (path === '-') return path;
  try {
    return statSync(path).isFile() ? realpathSync(path) : null;
  } catch {
    return resolve(path);
  }
}

/** What the umask took away. Under the permission model of Node that stays away. */
function setMode(fd: number, mode: number): void {
  try {
    fchmodSync(fd, mode);
  } catch (error) {
    if (codeOf(error) !== 'ERR_ACCESS_DENIED') throw error;
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it was never made, or is gone already
  }
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case 'ENOENT':
      return 'no such file or directory';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    case NOT_REGULAR:
      return 'it is not a regular file';
    case 'ENXIO':
      return 'it is a pipe without a reader, or a socket';
    case 'ENOTDIR':
      return 'a part of the path is not a directory';
    case 'ENOSPC':
      return 'no space left on the device';
    case 'ENAMETOOLONG':
      return 'the name is too long';
    case 'EMFILE':
      return 'too many open files in this process (ulimit -n)';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ERR_ACCESS_DENIED':
      return "the permission model of Node denies it (--allow-fs-read and --allow-fs-write, both for an output's directory)";
    default:
      return code === '' ? String(error) : code;
  }
}

/** `-o` is required: there is no default output. */
export function requireOutput(path: string | undefined): string {
  if (path !== undefined && path !== '') return path;
  throw usageError('usage-no-output', 'no output file: -o OUT');
}

const CHUNK = 1 << 20;
/** Most bytes of a file: 2 GiB, without what else there is in a memory of that size. */
const LARGEST = LIMITS.memory.most - 0x1_0000;

/** Contents of a file (`-`: stdin) in pieces; each is valid until the next one is read. */
export function* readChunks(path: string): Generator<Uint8Array> {
  const fd = path === '-' ? 0 : openForReading(path);
  const buffer = new Uint8Array(CHUNK);
  try {
    for (let count = readPiece(path, fd, buffer); count > 0; count = readPiece(path, fd, buffer))
      yield buffer.subarray(0, count);
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

/** Bytes of a regular file; null of anything else (`-`: stdin), whose end is not known. */
export function sizeOfFile(path: string): number | null {
  if (path === '-') return null;
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.size : null;
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw inputError('file-read', [path], `cannot be read: ${reasonOf(error)}`);
  }
}

function readPiece(path: string, fd: number, buffer: Uint8Array): number {
  try {
    return readSome(fd, buffer);
  } catch (error) {
    throw inputError('file-read', [path], `cannot be read: ${reasonOf(error)}`);
  }
}

/** A file written piece by piece, which appears under its name only when it is complete. */
export class FileOutput {
  readonly #path: string;
  readonly #lasting: boolean;
  /** Null: stdout. */
  readonly #target: Target | null;
  /** What is not written yet; made for the first small piece. */
  #buffer = new Uint8Array(0);
  #temporary: string | null = null;
  #fd: number;
  #length = 0;

  /** `lasting`: what is written cannot be made again, so that it is on the disk before it has its name. */
  constructor(path: string, lasting: boolean) {
    this.#path = path;
    this.#lasting = lasting;
    this.#target = path === '-' ? null : targetOf(path);
    try {
      this.#fd = this.#target === null ? 1 : this.#open(this.#target);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #open(target: Target): number {
    if (target.kind === 'special') return openSpecial(target);
    removeLeft(target.path);
    for (let attempt = 0; ; attempt++) {
      const name = temporaryName(target.path, attempt);
      try {
        const fd = openSync(name, 'wx', target.mode ?? 0o666);
        this.#temporary = name;
        if (target.mode !== null) setMode(fd, target.mode);
        return fd;
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error; // left by a run that was killed
      }
    }
  }

  /** A closed pipe is not a failure: the error is kept as it is, and ends the command silently. */
  #failure(error: unknown): unknown {
    if (error instanceof RootletError) return error;
    if (this.#path === '-' && isBrokenPipe(error)) return error;
    const name = this.#path === '-' ? '<stdout>' : this.#path;
    return inputError('file-write', [name], `cannot be written: ${reasonOf(error)}`);
  }

  write(bytes: Uint8Array): void {
    if (this.#length + bytes.length > CHUNK) this.#flush();
    if (bytes.length > CHUNK) this.writeThrough(bytes);
    else {
      if (this.#buffer.length === 0) this.#buffer = new Uint8Array(CHUNK);
      this.#buffer.set(bytes, this.#length);
      this.#length += bytes.length;
    }
  }

  #flush(): void {
    if (this.#length > 0) this.#put(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  /** Writes what there is, and `bytes` without a copy. */
  writeThrough(bytes: Uint8Array): void {
    this.#flush();
    this.#put(bytes);
  }

  #put(bytes: Uint8Array): void {
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
      const isFile = this.#target?.kind === 'file';
      if (isFile && this.#lasting) fsyncSync(this.#fd);
      this.#close();
      if (isFile && this.#temporary !== null) renameSync(this.#temporary, this.#target.path);
      this.#temporary = null;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #close(): void {
    if (this.#fd <= 1) return;
    const fd = this.#fd;
    this.#fd = -1;
    closeSync(fd);
  }

  /** Leaves no trace of it. */
  abort(): void {
    try {
      this.#close();
    } catch {
      // the failure that led here has been told
    }
    if (this.#temporary !== null) removeQuietly(this.#temporary);
    this.#temporary = null;
  }
}
