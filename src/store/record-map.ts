/**
 * Records in the kernel: a frozen array map of one element, which a pin and every program of the entry hold.
 */

import { join } from 'node:path';
import { RootletError, recoded } from '../diag/index.ts';
import { BpfMap, type Fd, openById, readMapInfo, type Sys } from '../kernel/index.ts';
import { BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY, E2BIG, ENOMEM } from '../uapi/index.ts';
import type { Directory } from './directory.ts';
import { RECORD } from './layout.ts';
import { openPinIn } from './pins.ts';
import { type DecodedRecord, decodeRecord, MAX_RECORD } from './record.ts';

/** Name of these maps in the kernel. */
export const RECORD_MAP_NAME = 'rootlet_record';

const KEY = new Uint8Array(4);

/**
 * A map that holds `bytes` and can never be changed. Throws `store-record-size` when the kernel finds it too
 * large.
 */
export function createRecordMap(sys: Sys, bytes: Uint8Array): BpfMap {
  const map = explained(() =>
    BpfMap.create(sys, {
      name: RECORD_MAP_NAME,
      type: BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: bytes.length,
      maxEntries: 1,
      flags: BPF_F_RDONLY_PROG,
    }),
  );
  try {
    explained(() => map.update(KEY, bytes));
    map.freeze();
    return map;
  } catch (error) {
    map.close();
    throw error;
  }
}

function explained<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    const problem = error instanceof RootletError ? error.problems[0] : undefined;
    if (problem === undefined || (problem.errno !== E2BIG && problem.errno !== ENOMEM)) throw error;
    const hint = 'the record keeps the files of the entry: strip their debug information (llvm-strip -g)';
    throw new RootletError([recoded(problem, 'store-record-size', { hint })]);
  }
}

/**
 * The record in the directory of a generation, whose path is `path`. Throws `store-pin`, `store-record`,
 * `store-record-version`, `store-untrusted`.
 */
export function readPinnedRecord(sys: Sys, generation: Directory | undefined, path: string): DecodedRecord {
  return readRecord(sys, openPinIn(sys, generation, join(path, RECORD), 'map'));
}

/** Closes `fd`. The map's shape is looked at before memory is taken for its value. */
function readRecord(sys: Sys, fd: Fd): DecodedRecord {
  try {
    const info = readMapInfo(sys, fd.number);
    const plausible = info.type === BPF_MAP_TYPE_ARRAY && info.keySize === 4 && info.valueSize <= MAX_RECORD;
    const bytes = plausible ? BpfMap.adopt(sys, fd).lookup(KEY) : undefined;
    return decodeRecord(bytes ?? new Uint8Array(0));
  } finally {
    fd.close();
  }
}

/** The newest record that a program holds (`map_ids` of its description); undefined when none can be read. */
export function recordAmongMaps(sys: Sys, mapIds: readonly number[]): DecodedRecord | undefined {
  for (const id of [...mapIds].sort((a, b) => b - a)) {
    const fd = openById(sys, 'map', id);
    if (fd === undefined) continue;
    try {
      if (readMapInfo(sys, fd.number).name === RECORD_MAP_NAME) return readRecord(sys, fd.duplicate());
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
    } finally {
      fd.close();
    }
  }
  return undefined;
}
