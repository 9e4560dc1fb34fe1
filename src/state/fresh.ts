/** `--fresh NAME,…`: which maps, sections and variables begin with new contents. */

import { quote, usageError } from '../diag/index.ts';
import type { MapIdentity } from './identity.ts';

/** `*`, a component, `MAP`, `COMPONENT:MAP`; a variable resets its section's variable alone (`VARIABLE`, `COMPONENT:VARIABLE`). */
export class FreshNames {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** Whether a map, or everything of its owner, is named. */
  readonly covers = ({ owner, name }: MapIdentity): boolean =>
    this.names.some(
      wanted =>
        wanted === '*' ||
        wanted === name ||
        wanted === owner ||
        (owner !== null && wanted === `${owner}:${name}`),
    );

  /** Whether a variable of an owner is named. */
  readonly coversVariable = (owner: string | null, variable: string): boolean =>
    this.names.some(wanted => wanted === variable || (owner !== null && wanted === `${owner}:${variable}`));

  /** Throws `state-fresh` for names that are nothing of what changes. `known`: all that can be named. */
  require(known: ReadonlySet<string>): void {
    const unknown = this.names.find(name => name !== '*' && !known.has(name));
    if (unknown === undefined) return;
    const names = [...known].sort();
    throw usageError(
      'state-fresh',
      `--fresh ${quote(unknown)}: there is no such component, map, section or variable`,
      {
        hint: names.length === 0 ? 'there is no state' : `available: ${names.join(', ')}, or * for all`,
      },
    );
  }
}
