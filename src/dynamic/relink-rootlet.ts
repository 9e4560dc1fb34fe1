/**
 * An attached rootlet: a program on a hook whose slots can be given other code while it runs.
 *
 * Every change makes a new generation beside the running one, with the maps of everything that stays, and then changes
 * the program on the hook in one step. Whatever goes wrong before that leaves the running generation as it is.
 */

import { bugError } from '../diag/index.ts';
import type { Sys } from '../kernel/sys.ts';
import { type Attached, type AttachPlace, attachProgram, Cleanup } from '../load/index.ts';
import { readObject } from '../object/index.ts';
import type { GenerationOptions } from './relink-build.ts';
import {
  changeDesign,
  componentOf,
  type Design,
  type ObjectFile,
  type SlotChange,
  type SlotFill,
} from './relink-design.ts';
import type { Generation } from './relink-generation.ts';
import { requireChangeable, requireExpected, swapProgram } from './relink-hook.ts';
import { carryValues, type Inheritance } from './relink-state.ts';
import { buildStatic, chooseMain, slotNames } from './relink-static.ts';

export interface RootletOptions extends GenerationOptions {
  /** The program that goes on the hook; may be left out when the rootlet has only one. */
  readonly program?: string;
  /** What stands in the slots from the beginning. */
  readonly slots?: SlotChange;
}

export interface ReplaceOptions extends Pick<GenerationOptions, 'globals' | 'maxEntries'> {
  /** Components that this change names start with new maps and variables, whatever was there before. */
  readonly fresh?: boolean;
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
  /** How each map of state begins, by its name in the new generation. */
  readonly state: ReadonlyMap<string, Inheritance>;
}

/** Owns its hook: closing it detaches. */
export class Rootlet {
  readonly sys: Sys;
  readonly hook: Attached;
  /** The rootlet's own program. */
  readonly main: string;
  /** All that can be filled, the program itself last. */
  readonly slotNames: readonly string[];
  readonly #options: GenerationOptions;
  #generation: Generation;

  private constructor(
    sys: Sys,
    hook: Attached,
    main: string,
    generation: Generation,
    options: GenerationOptions,
  ) {
    this.sys = sys;
    this.hook = hook;
    this.main = main;
    this.#generation = generation;
    // what was given for the first generation is inherited from it, or belongs to what is gone
    const { globals: _globals, maxEntries: _maxEntries, ...lasting } = options;
    this.#options = lasting;
    const { rootlet } = generation.design;
    this.slotNames = slotNames(readObject(rootlet.bytes, rootlet.name), main);
  }

  /** Loads a rootlet and attaches it. Either all of it is there afterwards, or nothing is. */
  static attach(sys: Sys, file: ObjectFile, place: AttachPlace, options: RootletOptions = {}): Rootlet {
    const object = readObject(file.bytes, file.name);
    const main = chooseMain(object, options.program);
    const design = changeDesign({ rootlet: file, fills: [] }, options.slots ?? {}, slotNames(object, main));
    const cleanup = new Cleanup();
    return cleanup.guard(() => {
      const context = { sys, options, main, old: undefined, fresh: () => true };
      const generation = cleanup.own(buildStatic(context, design));
      const [loaded] = generation.loaded;
      if (loaded === undefined) throw bugError([file.name], 'was not loaded');
      const hook = cleanup.own(attachProgram(loaded, generation.main, place));
      return new Rootlet(sys, hook, main, generation, options);
    });
  }

  /** What runs. It goes with the next change. */
  get generation(): Generation {
    return this.#generation;
  }

  get design(): Design {
    return this.#generation.design;
  }

  get slots(): readonly SlotState[] {
    return describeSlots(this.design, this.slotNames);
  }

  /**
   * Changes slots, all at once: each packet is judged by the slots as they were or as they are. Throws what is wrong
   * with the components, or the verifier's refusal; what runs is untouched then.
   */
  change(change: SlotChange, options: ReplaceOptions = {}): Replaced {
    requireChangeable(this.hook);
    const old = this.#generation;
    requireExpected(this.hook, old.program);
    const design = changeDesign(old.design, change, this.slotNames);
    const changed = new Set(namedComponents(design, change));
    const fresh = (owner: string | null): boolean =>
      options.fresh === true && owner !== null && changed.has(owner);
    const { globals, maxEntries } = options;
    const load = {
      ...this.#options,
      ...(globals === undefined ? {} : { globals }),
      ...(maxEntries === undefined ? {} : { maxEntries }),
    };
    const next = buildStatic({ sys: this.sys, options: load, main: this.main, old, fresh }, design);
    try {
      carryAll(next);
      swapProgram(this.hook, next.program, old.program);
    } catch (error) {
      next.close();
      throw error;
    }
    this.#generation = next;
    const { inherited } = next;
    old.close();
    return { slots: this.slots, state: inherited };
  }

  /** Puts one component into one slot. */
  replace(slot: string, file: ObjectFile, program?: string, options: ReplaceOptions = {}): Replaced {
    return this.change({ fill: [{ slot, file, ...(program === undefined ? {} : { program }) }] }, options);
  }

  /** Gives slots their defaults back. */
  reset(...slots: readonly string[]): Replaced {
    return this.change({ reset: slots });
  }

  close(): void {
    this.hook.close();
    this.#generation.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export function describeSlots(design: Design, slots: readonly string[]): SlotState[] {
  return slots.map(slot => ({ slot, fill: design.fills.find(fill => fill.slot === slot) ?? null }));
}

/** Components that a change names, as they are called in the changed design. */
export function namedComponents(design: Design, change: SlotChange): string[] {
  const slots = new Set((change.fill ?? []).map(({ slot }) => slot));
  const inOrder = new Set((change.order ?? []).map(({ file }) => file.name));
  return design.fills.filter(fill => slots.has(fill.slot) || inOrder.has(fill.file.name)).map(componentOf);
}

/** As late as possible: what is written meanwhile is lost. */
export function carryAll(next: Generation): void {
  for (const [name, one] of next.inherited) {
    const to = next.maps.get(name);
    if (one.kind === 'copied' && to !== undefined) carryValues(one.map, to, one.variables);
  }
}
