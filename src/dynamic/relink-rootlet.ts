/**
 * An attached rootlet: a program on a hook whose slots can be given other code while it runs.
 *
 * Every change makes a new generation beside the running one, with the maps of everything that stays, and then changes
 * the program on the hook in one step. Whatever goes wrong before that leaves the running generation as it is.
 */

import { bugError, RootletError } from '../diag/index.ts';
import { type AttachPlace, attachProgram, type Hook, requireOccupant } from '../hooks/index.ts';
import { waitForPrograms } from '../kernel/grace-period.ts';
import type { BpfProgram } from '../kernel/program.ts';
import type { Sys } from '../kernel/sys.ts';
import { Cleanup } from '../load/index.ts';
import { readObject } from '../object/index.ts';
import { build, type Choice, chooseVia, planCommit, requirePossible } from './relink-backends.ts';
import type { BuildContext, GenerationOptions } from './relink-build.ts';
import {
  changeDesign,
  componentOf,
  type Design,
  type ObjectFile,
  type SlotChange,
  type SlotFill,
} from './relink-design.ts';
import type { Generation, RelinkVia } from './relink-generation.ts';
import { chooseMain, slotNames } from './relink-program.ts';
import { carryValues, type Inheritance } from './relink-state.ts';

export interface RootletOptions extends GenerationOptions {
  /** The program that goes on the hook; may be left out when the rootlet has only one. */
  readonly program?: string;
  /** What stands in the slots from the beginning. */
  readonly slots?: SlotChange;
  /** How components get into slots, now and later. Default: what the kernel and the slots allow. */
  readonly via?: RelinkVia;
}

export interface ReplaceOptions extends Pick<GenerationOptions, 'globals' | 'maxEntries'> {
  /** Components that this change names start with new maps and variables, whatever was there before. */
  readonly fresh?: boolean;
  /** How components get into slots from now on. */
  readonly via?: RelinkVia;
}

/** What fills one slot. */
export interface SlotState {
  readonly slot: string;
  /** Null for the slot's own default. */
  readonly fill: SlotFill | null;
}

/** What a change did. */
export interface Replaced {
  readonly slots: readonly SlotState[];
  /** The back end, and why this one. */
  readonly choice: Choice;
  /** How each map of state begins, by its name in the new generation. */
  readonly state: ReadonlyMap<string, Inheritance>;
}

/** Told of a change step by step, so that it can be finished by somebody else. */
export interface RootletJournal {
  /** Everything of `next` is there, `old` runs. When it throws, nothing changes. */
  prepare(next: Generation, old: Generation, forced: boolean): void;
  /** `next` runs. */
  done(next: Generation): void;
  /** `old` runs and will go on running. */
  undo(old: Generation): void;
}

const NO_JOURNAL: RootletJournal = { prepare: () => {}, done: () => {}, undo: () => {} };

/** What a rootlet is besides its generation. */
export interface RootletSetting {
  readonly main: string;
  /** How the components that are there got into their slots. */
  readonly via: RelinkVia;
  /** This way was asked for and stays. */
  readonly forced: boolean;
  readonly options: GenerationOptions;
  readonly journal?: RootletJournal;
}

/** Owns its generation, and its hook when it attached it: closing it detaches then. */
export class Rootlet {
  readonly sys: Sys;
  readonly hook: Hook;
  /** The rootlet's own program. */
  readonly main: string;
  /** All that can be filled, the program itself last. */
  readonly slotNames: readonly string[];
  readonly #options: GenerationOptions;
  readonly #journal: RootletJournal;
  readonly #ownsHook: boolean;
  #forced: RelinkVia | undefined;
  #generation: Generation;

  private constructor(
    sys: Sys,
    hook: Hook,
    generation: Generation,
    setting: RootletSetting & { readonly ownsHook: boolean },
  ) {
    this.sys = sys;
    this.hook = hook;
    this.main = setting.main;
    this.#generation = generation;
    this.#ownsHook = setting.ownsHook;
    this.#journal = setting.journal ?? NO_JOURNAL;
    this.#forced = setting.forced ? setting.via : undefined;
    // what was given for the first generation is inherited from it, or belongs to what is gone
    const { globals: _globals, maxEntries: _maxEntries, ...lasting } = setting.options;
    this.#options = lasting;
    const { rootlet } = generation.design;
    this.slotNames = [...slotNames(readObject(rootlet.bytes, rootlet.name)), setting.main];
  }

  /** Loads a rootlet and attaches it. Either all of it is there afterwards, or nothing is. */
  static attach(sys: Sys, file: ObjectFile, place: AttachPlace, options: RootletOptions = {}): Rootlet {
    const object = readObject(file.bytes, file.name);
    const main = chooseMain(object, options.program);
    const design = changeDesign({ rootlet: file, fills: [] }, options.slots ?? {}, slotNames(object), main);
    const cleanup = new Cleanup();
    return cleanup.guard(() => {
      const context: BuildContext = { sys, options, main, old: undefined, fresh: () => true };
      const { via } = chooseVia(context, design, options.via);
      const generation = cleanup.own(build(via, context, design));
      if (generation.host === undefined) throw bugError([file.name], 'was not loaded');
      const hook = attachProgram(generation.host, generation.main, place);
      cleanup.defer(() => detach(hook, generation.program));
      const forced = options.via !== undefined;
      return new Rootlet(sys, hook, generation, { main, via, forced, options, ownsHook: true });
    });
  }

  /** A rootlet that is attached already. The generation is owned from here on, the hook stays the caller's. */
  static over(sys: Sys, hook: Hook, generation: Generation, setting: RootletSetting): Rootlet {
    return new Rootlet(sys, hook, generation, { ...setting, ownsHook: false });
  }

  /** What runs. It goes with the next change. */
  get generation(): Generation {
    return this.#generation;
  }

  get design(): Design {
    return this.#generation.design;
  }

  get slots(): readonly SlotState[] {
    const { fills } = this.design;
    return this.slotNames.map(slot => ({ slot, fill: fills.find(fill => fill.slot === slot) ?? null }));
  }

  /**
   * Changes slots. With `static` and `ext` all at once: each packet is judged by the slots as they were or as they are;
   * with `tail` this holds for each slot. Throws what is wrong with the components, or the verifier's refusal; what runs
   * is untouched then.
   */
  change(change: SlotChange, options: ReplaceOptions = {}): Replaced {
    const old = this.#generation;
    requireOccupant(this.hook, old.program);
    if (isNothing(change, options)) {
      const choice = { via: old.via, reason: 'nothing was to be changed' };
      return { slots: this.slots, choice, state: new Map() };
    }
    const design = changeDesign(old.design, change, this.slotNames.slice(0, -1), this.main);
    const named = new Set(namedComponents(design, change));
    const context: BuildContext = {
      sys: this.sys,
      options: { ...this.#options, ...given(options) },
      main: this.main,
      old,
      fresh: owner => options.fresh === true && owner !== null && named.has(owner),
    };
    const forced = options.via ?? this.#forced;
    const choice = chooseVia(context, design, forced);
    requirePossible(this.hook, old, choice.via);
    const next = build(choice.via, context, design);
    this.#switch(next, old, forced !== undefined);
    this.#forced = forced;
    return { slots: this.slots, choice, state: next.inherited };
  }

  /** Puts one component into one slot. */
  replace(slot: string, file: ObjectFile, program?: string, options: ReplaceOptions = {}): Replaced {
    return this.change({ fill: [{ slot, file, ...(program === undefined ? {} : { program }) }] }, options);
  }

  /** Gives slots their defaults back. */
  reset(...slots: readonly string[]): Replaced {
    return this.change({ reset: slots });
  }

  /**
   * Brings the hook to this generation, whatever of ours is there: after a process died in the middle of a change. The
   * generation before may be let go when it returns.
   */
  settle(): void {
    planCommit(this.hook, this.#generation, undefined)();
    waitForPrograms(this.sys);
  }

  close(): void {
    try {
      if (this.#ownsHook) detach(this.hook, this.#generation.program);
    } finally {
      this.#generation.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #switch(next: Generation, old: Generation, forced: boolean): void {
    let prepared = false;
    try {
      const step = planCommit(this.hook, next, old);
      carryAll(next);
      this.#journal.prepare(next, old, forced);
      prepared = true;
      carryAll(next); // again: as late as possible, what is written meanwhile is lost
      step();
    } catch (error) {
      if (prepared) this.#journal.undo(old);
      next.close();
      throw error;
    }
    this.#generation = next;
    // packets that are still in the old program must not meet slots that were emptied
    if (old.links.size > 0) waitForPrograms(this.sys);
    try {
      this.#journal.done(next);
    } finally {
      old.close();
    }
  }
}

/** A program that another process put there is not ours to take off; our link ends when it is closed. */
function detach(hook: Hook, program: BpfProgram): void {
  try {
    hook.detach(program);
  } catch (error) {
    if (!(error instanceof RootletError) || error.code !== 'hook-changed') throw error;
  } finally {
    hook.close();
  }
}

function isNothing({ fill = [], reset = [], order }: SlotChange, { via, globals }: ReplaceOptions): boolean {
  return (
    fill.length + reset.length === 0 && order === undefined && via === undefined && globals === undefined
  );
}

function given({ globals, maxEntries }: ReplaceOptions): Pick<GenerationOptions, 'globals' | 'maxEntries'> {
  return {
    ...(globals === undefined ? {} : { globals }),
    ...(maxEntries === undefined ? {} : { maxEntries }),
  };
}

/** Components that a change names, as they are called in the changed design. */
function namedComponents(design: Design, change: SlotChange): string[] {
  const slots = new Set((change.fill ?? []).map(({ slot }) => slot));
  const inOrder = new Set((change.order ?? []).map(({ file }) => file.name));
  return design.fills.filter(fill => slots.has(fill.slot) || inOrder.has(fill.file.name)).map(componentOf);
}

function carryAll(next: Generation): void {
  for (const [name, one] of next.inherited) {
    const to = next.maps.get(name);
    if (one.kind === 'copied' && to !== undefined) carryValues(one.map, to, one.variables);
  }
}
