/**
 * An attached rootlet: a program on a hook whose slots can be given other code while it runs.
 *
 * Every change makes a new generation beside the running one, with the maps of everything that stays, and
 * then changes the program on the hook in one step. Whatever goes wrong before that leaves the running
 * generation as it is.
 */

import { given } from '../../bytes/index.ts';
import { bugError, RootletError } from '../../diag/index.ts';
import { type AttachPlace, attachProgram, type Hook, requireOccupant } from '../../hooks/index.ts';
import { type BpfProgram, type Sys, waitForPrograms } from '../../kernel/index.ts';
import type { InlineScope, OptimizeReport } from '../../link/index.ts';
import type { OptimizeSetting } from '../../load/index.ts';
import {
  Cleanup,
  describeOptimizeSetting,
  isSameOptimizeSetting,
  type LoadedObject,
  type LoadPlan,
} from '../../load/index.ts';
import { InputObject, type ObjectFile } from '../../object/index.ts';
import {
  reportState,
  requireNewMaps,
  type Settings,
  type SettingsByOwner,
  type StateChange,
} from '../../state/index.ts';
import { chooseBackEnd, fitNotes } from '../fit/index.ts';
import {
  afterSwitch,
  type BuildContext,
  type Design,
  type Generation,
  type GenerationOptions,
  type SlotBackEnd,
  type SlotChange,
  type SlotFill,
  slotNames,
  unchangedFill,
} from '../generation/index.ts';
import { memberOptionsOf } from '../providers/index.ts';
import { build, planCommit, planParts, requirePossible } from './back-ends.ts';
import { type PreparedChange, prepareChange, settingsOf } from './change.ts';
import { decisionsOf, droppedMaps } from './kept.ts';
import { droppedInSlots } from './prepare.ts';
import { planTailSlots } from './tail.ts';

/** Options of `Rootlet.attach`. */
export interface RootletOptions extends GenerationOptions {
  /** All settings, by component, instead of `globals` and `maxEntries`. @internal */
  readonly settings?: SettingsByOwner;
  /** The program that goes on the hook; may be left out when the rootlet has only one. */
  readonly program?: string;
  /** What fills the slots from the beginning. */
  readonly slots?: SlotChange;
  /** How components get into slots, now and later. Default: what the kernel and the slots allow. */
  readonly via?: SlotBackEnd;
  /** How the back end `static` optimizes, now and later. Default: at level 1. */
  readonly optimize?: OptimizeSetting;
}

/** Options of a change of slots. */
export interface ReplaceOptions extends Pick<GenerationOptions, 'globals' | 'maxEntries'> {
  /** Components, maps, sections and variables that begin with new contents; `*` for all. */
  readonly fresh?: readonly string[];
  /** All settings, by component, instead of those in force. @internal */
  readonly settings?: SettingsByOwner;
  /** How components get into slots from now on. */
  readonly via?: SlotBackEnd | 'auto';
  /** How the back end `static` optimizes from now on. Default: as before. */
  readonly optimize?: OptimizeSetting;
  /**
   * The program that the hook runs, where it is not the rootlet's: another tool built it from the components.
   * @internal
   */
  readonly expected?: BpfProgram;
  /** Replace whatever is attached there now. */
  readonly force?: boolean;
}

/** What fills one slot. */
export interface SlotState {
  readonly slot: string;
  /** Null for the slot's own default. */
  readonly fill: SlotFill | null;
}

/** What a change did, or would do. */
export interface Replaced {
  readonly slots: readonly SlotState[];
  /** The back end, and why this one. */
  readonly choice: { readonly via: SlotBackEnd; readonly reason: string };
  /** What became of each map and data section. */
  readonly state: readonly StateChange[];
  /** Values and sizes in force, by component; '' for the rootlet. */
  readonly settings: ReadonlyMap<string, Settings>;
  /** Settings that no longer fit anything, one sentence each. */
  readonly droppedSettings: readonly string[];
  /**
   * Programs of new components that are not loaded although they may be called, and what the kernel was given
   * otherwise than the files have it; one sentence each.
   */
  readonly notes: readonly string[];
  /** The step of the optimizer that the program on the hook is at; of a plan, the first that would be tried. */
  readonly optimized: InlineScope;
  /** What the optimizer did at that step, or would do; null where it has done nothing now. */
  readonly optimization: OptimizeReport | null;
}

/** Notified of a change step by step, so that another process can finish it. */
export interface RootletJournal {
  /** Everything of `next` is there, `old` runs. When it throws, nothing changes. */
  prepare(next: Generation, old: Generation, forced: boolean): void;
  /** `next` runs. */
  done(next: Generation): void;
  /** `old` runs and will continue running. */
  undo(old: Generation, forced: boolean): void;
}

const NO_JOURNAL: RootletJournal = { prepare: () => {}, done: () => {}, undo: () => {} };

/** What must be done right before and after the switch to a generation, which is `step`. */
export type AroundSwitch = (next: Generation, step: () => void) => void;

/** What a rootlet is besides its generation. */
export interface RootletSetting {
  /** How the components that are there got into their slots. */
  readonly via: SlotBackEnd;
  /** This way was requested and stays. */
  readonly forced: boolean;
  readonly options: GenerationOptions;
  readonly journal?: RootletJournal;
  readonly around?: AroundSwitch;
}

/**
 * A rootlet on a hook, whose slots can be changed while it runs. Owns its generation; with `attach` also its
 * hook, so that `close()` detaches it; `Hook.close()` alone never detaches what stays without a handle.
 */
export class Rootlet {
  readonly sys: Sys;
  readonly hook: Hook;
  readonly #options: GenerationOptions;
  readonly #journal: RootletJournal;
  readonly #around: AroundSwitch;
  readonly #ownsHook: boolean;
  #forced: SlotBackEnd | undefined;
  #generation: Generation;

  private constructor(
    sys: Sys,
    hook: Hook,
    generation: Generation,
    setting: RootletSetting & { readonly ownsHook: boolean },
  ) {
    this.sys = sys;
    this.hook = hook;
    this.#generation = generation;
    this.#ownsHook = setting.ownsHook;
    this.#journal = setting.journal ?? NO_JOURNAL;
    this.#around = setting.around ?? ((_, step) => step());
    this.#forced = setting.forced ? setting.via : undefined;
    this.#options = lasting(setting.options);
  }

  /** Loads a rootlet and attaches it. Either all of it is there afterwards, or nothing is. */
  static attach(sys: Sys, file: ObjectFile, place: AttachPlace, options: RootletOptions = {}): Rootlet {
    const { design, context } = prepareFirst(sys, file, options);
    const cleanup = new Cleanup();
    return cleanup.guard(() => {
      const { via } = chooseBackEnd(context, design, options.via);
      const generation = cleanup.own(build(via, context, design));
      const { loaded, program } = hostOf(generation);
      const hook = attachProgram(loaded, program, place);
      cleanup.defer(() => detach(hook, generation.program));
      const forced = options.via !== undefined;
      return new Rootlet(sys, hook, generation, { via, forced, options, ownsHook: true });
    });
  }

  /**
   * A rootlet with its components that is to be attached by `commit`, which is given the generation, owned by
   * the caller from there on. With `dryRun` nothing is created, and `commit` is not called.
   * @internal
   */
  static first(
    sys: Sys,
    file: ObjectFile,
    options: RootletOptions & { readonly dryRun?: boolean },
    commit: (generation: Generation) => void,
  ): Replaced {
    const { design, context } = prepareFirst(sys, file, options);
    const choice = chooseBackEnd(context, design, options.via);
    const slots = slotStates(design, context.main);
    const base = { slots, choice, settings: context.settings, droppedSettings: [] };
    if (options.dryRun === true) {
      const { parts } = planParts(choice.via, context, design);
      const decisions = decisionsOf(context, design, parts, choice.via);
      const idle = idleOptimization(choice.via, options);
      const notes = [
        ...firstNotes(design, context.main),
        ...idle,
        ...parts.flatMap(({ plan }) => plan.notes),
      ];
      const state = reportState(decisions, [], undefined);
      return { ...base, state, notes: [...new Set(notes)], ...optimizationIn(parts) };
    }
    const cleanup = new Cleanup();
    return cleanup.guard(() => {
      const generation = cleanup.own(build(choice.via, context, design));
      commit(generation);
      const idle = idleOptimization(choice.via, options);
      const notes = [...firstNotes(design, context.main), ...idle, ...notesOf(generation)];
      const { decisions, dropped, transfer } = generation;
      const state = reportState(decisions, dropped, transfer);
      return { ...base, state, notes: [...new Set(notes)], ...optimizationOf(generation) };
    });
  }

  /**
   * A rootlet that is attached already. The generation is owned from here on, the hook stays the caller's.
   * @internal
   */
  static over(sys: Sys, hook: Hook, generation: Generation, setting: RootletSetting): Rootlet {
    return new Rootlet(sys, hook, generation, { ...setting, ownsHook: false });
  }

  /**
   * What runs. It ends with the next change.
   * @internal
   */
  get generation(): Generation {
    return this.#generation;
  }

  /** @internal */
  get design(): Design {
    return this.#generation.design;
  }

  /** The rootlet's own program. */
  get main(): string {
    return this.#generation.entry;
  }

  /** All that can be filled, the program itself last. */
  get slotNames(): readonly string[] {
    return slotsIn(this.design, this.main);
  }

  get slots(): readonly SlotState[] {
    return slotStates(this.design, this.main);
  }

  /**
   * Changes slots, or the rootlet itself with its components kept. With `static` and `ext` all at once: each
   * packet is judged by the code as it was or as it is; with `tail` this holds for each slot. Throws what is
   * wrong with the change, or the verifier's refusal; what runs is untouched then.
   */
  change(change: SlotChange, options: ReplaceOptions = {}): Replaced {
    const old = this.#generation;
    const force = options.force === true;
    const expected = options.expected ?? old.program;
    if (!force) requireOccupant(this.sys, this.hook, expected);
    if (isNothing(change, options)) return this.#unchanged();
    const prepared = this.#prepare(change, options);
    const { context, design } = prepared;
    const forced = this.#wanted(options);
    const choice = chooseBackEnd(context, design, forced);
    requirePossible(this.hook, old, choice.via, context, design);
    const next = build(choice.via, context, design);
    this.#switch(next, old, { forced: forced !== undefined, expected: force ? null : expected });
    this.#forced = forced;
    const state = reportState(next.decisions, next.dropped, next.transfer);
    const idle = idleOptimization(choice.via, options, old.optimize);
    const notes = [...new Set([...newNotes(old, design, context.main), ...idle, ...notesOf(next)])];
    const { settings } = next;
    const base = { slots: this.slots, choice, state, settings, droppedSettings: prepared.dropped, notes };
    return { ...base, ...optimizationOf(next) };
  }

  /** What was requested stays requested. */
  #wanted({ via }: ReplaceOptions): SlotBackEnd | undefined {
    return via === 'auto' ? undefined : (via ?? this.#forced);
  }

  /** What `change` would do: everything is checked but what the verifier reports, and nothing is created. */
  plan(change: SlotChange, options: ReplaceOptions = {}): Replaced {
    const old = this.#generation;
    if (options.force !== true) requireOccupant(this.sys, this.hook, options.expected ?? old.program);
    if (isNothing(change, options)) return this.#unchanged();
    const { context, design, dropped } = this.#prepare(change, options);
    const choice = chooseBackEnd(context, design, this.#wanted(options));
    requirePossible(this.hook, old, choice.via, context, design);
    const { parts } = planParts(choice.via, context, design);
    for (const part of parts) requireNewMaps(part.plan, part.decisions);
    const decisions = decisionsOf(context, design, parts, choice.via);
    const state = reportState(decisions, droppedMaps(context, design, parts, choice.via), undefined);
    const slots = slotStates(design, context.main);
    const planned = parts.flatMap(({ plan }) => plan.notes);
    const idle = idleOptimization(choice.via, options, old.optimize);
    const notes = [...new Set([...newNotes(old, design, context.main), ...idle, ...planned])];
    const base = { slots, choice, state, settings: context.settings, droppedSettings: dropped, notes };
    return { ...base, ...optimizationIn(parts) };
  }

  /** Puts one component into one slot. */
  replace(slot: string, file: ObjectFile, program?: string, options: ReplaceOptions = {}): Replaced {
    return this.change({ fill: [{ slot, file, ...given({ program }) }] }, options);
  }

  /** Gives slots their defaults back. */
  reset(...slots: readonly string[]): Replaced {
    return this.change({ reset: slots });
  }

  /**
   * Brings the slots to this generation, whose program the hook runs: after a process died in the middle of a
   * change.
   */
  settle(): void {
    if (this.#generation.via === 'tail') planTailSlots(this.#generation)();
    waitForPrograms(this.sys);
  }

  /**
   * Detaches what `attach` attached, and closes programs and maps. What a command attached stays attached.
   */
  close(): void {
    try {
      if (this.#ownsHook) detach(this.hook, this.#generation.program);
    } finally {
      this.#generation.close();
    }
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #prepare(change: SlotChange, options: ReplaceOptions): PreparedChange {
    const old = this.#generation;
    return prepareChange({
      sys: this.sys,
      old,
      design: old.design,
      main: this.main,
      change,
      given: settingsOf(options),
      ...given({ exact: options.settings, optimize: options.optimize }),
      fresh: options.fresh ?? [],
      options: this.#options,
    });
  }

  #unchanged(): Replaced {
    const { via, settings, optimized = 'none' } = this.#generation;
    const choice = { via, reason: this.#forced === undefined ? 'as it was' : 'as requested' };
    const base = { slots: this.slots, choice, state: [], settings, droppedSettings: [], notes: [] };
    return { ...base, optimized, optimization: null };
  }

  #switch(
    next: Generation,
    old: Generation,
    { forced, expected }: { readonly forced: boolean; readonly expected: BpfProgram | null },
  ): void {
    let prepared = false;
    try {
      const step = planCommit(this.hook, next, old, expected);
      next.transfer?.run();
      this.#journal.prepare(next, old, forced);
      prepared = true;
      next.transfer?.run(); // again: as late as possible, what is written meanwhile is lost
      this.#around(next, step);
    } catch (error) {
      if (prepared) this.#journal.undo(old, this.#forced !== undefined);
      next.close();
      throw error;
    }
    this.#generation = next;
    try {
      afterSwitch(this.hook.place, () => this.#finish(next));
    } finally {
      old.close();
    }
  }

  #finish(next: Generation): void {
    next.setGiven();
    // packets that are still in the old program must not meet slots or arrays that were emptied
    waitForPrograms(this.sys);
    this.#journal.done(next);
  }
}

function prepareFirst(sys: Sys, file: ObjectFile, options: RootletOptions): PreparedChange {
  return prepareChange({
    sys,
    old: undefined,
    design: { rootlet: InputObject.from(file, options.limits), fills: [] },
    main: options.program,
    change: options.slots ?? {},
    given: settingsOf(options),
    ...given({ exact: options.settings, optimize: options.optimize }),
    fresh: [],
    options: lasting(options),
  });
}

/** What was loaded for the hook of a generation, and the name there of its program. */
function hostOf({ host, program }: Generation): { readonly loaded: LoadedObject; readonly program: string } {
  const name = [...(host?.programs ?? [])].find(([, one]) => one === program)?.[0];
  if (host === undefined || name === undefined)
    throw bugError([], 'a generation without a program for its hook');
  return { loaded: host, program: name };
}

function firstNotes(design: Design, main: string): string[] {
  const parts = design.fills.map(fill => ({ object: fill.file.object, fills: [fill] }));
  return [...fitNotes(design.rootlet.object, parts, main), ...droppedInSlots(design.fills)];
}

/** A program of another process is not detached; the link of this process ends when it is closed. */
function detach(hook: Hook, program: BpfProgram): void {
  try {
    hook.detach(program);
  } catch (error) {
    if (!(error instanceof RootletError) || error.code !== 'hook-changed') throw error;
  } finally {
    hook.close();
  }
}

/** What was given for one generation is part of it. */
function lasting(options: GenerationOptions): BuildContext['options'] {
  const { pinRoot } = options;
  return { ...memberOptionsOf(options), ...given({ pinRoot }) };
}

/** Of everything that was loaded for a generation. */
function notesOf({ host, loaded }: Generation): string[] {
  const all = host === undefined ? loaded : [host, ...loaded];
  return [...new Set(all.flatMap(({ notes }) => notes))];
}

/** Of a generation that was built now. */
function optimizationOf({ host }: Generation) {
  return optimizationIn(host === undefined ? [] : [host]);
}

/** Of these parts, one is the program on the hook. */
function optimizationIn(
  parts: readonly { readonly plan: LoadPlan }[],
): Pick<Replaced, 'optimized' | 'optimization'> {
  const plan = parts.find(part => part.plan.optimized !== undefined)?.plan;
  return { optimized: plan?.optimized ?? 'none', optimization: plan?.optimization ?? null };
}

function slotsIn({ rootlet }: Design, main: string): string[] {
  return [...slotNames(rootlet.object), main];
}

function slotStates(design: Design, main: string): SlotState[] {
  const { fills } = design;
  return slotsIn(design, main).map(slot => ({ slot, fill: fills.find(fill => fill.slot === slot) ?? null }));
}

function isNothing({ fill = [], reset = [], order, rootlet }: SlotChange, options: ReplaceOptions): boolean {
  const { via, globals, maxEntries, settings, optimize, fresh = [] } = options;
  const named = fill.length + reset.length + fresh.length > 0;
  return (
    !named && [order, rootlet, via, globals, maxEntries, settings, optimize].every(one => one === undefined)
  );
}

/** A setting without effect for now: what is replaced must stay a function. */
function idleOptimization(
  via: SlotBackEnd,
  { optimize }: Pick<ReplaceOptions, 'optimize'>,
  before?: OptimizeSetting,
): string[] {
  if (via === 'static' || optimize === undefined || optimize.level === 0) return [];
  if (before !== undefined && isSameOptimizeSetting(before, optimize)) return [];
  return [
    `${describeOptimizeSetting(optimize)} has no effect by ${via}: slots are replaced there, and stay functions`,
  ];
}

/** About the components that this change puts in. */
function newNotes(old: Generation, design: Design, main: string): string[] {
  const fills = design.fills.filter(fill => unchangedFill(old, fill) === undefined);
  return firstNotes({ ...design, fills }, main);
}
