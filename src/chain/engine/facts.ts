/** What the record of a generated rootlet keeps of the chain that it is: its members and their rules. */

import { Fields, type JsonObject, type JsonValue } from '../../store/index.ts';
import {
  type ChainDesign,
  type DesignMember,
  damagedChain,
  decodeRules,
  encodeRules,
  hasCounters,
  type MemberRules,
} from '../model/index.ts';

/** A member as recorded: its file and settings are elsewhere in the record. */
export type RecordedMember = MemberRules & Pick<DesignMember, 'program' | 'adopted'>;

export interface ChainFacts {
  readonly failClosed: boolean;
  readonly counters: boolean;
  /** In the order in which they run. */
  readonly members: readonly RecordedMember[];
}

export function encodeFacts(design: ChainDesign): JsonObject {
  const { failClosed, members } = design;
  return {
    failClosed,
    counters: hasCounters(design),
    members: members.map(member => ({
      ...encodeRules(member),
      program: member.program,
      adopted: member.adopted,
    })),
  };
}

/** Throws `relink-record`. */
export function decodeFacts(value: JsonValue): ChainFacts {
  const fields = Fields.of(value, 'chain', damagedChain);
  return {
    failClosed: fields.flag('failClosed'),
    counters: fields.flag('counters'),
    members: fields.objects('members').map(decodeMember),
  };
}

function decodeMember(fields: Fields): RecordedMember {
  return {
    ...decodeRules(fields),
    program: fields.text('program'),
    adopted: fields.countOrNull('adopted'),
  };
}
