/** `--type [PROGRAM=]TYPE`: program types that sections do not specify. */

import { quote, usageError } from '../../src/diag/index.ts';
import { listFlag } from './edit.ts';

/** Program → type; `*`: all others. As `types` of the library has them. */
export type GivenTypes = ReadonlyMap<string, string>;

export const TYPE_FLAG = listFlag(
  '[PROGRAM=]TYPE',
  'Type of PROGRAM (else of all programs), whatever its section is: xdp, tc, cgroup_skb/egress, kprobe, …',
);

/** Throws `usage-pair` for an empty side, and for two types of one program. */
export function parseTypes(words: readonly string[] = []): GivenTypes {
  const types = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const program = equals < 0 ? '*' : word.slice(0, equals);
    const type = word.slice(equals + 1);
    if (program === '' || type === '')
      throw usageError('usage-pair', `--type ${quote(word)} is not PROGRAM=TYPE or TYPE`);
    const known = types.get(program);
    if (known !== undefined && known !== type) {
      const what = program === '*' ? 'all programs' : `program ${quote(program)}`;
      throw usageError('usage-pair', `--type specifies two types of ${what}: ${known} and ${type}`);
    }
    types.set(program, type);
  }
  return types;
}
