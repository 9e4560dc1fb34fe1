/**
 * What the record of a tcx member keeps of its chain: the hook, its name there, priority and verdicts. Separate
 * because records are read by everything here, and anyone who may write to the store may have written them.
 */

import { RootletError } from '../../diag/index.ts';
import { CHAIN_FIELD } from '../../dynamic/index.ts';
import { Fields, isObject, type JsonObject, type StoreEntry } from '../../store/index.ts';
import { type ChainHook, damagedChain, decodeRules, encodeRules, type MemberRules } from '../model/index.ts';

/** Where the member was attached. */
export interface RecordedHook {
  readonly interface: string;
  readonly ifindex: number;
  readonly netns: string;
  readonly direction: 'ingress' | 'egress';
}

export interface TcxFacts extends MemberRules {
  readonly hook: RecordedHook;
  /** Whether its chain has counters. */
  readonly counters: boolean;
}

const FIELD = CHAIN_FIELD;
const VIA = 'tcx';

/** The field of the data of a record. */
export function encodeTcxFacts(facts: TcxFacts): JsonObject {
  const { hook, counters } = facts;
  const { interface: name, ifindex, netns, direction } = hook;
  const at = { interface: name, ifindex, netns, direction };
  return { [FIELD]: { via: VIA, hook: at, ...encodeRules(facts), counters } };
}

/** Undefined for an entry that is not a member of a tcx chain. Throws `relink-record` for a damaged record. */
export function decodeTcxFacts({ record }: StoreEntry): TcxFacts | undefined {
  const { [FIELD]: value } = record.data;
  if (!isObject(value) || value['via'] !== VIA) return undefined;
  const fields = Fields.of(value, FIELD, damagedChain);
  return {
    hook: decodeHook(fields.object('hook')),
    ...decodeRules(fields),
    counters: fields.flag('counters'),
  };
}

/** The same for listings: undefined also where the record cannot be read. */
export function readTcxFacts(entry: StoreEntry): TcxFacts | undefined {
  try {
    return decodeTcxFacts(entry);
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

/** The part of a hook that a record keeps. */
export function recordedHook({ interface: name, ifindex, netns, direction }: ChainHook): RecordedHook {
  return { interface: name, ifindex, netns, direction: direction ?? 'ingress' };
}

function decodeHook(fields: Fields): RecordedHook {
  return {
    interface: fields.text('interface'),
    ifindex: fields.count('ifindex'),
    netns: fields.text('netns'),
    direction: fields.word('direction', ['ingress', 'egress']),
  };
}
