/** The rules of a member in records, whichever back end writes them: one form, read in one way. */

import { inputError, type RootletError } from '../../diag/index.ts';
import type { Verdict } from '../../object/index.ts';
import type { Fields, JsonObject, JsonValue } from '../../store/index.ts';
import type { DesignMember } from './design.ts';

/** What every record keeps of a member. */
export type MemberRules = Pick<DesignMember, 'name' | 'priority' | 'continueOn' | 'given'>;

export function encodeRules({ name, priority, continueOn, given }: MemberRules): JsonObject {
  return { name, priority, continueOn, given: { ...given } };
}

/** Throws `relink-record`. */
export function decodeRules(fields: Fields): MemberRules {
  const given = fields.object('given');
  return {
    name: fields.text('name'),
    priority: integerFrom(fields.get('priority')),
    continueOn: fields.list('continueOn').map(verdictFrom),
    given: { priority: given.flag('priority'), continueOn: given.flag('continueOn') },
  };
}

/** Priorities of TC may be below 0. */
function integerFrom(value: JsonValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw damagedChain('priority');
}

function verdictFrom(value: JsonValue): Verdict {
  if (value === 'other' || value === 'not 0') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw damagedChain('continueOn');
}

/** The error for a record of a chain that cannot be read; `what`: the field. */
export function damagedChain(what: string): RootletError {
  return inputError('relink-record', [], `the chain in the record cannot be read ("${what}")`, {
    hint: 'it was written by another version of rootlet: use that one, or unload the chain and load it again',
  });
}
