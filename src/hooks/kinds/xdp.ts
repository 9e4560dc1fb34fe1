/**
 * XDP over netlink: how kernels before 5.9 attach it, and tools that keep it without a link. It belongs to
 * the interface; the kernel compares it with the expected program when it is changed or removed.
 */

import { given } from '../../bytes/index.ts';
import { quote, RootletError, shellWord, usageError } from '../../diag/index.ts';
import {
  type Fd,
  readInterface,
  type SetXdpOptions,
  type Sys,
  setXdp,
  type XdpMode,
} from '../../kernel/index.ts';
import type { JsonObject } from '../../store/index.ts';
import type { Identity } from './filter.ts';
import type { Hook, Occupant } from './hook.ts';
import type { InterfaceSpot } from './interface-spot.ts';
import { hookChanged, hookGone } from './problems.ts';

const MODES: readonly XdpMode[] = ['native', 'generic', 'offload'];

export class XdpHook implements Hook {
  readonly link = null;
  readonly lasting = true;
  readonly #sys: Sys;
  readonly #spot: InterfaceSpot;
  readonly #own: number[];
  /** Null: the kernel chooses when it is attached, and the hook is where one of our programs is found. */
  #mode: XdpMode | null;

  constructor(sys: Sys, spot: InterfaceSpot, mode: XdpMode | null, own: readonly Identity[]) {
    this.#sys = sys;
    this.#spot = spot;
    this.#mode = mode;
    this.#own = own.map(({ id }) => id);
  }

  get place(): string {
    return this.#spot.describe();
  }

  get record(): JsonObject {
    return { xdp: { ...this.#spot.record(), mode: this.#mode } };
  }

  /** Attaches, where no XDP program is. Throws `kernel-xdp-changed`, `kernel-xdp`. */
  attach(program: Occupant): void {
    this.#spot.requireHere();
    const { id } = program.info();
    try {
      setXdp(this.#sys, this.#spot.index, program.fd.number, this.#options(-1));
    } catch (error) {
      if (this.#modeOf(id) === null) throw error; // else only the answer has failed
    }
    this.#own.push(id);
    this.#mode ??= this.#modeIfKnown(id);
  }

  /** It is attached by then: without an answer the mode stays unknown. */
  #modeIfKnown(id: number): XdpMode | null {
    try {
      return this.#modeOf(id);
    } catch (error) {
      if (error instanceof RootletError) return null;
      throw error;
    }
  }

  /** What runs there, as text for a list; from any network namespace that can be entered. */
  state(): string {
    const found = this.#spot.inside(() => this.#found());
    if (typeof found === 'string') return `ended: ${found}`;
    return this.#own.includes(found) ? `runs program ${found}` : `changed: program ${found} is not its own`;
  }

  /** What takes the program off without an entry of the store; null when no file leads to it. */
  removalCommand(): string | null {
    const words = { native: 'xdpdrv', generic: 'xdpgeneric', offload: 'xdpoffload' };
    return this.#spot.command(
      name => `ip link set dev ${shellWord(name)} ${words[this.#mode ?? 'native']} off`,
    );
  }

  occupantId(): number {
    return this.#there();
  }

  requireUpdatable(): void {
    this.#spot.requireHere();
  }

  update(next: Occupant, expected: Occupant | null): void {
    const id = this.#there();
    if (expected !== null && id !== expected.info().id) throw this.#changed(id, expected);
    const { id: nextId } = next.info(); // before the switch: nothing may fail after it
    this.#set({ fd: next.fd, id: nextId }, expected);
    this.#own.push(nextId);
  }

  pin(_path: string): never {
    throw usageError('kernel-not-pinnable', `${this.place}: XDP without a link cannot be pinned`, {
      hint: 'it stays without a pin until it is removed; links on XDP need Linux 5.9',
    });
  }

  detach(expected: Occupant | null): boolean {
    this.#spot.requireHere();
    const id = this.#found();
    if (typeof id === 'string') return true;
    if (expected !== null && id !== expected.info().id) throw this.#changed(id, expected);
    this.#set(null, expected);
    return true;
  }

  close(): void {} // nothing of it is held here

  [Symbol.dispose](): void {
    this.close();
  }

  #there(): number {
    this.#spot.requireHere();
    const found = this.#found();
    if (typeof found === 'string') throw hookGone(this.place, found);
    return found;
  }

  /** Id of the program, or why there is none. */
  #found(): number | string {
    const name = this.#spot.nameNow();
    if (name === undefined) return 'its interface is gone';
    const id = this.#running();
    if (id === 0) return 'the program was detached';
    if (name === this.#spot.name || this.#own.includes(id)) return id;
    return `its interface is gone: number ${this.#spot.index} is ${quote(name)} now`;
  }

  /** Id of the program in the hook's mode; if the mode is unknown, of the own or any program. 0: none. */
  #running(): number {
    const { xdp } = readInterface(this.#sys, this.#spot.index);
    if (this.#mode !== null) return xdp[this.#mode];
    const there = MODES.map(mode => xdp[mode]).filter(id => id !== 0);
    return there.find(id => this.#own.includes(id)) ?? there[0] ?? 0;
  }

  #modeOf(id: number): XdpMode | null {
    const { xdp } = readInterface(this.#sys, this.#spot.index);
    return MODES.find(mode => xdp[mode] === id) ?? null;
  }

  #options(expectedFd: number | undefined): SetXdpOptions {
    return { ...(this.#mode === null ? {} : { mode: this.#mode }), ...given({ expectedFd }) };
  }

  /** An error counts only if the filter is not as expected: only the answer may have failed. */
  #set(next: { readonly fd: Fd; readonly id: number } | null, expected: Occupant | null): void {
    try {
      setXdp(this.#sys, this.#spot.index, next?.fd.number ?? -1, this.#options(expected?.fd.number));
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      if (this.#running() === (next?.id ?? 0)) return;
      if (error.code !== 'kernel-xdp-changed') throw error;
      const found = this.#found();
      throw typeof found === 'string' ? hookGone(this.place, found) : this.#changed(found, expected);
    }
  }

  #changed(running: number, expected: Occupant | null): RootletError {
    return hookChanged(this.#sys, this.place, 'program', running, expected);
  }
}
