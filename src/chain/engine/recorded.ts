/** Chains that entries of the store keep: found by the program that runs on the hook, which alone is the truth. */

import { recordOfProgram } from '../../dynamic/index.ts';
import { NO_SETTINGS } from '../../state/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import type { ChainDesign, DesignMember } from '../model/index.ts';
import { decodeFacts } from './facts.ts';

/** A recorded chain. */
export interface RecordedChain {
  readonly entry: StoreEntry;
  readonly design: ChainDesign;
}

/** The chain whose program has this id; undefined where no entry has one. Throws `relink-record`. */
export function chainOfProgram(store: Store, programId: number): RecordedChain | undefined {
  for (const entry of store.list()) {
    if (entry.kind !== 'hook' || !entry.record.programs.some(({ id }) => id === programId)) continue;
    const record = recordOfProgram(store, entry, programId);
    if (record?.design.generated === undefined) continue;
    const { fills, generated } = record.design;
    const facts = decodeFacts(generated.facts);
    const members = facts.members.map((member): DesignMember => {
      const file = fills.find(({ component }) => component === member.name)?.file ?? null;
      return { ...member, file, settings: record.settings.get(member.name) ?? NO_SETTINGS, loaded: null };
    });
    return { entry, design: { ...facts, members } };
  }
  return undefined;
}
