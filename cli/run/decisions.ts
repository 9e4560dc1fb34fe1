/** Which component of a program decided how many packets, and how: nothing where it has fewer than two. */

import { verdictName } from '../../src/object/index.ts';
import { progTypeOf } from '../../src/vm/index.ts';
import type { PacketRunner } from './runner.ts';

type Deciding = Pick<PacketRunner, 'kind' | 'components' | 'decidedBy'>;

/** A component, or null for the program itself. */
export function deciderText(component: string | null): string {
  return component ?? '(none)';
}

export class Decisions {
  readonly #runner: Deciding;
  /** By component, packets by verdict. */
  readonly #counts = new Map<string | null, Map<number, number>>();

  constructor(runner: Deciding) {
    this.#runner = runner;
  }

  get #isKnown(): boolean {
    return this.#runner.components.length > 1;
  }

  /** Counts the packet that ran last, and returns what decided it. */
  add(verdict: number): { readonly decidedBy?: string | null } {
    if (!this.#isKnown) return {};
    const decidedBy = this.#runner.decidedBy();
    const counts = this.#counts.get(decidedBy) ?? new Map<number, number>();
    const before = counts.get(verdict);
    this.#counts.set(decidedBy, counts.set(verdict, before === undefined ? 1 : before + 1));
    return { decidedBy };
  }

  /** A table with its head: component, verdict, packets. Components that decided nothing are in it. */
  rows(): string[][] {
    const rows = this.#all().flatMap(([component, counts]) =>
      counts.length === 0
        ? [[deciderText(component), '-', '0']]
        : counts.map(([verdict, packets]) => [deciderText(component), verdict, String(packets)]),
    );
    return rows.length === 0 ? [] : [['decided by', 'verdict', 'packets'], ...rows];
  }

  /** `components`: packets of each by verdict; left out where nothing is known. */
  json(): { readonly components?: readonly object[] } {
    const all = this.#all();
    if (all.length === 0) return {};
    return { components: all.map(([name, counts]) => ({ name, counts: Object.fromEntries(counts) })) };
  }

  /** In the order of the components, the program itself last. */
  #all(): [component: string | null, counts: [verdict: string, packets: number][]][] {
    if (!this.#isKnown) return [];
    const names = [...this.#runner.components, ...(this.#counts.has(null) ? [null] : [])];
    return names.map(name => [name, this.#named(this.#counts.get(name))]);
  }

  #named(counts: ReadonlyMap<number, number> = new Map()): [verdict: string, packets: number][] {
    const type = progTypeOf(this.#runner.kind);
    const sorted = [...counts].sort(([a], [b]) => a - b);
    return sorted.map(([verdict, packets]) => [verdictName(type, verdict), packets]);
  }
}
