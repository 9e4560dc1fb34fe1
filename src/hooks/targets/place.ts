/** What programs need to be attached, and what their sections specify of it. */

import { given } from '../../bytes/index.ts';
import { quote, usageError } from '../../diag/index.ts';
import type { UserPlace } from '../../kernel/index.ts';
import type { ProgramPlan } from '../../load/index.ts';
import { sectionTextOf } from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';

/** A required part of the target. Throws `load-attach-place`. */
export function need<T>(plan: ProgramPlan, value: T | undefined, what: string, hint?: string): T {
  if (value !== undefined) return value;
  const type = uapi.progTypeName(plan.type.progType);
  throw usageError(
    'load-attach-place',
    `program ${quote(plan.name)} (${type}) needs ${what} to be attached to`,
    given({ hint }),
  );
}

/** Text, or nothing when there is none. */
export function unlessEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}

/** `name+0x10` as name and offset. Throws `load-attach-place` when the number is none. */
export function splitOffset(plan: ProgramPlan, text: string): { symbol: string; offset: number } {
  const plus = text.lastIndexOf('+');
  if (plus < 0) return { symbol: text, offset: 0 };
  const offset = Number(text.slice(plus + 1));
  if (text.length === plus + 1 || !Number.isSafeInteger(offset) || offset < 0) {
    throw usageError(
      'load-attach-place',
      `program ${quote(plan.name)}: ${quote(text)} does not end with an offset`,
      { hint: 'write FUNCTION+NUMBER' },
    );
  }
  return { symbol: text.slice(0, plus), offset };
}

/** `/path/to/file:function+0x10`, `file:0x1234` or parts of it. */
export function userPlaceOf(plan: ProgramPlan): Partial<UserPlace> {
  const { extra } = sectionTextOf(plan.type);
  if (extra === '') return {};
  const colon = extra.lastIndexOf(':');
  const file = colon < 0 ? extra : extra.slice(0, colon);
  if (colon < 0) return { file };
  const rest = extra.slice(colon + 1);
  const number = Number(rest);
  if (rest !== '' && Number.isSafeInteger(number) && number >= 0) return { file, offset: number };
  return { file, ...splitOffset(plan, rest) };
}
