/**
 * A file as every function takes it: bytes, and the name that messages use. Nothing here reads files, so that
 * the same functions work in a browser. Separate so that there is one shape of it.
 */

import { argumentError, isBytes, requireRecord, requireText } from '../diag/index.ts';

/** The contents of a file, and its name for messages. */
export interface InputFile {
  /** Path or name; messages begin with it. */
  readonly name: string;
  /** Must not change while what was made of it is in use. */
  readonly bytes: Uint8Array;
  /** Opens the contents to be read once, without `bytes` in between. @internal */
  readonly open?: () => FileSource;
}

/** Contents that are read piece by piece. */
export interface FileSource {
  /** How many bytes are expected; there may be more or less. */
  readonly size: number;
  /** Fills the array from its start; returns how many bytes there were, 0 at the end. */
  read(into: Uint8Array): number;
  close(): void;
}

const FILE = '{ name, bytes }';

/**
 * Throws a `TypeError` unless `value` is a file. `place` is function and argument, `wanted` the accepted
 * values as text.
 */
export function requireFile(place: string, value: unknown, wanted = FILE): asserts value is InputFile {
  requireRecord(place, wanted, value);
  if (!('bytes' in value)) throw argumentError(place, wanted, value);
  requireText(
    `${place}.name`,
    "a string, the file's name for messages",
    'name' in value ? value.name : undefined,
  );
  const own = Object.getOwnPropertyDescriptor(value, 'bytes');
  // what a getter reads, it reads once, when the bytes are needed
  if (own?.get === undefined && own !== undefined && !isBytes(own.value))
    throw argumentError(`${place}.bytes`, 'a Uint8Array', own.value);
}
