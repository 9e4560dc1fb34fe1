/**
 * Records of the desired state, as data with their checked forms: revisions, the target, drained hosts. What etcd has is
 * hostile: sizes are bounded, and a record that does not fit is a problem with its key.
 */

import { inputError } from '../../diag/index.ts';
import {
  flag,
  integer,
  type JsonShape,
  list,
  Misfit,
  nullable,
  number,
  object,
  otherwise,
  parseJson,
  text,
} from '../io/index.ts';
import { DIGEST } from '../objects/index.ts';

/** Most bytes of the documents of a revision. */
export const MOST_DOCUMENT = 512 << 10;
/** Most objects that a revision names. */
const MOST_OBJECTS = 1024;
const MOST_REVISION = 9_999_999_999;

/** An object as a document names it, and the digest that it had when the revision was made. */
export interface RevisionObject {
  readonly file: string;
  readonly digest: string;
}

/** One state of all hosts. Never changed once it is written. */
export interface Revision {
  readonly revision: number;
  /** YAML, as it was given. */
  readonly document: string;
  /** SHA-256 of documents and digests: equal for revisions that mean the same. */
  readonly content: string;
  readonly objects: readonly RevisionObject[];
  readonly author: string;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The revision whose contents it has again; null for others. */
  readonly rollbackOf: number | null;
}

/** Which revision hosts run: `stable`, but `next` for those up to a place in their order. */
export interface Target {
  readonly stable: number;
  readonly next: {
    readonly revision: number;
    /** Of the order of hosts. */
    readonly salt: string;
    /** Hosts with a place of at most this have it. */
    readonly upTo: number;
  } | null;
}

/** Nothing was assigned yet. */
export const NO_TARGET: Target = { stable: 0, next: null };

const REVISION_NUMBER = integer(1, MOST_REVISION);

const REVISION: JsonShape<Revision> = object({
  revision: REVISION_NUMBER,
  document: text(MOST_DOCUMENT),
  content: text(80, DIGEST),
  objects: list(object({ file: text(512), digest: text(80, DIGEST) }), MOST_OBJECTS),
  author: otherwise(text(256), ''),
  message: otherwise(text(4096), ''),
  time: integer(),
  rollbackOf: otherwise(nullable(REVISION_NUMBER), null),
});

const TARGET: JsonShape<Target> = object({
  stable: integer(0, MOST_REVISION),
  next: nullable(object({ revision: REVISION_NUMBER, salt: text(64), upTo: number(0, 1) })),
});

const HEAD = object({ revision: REVISION_NUMBER });
const DRAINED = object({
  author: otherwise(text(256), ''),
  time: integer(),
  drained: otherwise(flag(), true),
});

export function readRevision(key: string, value: string): Revision {
  const revision = readRecord(key, value, REVISION);
  if (key.endsWith(String(revision.revision).padStart(10, '0'))) return revision;
  throw recordError(key, 'has the number of another revision');
}

export function readTarget(key: string, value: string): Target {
  return readRecord(key, value, TARGET);
}

export function readHead(key: string, value: string): number {
  return readRecord(key, value, HEAD).revision;
}

export function readDrained(key: string, value: string) {
  return readRecord(key, value, DRAINED);
}

/** A record by its shape. Throws `fleet-record`. */
export function readRecord<T>(key: string, value: string, shape: JsonShape<T>): T {
  try {
    return parseJson(value, shape);
  } catch (error) {
    if (error instanceof Misfit) throw recordError(key, error.message);
    throw error;
  }
}

function recordError(key: string, message: string) {
  return inputError('fleet-record', [key], `is not a record of a fleet: ${message}`, {
    subject: key,
    hint: 'another program wrote it, or a newer rootlet: look who can write below /rootlet/v1',
  });
}
