/**
 * The desired state in etcd: revisions that are written once, and the target. Everything is a transaction that compares
 * what was read: of two operators who change the same, one is refused (`fleet-conflict`).
 */

import { problem, RootletError, usageError } from '../../diag/index.ts';
import type { Compare, Etcd, KeyValue, Operation } from '../etcd/index.ts';
import { contentOf, objectsIn, readFleetDocuments } from './documents.ts';
import type { FleetKeys } from './keys.ts';
import {
  MOST_DOCUMENT,
  NO_TARGET,
  type Revision,
  type RevisionObject,
  readHead,
  readRevision,
  readTarget,
  type Target,
} from './revision.ts';

/** Etcd, and where a fleet is in it. */
export interface FleetContext {
  readonly etcd: Etcd;
  readonly keys: FleetKeys;
  readonly signal?: AbortSignal | undefined;
}

/** The target with what a change of it compares. */
export interface CurrentTarget {
  readonly target: Target;
  /** Revision of etcd; 0 when there is none. */
  readonly modified: number;
}

export async function readCurrent({ etcd, keys, signal }: FleetContext): Promise<CurrentTarget> {
  const { found } = await etcd.get(keys.target, signal);
  if (found === undefined) return { target: NO_TARGET, modified: 0 };
  return { target: readTarget(found.key, found.value), modified: found.modified };
}

/** Number of the newest revision; 0 without one. */
export async function readNewest({ etcd, keys, signal }: FleetContext): Promise<number> {
  return headOf((await etcd.get(keys.head, signal)).found);
}

function headOf(found: KeyValue | undefined): number {
  return found === undefined ? 0 : readHead(found.key, found.value);
}

/** Throws `fleet-revision`. */
export async function requireRevision(context: FleetContext, number: number): Promise<Revision> {
  const { etcd, keys, signal } = context;
  const { found } = await etcd.get(keys.revision(number), signal);
  if (found !== undefined) return readRevision(found.key, found.value);
  const newest = await readNewest(context);
  const there =
    newest === 0 ? 'there is none yet: "rootlet fleet put -f FILE" writes one' : `there are 1 to ${newest}`;
  throw usageError('fleet-revision', `there is no revision ${number}`, {
    subject: String(number),
    hint: there,
  });
}

/** The newest ones first. */
export async function listRevisions({ etcd, keys, signal }: FleetContext, most: number): Promise<Revision[]> {
  const newest = headOf((await etcd.get(keys.head, signal)).found);
  const numbers = Array.from({ length: Math.min(most, newest) }, (_, at) => newest - at);
  const found: Revision[] = [];
  for (const number of numbers) {
    const { found: one } = await etcd.get(keys.revision(number), signal);
    if (one !== undefined) found.push(readRevision(one.key, one.value));
  }
  return found;
}

export interface PutRequest {
  readonly document: string;
  readonly objects: readonly RevisionObject[];
  readonly author: string;
  readonly message: string;
  readonly time: number;
  readonly rollbackOf?: number | null;
  /** Refuse unless this is the newest revision. */
  readonly after?: number | undefined;
  /** Refuse unless the target is still this, and set it. */
  readonly assign?: { readonly current: CurrentTarget; readonly targetOf: (revision: number) => Target };
  /** What is written in the same step, for the number of the revision. */
  readonly also?: (revision: number) => {
    readonly compare: readonly Compare[];
    readonly operations: readonly Operation[];
  };
}

/** Writes a revision; the documents were checked. Throws `fleet-conflict`, `fleet-option`. */
export async function putRevision(context: FleetContext, request: PutRequest): Promise<Revision> {
  const { etcd, keys, signal } = context;
  const { assign, after, document, objects, author, message, time, rollbackOf = null } = request;
  if (Buffer.byteLength(document) > MOST_DOCUMENT)
    throw usageError('fleet-option', `the documents have more than ${MOST_DOCUMENT} bytes together`, {
      hint: 'make several fleets: --fleet NAME',
    });
  const { found } = await etcd.get(keys.head, signal);
  const newest = headOf(found);
  if (after !== undefined && after !== newest)
    throw conflict(`the newest revision is ${newest}, not ${after}`);
  const content = contentOf(document, objects);
  const revision: Revision = {
    revision: newest + 1,
    document,
    content,
    objects,
    author,
    message,
    time,
    rollbackOf,
  };
  const key = keys.revision(revision.revision);
  const operations: Operation[] = [
    { put: key, value: JSON.stringify(revision) },
    { put: keys.head, value: JSON.stringify({ revision: revision.revision }) },
  ];
  const more = request.also?.(revision.revision);
  if (more !== undefined) operations.push(...more.operations);
  const compare: Compare[] = [
    ...(more === undefined ? [] : more.compare),
    { key: keys.head, modified: found === undefined ? 0 : found.modified },
    { key, created: 0 },
  ];
  if (assign !== undefined) {
    operations.push({ put: keys.target, value: JSON.stringify(assign.targetOf(revision.revision)) });
    compare.push({ key: keys.target, modified: assign.current.modified });
  }
  const { succeeded } = await etcd.transact(compare, operations, signal);
  if (succeeded) return revision;
  throw conflict('another operator changed the fleet at the same time');
}

export function conflict(message: string): RootletError {
  const hint = 'look at "rootlet fleet history" and "rootlet fleet status", then run the command again';
  return new RootletError([problem('fleet-conflict', [], message, { hint })]);
}

/** Checks documents, looks up the digests of their objects, and writes a revision. */
export async function putDocuments(
  context: FleetContext,
  request: Omit<PutRequest, 'document' | 'objects'> & { readonly name: string; readonly document: string },
  digestOf: (file: string) => Promise<string>,
): Promise<Revision> {
  const { name, document } = request;
  const chains = readFleetDocuments([{ name, bytes: Buffer.from(document) }]);
  const objects: RevisionObject[] = [];
  for (const file of objectsIn(chains)) objects.push({ file, digest: await digestOf(file) });
  return putRevision(context, { ...request, objects });
}

/** A new revision with the contents of an earlier one, for all hosts at once. Throws `fleet-revision`, `fleet-conflict`. */
export async function rollBack(
  context: FleetContext,
  to: number | undefined,
  who: { readonly author: string; readonly message: string; readonly time: number },
): Promise<Revision> {
  const current = await readCurrent(context);
  const earlier = to ?? (await beforeRevision(context, current.target));
  const { document, objects } = await requireRevision(context, earlier);
  const assign = { current, targetOf: (stable: number): Target => ({ stable, next: null }) };
  return putRevision(context, { ...who, document, objects, rollbackOf: earlier, assign });
}

/** The revision that hosts ran before: the stable one during a rollout, else the one before the stable one. */
async function beforeRevision(context: FleetContext, { stable, next }: Target): Promise<number> {
  if (next !== null && stable > 0) return stable;
  const now = await requireRevision(context, stable);
  for (let number = stable - 1; number > 0; number--) {
    const one = await requireRevision(context, number);
    if (one.content !== now.content && one.rollbackOf === null) return number;
  }
  throw usageError('fleet-revision', `there is no revision before ${stable} with other contents`, {
    hint: 'name one: "rootlet fleet rollback REVISION"',
  });
}

/** Sets the target if it is still the one that was read. Throws `fleet-conflict`. */
export async function assignTarget(
  { etcd, keys, signal }: FleetContext,
  { modified }: CurrentTarget,
  target: Target,
): Promise<void> {
  const { succeeded } = await etcd.transact(
    [{ key: keys.target, modified }],
    [{ put: keys.target, value: JSON.stringify(target) }],
    signal,
  );
  if (!succeeded) throw conflict('another operator changed which hosts run which revision');
}
