/**
 * A note on rootlets of program types whose return value the verifier checks: it checks a global function on
 * its own, so the result of a slot is an unknown number to it. Not an error, since a rootlet may limit the
 * value.
 */

import { quote } from '../../diag/index.ts';
import { type BpfObject, programsOf, sectionNameOf } from '../../object/index.ts';
import { checksVerdicts } from './chain-types.ts';
import { slotsOf } from './slots.ts';

export function unseenVerdicts(rootlet: BpfObject | undefined): string[] {
  if (rootlet === undefined) return [];
  const section = programsOf(rootlet)
    .map(({ program }) => sectionNameOf(rootlet, program))
    .find(checksVerdicts);
  if (section === undefined) return [];
  return slotsOf(rootlet).flatMap(({ name, index }) =>
    rootlet.symbols[index]?.visibility === 'default'
      ? [
          `slot ${quote(name)} is not hidden: the verifier checks the result of ${quote(section)} programs, which is unknown ` +
            'after a call of a global function; declare the slot __hidden, unless the rootlet limits the value itself',
        ]
      : [],
  );
}
