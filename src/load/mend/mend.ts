/** `mendTypes`: types of an object, repaired as far as a kernel refuses them. */

import type { Btf } from '../../btf/index.ts';
import { quote } from '../../diag/index.ts';
import { Draft, type Example } from './draft.ts';
import { NAME_RULES, type NameRules, Names } from './names.ts';
import { REPAIRS, type Repair } from './repair-kinds.ts';
import { repairAll } from './repairs.ts';

export interface MendedTypes {
  /** The same types under the same ids; more may follow. */
  readonly btf: Btf;
  /** What was repaired, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Repairs what kernels refuse; null when there is nothing of the kind. `rules` are the kernel's for names.
 * Pure: the same types give the same result on every machine.
 */
export function mendTypes(types: Btf, rules: NameRules = NAME_RULES): MendedTypes | null {
  const draft = new Draft<Repair>(types);
  repairAll(draft, new Names(rules, namesOf(types)));
  if (draft.repairs.size === 0) return null;
  const notes = [...draft.repairs].map(([repair, examples]) => `${REPAIRS[repair]} (${shown(examples)})`);
  return { btf: draft.finish(), notes };
}

function shown(examples: readonly Example[]): string {
  const more = examples.length > 1 ? ` and ${examples.length - 1} more` : '';
  return `${examples.slice(0, 1).map(exampleText).join('')}${more}`;
}

function exampleText(example: Example): string {
  if (typeof example === 'number') return `type ${example}`;
  if (typeof example === 'string') return quote(example);
  return `${quote(example.from)} is ${quote(example.to)}`;
}

/** All names that types and their elements have. */
function namesOf(types: Btf): Set<string> {
  const names = new Set<string>();
  for (let id = 1; id <= types.count; id++) {
    const type = types.type(id);
    if ('name' in type) names.add(type.name);
    if (type.kind === 'struct' || type.kind === 'union') for (const { name } of type.members) names.add(name);
    else if (type.kind === 'enum' || type.kind === 'enum64')
      for (const { name } of type.values) names.add(name);
    else if (type.kind === 'func_proto') for (const { name } of type.params) names.add(name);
  }
  return names;
}
