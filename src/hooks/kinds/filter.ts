/**
 * Classic TC filters (clsact). They belong to an interface, and any process with interface, direction,
 * priority and handle can replace them; the kernel has no compare-and-swap for them. So program id and tag
 * are compared right before a change, and what is there is read again after it.
 */

import { quote, RootletError, shellWord, usageError } from '../../diag/index.ts';
import type { FilterProgram, Sys, TcFilter } from '../../kernel/index.ts';
import type { JsonObject } from '../../store/index.ts';
import type { Hook, Occupant } from './hook.ts';
import type { InterfaceSpot } from './interface-spot.ts';
import { hookChanged, hookGone } from './problems.ts';

/** A program as records and descriptions have it. */
export interface Identity {
  readonly id: number;
  /** Undefined or '' where it is not known. */
  readonly tag?: string;
}

/** What is found where a filter should be. */
export type Found =
  | { readonly kind: 'runs'; readonly program: FilterProgram }
  | { readonly kind: 'gone'; readonly why: string };

export class FilterHook implements Hook {
  readonly link = null;
  readonly lasting = true;
  readonly #sys: Sys;
  readonly #filter: TcFilter;
  readonly #spot: InterfaceSpot;
  /** Own programs that may be found there. */
  readonly #own: Identity[];

  constructor(sys: Sys, filter: TcFilter, spot: InterfaceSpot, own: readonly Identity[]) {
    this.#sys = sys;
    this.#filter = filter;
    this.#spot = spot;
    this.#own = [...own];
  }

  get place(): string {
    return this.#spot.describe(` ${this.#filter.direction}`);
  }

  get record(): JsonObject {
    const { direction, priority, handle } = this.#filter;
    return { filter: { ...this.#spot.record(), direction, priority, handle } };
  }

  /** What is there, without an error. Throws `attach-other-netns`, `kernel-tc`. */
  look(): Found {
    this.#spot.requireHere(` ${this.#filter.direction}`);
    const name = this.#spot.nameNow();
    if (name === undefined) return { kind: 'gone', why: 'its interface is gone' };
    const program = this.#filter.program();
    if (program === undefined) return { kind: 'gone', why: 'the filter was removed' };
    // a new interface may have the number of one that is gone
    if (name === this.#spot.name || this.isOwn(program)) return { kind: 'runs', program };
    return { kind: 'gone', why: `its interface is gone: number ${this.#spot.index} is ${quote(name)} now` };
  }

  /** What runs there, as text for a list; from any network namespace that can be entered. */
  state(): string {
    const found = this.#spot.inside(() => this.look());
    if (found.kind === 'gone') return `ended: ${found.why}`;
    const { program } = found;
    return this.isOwn(program)
      ? `runs program ${program.id}`
      : `changed: program ${program.id} is not its own`;
  }

  isOwn(program: FilterProgram): boolean {
    return this.#own.some(own => isSame(program, own));
  }

  /**
   * Command that removes the filter without an entry of the store; null if no file refers to its namespace.
   */
  removalCommand(): string | null {
    const { direction, priority, handle } = this.#filter;
    return this.#spot.command(
      name => `tc filter del dev ${shellWord(name)} ${direction} pref ${priority} handle ${handle} bpf`,
    );
  }

  occupantId(): number {
    return this.#there().id;
  }

  requireUpdatable(): void {
    this.#spot.requireHere(` ${this.#filter.direction}`);
  }

  update(next: Occupant, expected: Occupant | null): void {
    this.#requireExpected(this.#there(), expected);
    const identity = next.info();
    this.#settle(
      () => this.#filter.update(next.fd.number),
      after => after !== undefined && isSame(after, identity),
    );
    this.#own.push(identity);
    const after = this.#afterUpdate(identity);
    if (after === undefined) throw hookGone(this.place, 'the filter was removed');
    if (!isSame(after, identity)) throw hookChanged(this.#sys, this.place, 'program', after.id, next);
  }

  /**
   * What is there after a change. The kernel has acknowledged it: where it does not answer this question, it is the new
   * program.
   */
  #afterUpdate({ id, tag = '' }: Identity): FilterProgram | undefined {
    try {
      return this.#filter.program();
    } catch (error) {
      if (error instanceof RootletError) return { id, tag };
      throw error;
    }
  }

  pin(_path: string): never {
    throw usageError('kernel-not-pinnable', `${this.place}: a TC filter cannot be pinned`, {
      hint: 'it stays without a pin until it is removed; links on TC need tcx and Linux 6.6',
    });
  }

  detach(expected: Occupant | null): boolean {
    const found = this.look();
    if (found.kind === 'gone') return true;
    this.#requireExpected(found.program, expected);
    this.#settle(
      () => this.#filter.remove(),
      after => after === undefined,
    );
    return true;
  }

  close(): void {} // nothing of it is held here

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Changes the filter. An error counts only if the filter is not as expected: only the answer may have
   * failed.
   */
  #settle(change: () => void, isDone: (after: FilterProgram | undefined) => boolean): void {
    try {
      change();
    } catch (error) {
      if (!isDone(this.#filter.program())) throw error;
    }
  }

  #there(): FilterProgram {
    const found = this.look();
    if (found.kind === 'gone') throw hookGone(this.place, found.why);
    return found.program;
  }

  #requireExpected(program: FilterProgram, expected: Occupant | null): void {
    if (expected === null || isSame(program, expected.info())) return;
    throw hookChanged(this.#sys, this.place, 'program', program.id, expected);
  }
}

function isSame(there: FilterProgram, { id, tag = '' }: Identity): boolean {
  return there.id === id && (tag === '' || there.tag === '' || there.tag === tag);
}
