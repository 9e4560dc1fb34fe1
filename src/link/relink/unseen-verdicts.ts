/**
 * A note on rootlets of program types whose return value the verifier checks: it judges a global function by itself, so
 * that a verdict which goes through a slot is any number to it. Not an error, since a rootlet may limit the value.
 */

import { quote } from '../../diag/index.ts';
import { type BpfObject, programsOf, sectionOf } from '../../object/index.ts';
import { checksVerdicts } from './chain-types.ts';
import { slotsOf } from './slots.ts';

export function unseenVerdicts(rootlet: BpfObject | undefined): string[] {
  if (rootlet === undefined) return [];
  const section = programsOf(rootlet)
    .map(({ program }) => sectionOf(rootlet, program)?.name ?? '')
    .find(checksVerdicts);
  if (section === undefined) return [];
  return slotsOf(rootlet).flatMap(({ name, index }) =>
    rootlet.symbols[index]?.visibility === 'default'
      ? [
          `slot ${quote(name)} is not hidden: kernels check what ${quote(section)} programs return, and do not see it ` +
            'through a global function; declare the slot __hidden, unless the rootlet limits the value itself',
        ]
      : [],
  );
}
