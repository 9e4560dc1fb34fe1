/**
 * Keys that are watched: their values now, and whenever one changes. Whatever ends a watch (a server that is gone, a
 * compaction), the keys are read again and watched from there: nothing is lost but values in between.
 */

import { platformError, type RootletError } from '../../diag/index.ts';
import {
  backoff,
  type Clock,
  integer,
  list,
  object,
  optional,
  otherwise,
  parseJson,
  text,
} from '../io/index.ts';
import {
  afterPrefix,
  decode,
  type Etcd,
  encode,
  HEADER,
  KEY_VALUE,
  type KeyValue,
  keyValueOf,
} from './client.ts';

/** One key, or with `prefix` all that begin with it. */
export interface Watched {
  readonly key: string;
  readonly isPrefix?: boolean;
}

export interface WatchHandler {
  /** All values are read again: of prefixes, what does not come is not there. */
  restarted(): void;
  /** Value of a key; undefined when it is not there. The first time for each key, then for each change. */
  changed(key: string, value: KeyValue | undefined): void;
  /** Whether etcd answers, whenever that changes; with the reason. */
  connected(isConnected: boolean, error?: unknown): void;
}

const EVENT = object({ type: otherwise(text(16), 'PUT'), kv: KEY_VALUE });
const PIECE = object({
  result: optional(
    object({
      header: HEADER,
      created: optional(value => value === true),
      canceled: optional(value => value === true),
      compact_revision: otherwise((value, path) => integer()(Number(value), path), 0),
      events: otherwise(list(EVENT, 100_000), []),
    }),
  ),
  error: optional(object({ message: otherwise(text(4096), '') })),
});

/** Most bytes of one message of a watch. */
const MOST_PIECE = 4 << 20;

/** The watch must be begun again from what is there now. */
class Compacted extends Error {}

/** A watch is begun again so often, in milliseconds: a server that is gone without a word is missed for no longer. */
const RENEWED_MS = 600_000;

/** Watches until the signal is aborted. Never throws but its reason. */
export async function watchKeys(
  etcd: Etcd,
  keys: readonly Watched[],
  handler: WatchHandler,
  clock: Clock,
  signal: AbortSignal,
  renewed = RENEWED_MS,
): Promise<never> {
  for (let attempt = 1; ; attempt++) {
    try {
      const from = await readNow(etcd, keys, handler, signal);
      handler.connected(true);
      attempt = 1;
      await followFor(renewed * (0.75 + clock.random() / 2), etcd, keys, from, handler, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof Compacted)) handler.connected(false, error);
    }
    await clock.sleep(backoff(attempt, clock.random()), signal);
  }
}

/** Returns the revision from which changes are watched. */
async function readNow(
  etcd: Etcd,
  keys: readonly Watched[],
  handler: WatchHandler,
  signal: AbortSignal,
): Promise<number> {
  let oldest = Number.POSITIVE_INFINITY;
  handler.restarted();
  for (const { key, isPrefix = false } of keys) {
    const { found, revision } = await etcd.get(key, signal);
    oldest = Math.min(oldest, revision);
    if (!isPrefix) handler.changed(key, found);
    else for (const one of await etcd.all(key, signal)) handler.changed(one.key, one);
  }
  return oldest + 1;
}

/** As `follow`, for so many milliseconds. */
async function followFor(
  milliseconds: number,
  etcd: Etcd,
  keys: readonly Watched[],
  from: number,
  handler: WatchHandler,
  signal: AbortSignal,
): Promise<void> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), milliseconds);
  try {
    await follow(etcd, keys, from, handler, AbortSignal.any([signal, end.signal]));
  } catch (error) {
    if (!end.signal.aborted || signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** One stream for all keys, until it ends. */
async function follow(
  etcd: Etcd,
  keys: readonly Watched[],
  from: number,
  handler: WatchHandler,
  signal: AbortSignal,
): Promise<void> {
  const requests = keys.map(({ key, isPrefix = false }) => {
    const range = isPrefix ? { range_end: encode(afterPrefix(key)) } : {};
    return JSON.stringify({
      create_request: { key: encode(key), ...range, start_revision: from, progress_notify: true },
    });
  });
  const stream = await etcd.open('watch', requests.join('\n'), signal);
  try {
    for await (const line of linesOf(stream.pieces)) {
      const { result, error } = parseJson(line, PIECE);
      if (result === undefined) throw ended(error?.message ?? 'it has no contents');
      if (result.canceled === true)
        throw result.compact_revision > 0 ? new Compacted() : ended('etcd ended the watch');
      for (const { type, kv } of result.events)
        handler.changed(decode(kv.key), type === 'DELETE' ? undefined : keyValueOf(kv));
    }
  } finally {
    stream.close();
  }
}

function ended(why: string): RootletError {
  return platformError('fleet-etcd', ['watch'], `a message that is not of a watch: ${why}`, {
    hint: '--etcd has URLs of etcd 3.4 or newer',
  });
}

async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.toString('utf8', 0, end).trim();
      rest = rest.subarray(end + 1);
      if (line !== '') yield line;
    }
    if (rest.length > MOST_PIECE) throw ended('it is too long');
  }
}
