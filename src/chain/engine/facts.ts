/** What the record of a generated rootlet keeps of the chain that it is: its members and their rules. */

import { inputError, type RootletError } from '../../diag/index.ts';
import type { Verdict } from '../../object/index.ts';
import { Fields, type JsonObject, type JsonValue } from '../../store/index.ts';
import { type ChainDesign, type DesignMember, hasCounters } from '../model/index.ts';

/** A member as recorded: its file and settings are elsewhere in the record. */
export type RecordedMember = Pick<
  DesignMember,
  'name' | 'program' | 'priority' | 'continueOn' | 'given' | 'adopted'
>;

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
    members: members.map(({ name, program, priority, continueOn, given, adopted }) => ({
      name,
      program,
      priority,
      continueOn,
      given: { ...given },
      adopted,
    })),
  };
}

/** Throws `relink-record`. */
export function decodeFacts(value: JsonValue): ChainFacts {
  const fields = Fields.of(value, 'chain', damaged);
  return {
    failClosed: fields.flag('failClosed'),
    counters: fields.flag('counters'),
    members: fields.objects('members').map(decodeMember),
  };
}

function decodeMember(fields: Fields): RecordedMember {
  const given = fields.object('given');
  return {
    name: fields.text('name'),
    program: fields.text('program'),
    priority: fields.count('priority'),
    continueOn: fields.list('continueOn').map(verdictFrom),
    given: { priority: given.flag('priority'), continueOn: given.flag('continueOn') },
    adopted: fields.countOrNull('adopted'),
  };
}

function verdictFrom(value: JsonValue): Verdict {
  if (value === 'other' || value === 'not 0') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw damaged('continueOn');
}

function damaged(what: string): RootletError {
  return inputError('relink-record', [], `the chain in the record cannot be read ("${what}")`, {
    hint: 'it was written by another version of rootlet: use that one, or unload the chain and load it again',
  });
}
