/**
 * Static re-linking: components are plugged into the slots of a rootlet, and the result is one ordinary object.
 *
 * Every component has a scope of names of its own, so that two of them may have the same functions, maps and globals.
 * A slot is a global function of the rootlet that is no program; the component's program takes its place: it leaves its
 * program section for `.text`, every call of the slot becomes a call of it, and the slot's own code is dropped. What the
 * chosen program does not need of its object (other programs, unused functions, maps and types) is left out.
 */

import { type Problem, quote } from '../diag/index.ts';
import type { BpfObject, SymbolIndex } from '../object/index.ts';
import { addendProblems } from './addends.ts';
import { checkAgreement } from './agree.ts';
import { type BindRequest, bindExplicitly } from './bind.ts';
import { unusedSymbols } from './collect.ts';
import { type Combined, combine } from './combine.ts';
import { withTextSection } from './fold-text.ts';
import { defaultRoots, isNeededAnyway, markLive } from './gc.ts';
import { type LinkInput, readInputs } from './inputs.ts';
import { chooseLicense, versionProblems, withLicense } from './license.ts';
import { checkLimits } from './limits.ts';
import type { LinkFailure } from './link.ts';
import { labelsFor, separateNames } from './names.ts';
import { mergeStrings, narrow } from './narrow.ts';
import { once } from './once.ts';
import { applyRenames } from './rename.ts';
import { type Discarded, type LinkReport, reportLink } from './report.ts';
import { resolve, type SymbolAt, type SymbolGroup } from './resolve.ts';
import { mergeSections } from './sections.ts';
import { componentKey, type Plug, plugComponents, type SlotAssignment, slotsOf } from './slots.ts';
import { nearestNames, undefinedProblems } from './undefined.ts';

export interface RelinkOptions {
  /** Name of the result in messages. Default `chain.o`. */
  readonly name?: string;
  /** Names of maps and globals that all components (and the rootlet) have in common; `*` for all maps. */
  readonly share?: readonly string[];
  /** Exceptions from `share`. */
  readonly private?: readonly string[];
  /** Externs that get a definition of another component. */
  readonly bind?: readonly BindRequest[];
  /** Say here what a kernel would refuse (stack, call depth, …). Default true. */
  readonly checkLimits?: boolean;
}

/** What became of one slot. */
export interface FilledSlot {
  readonly slot: string;
  /** File of the component; null when the slot keeps its default. */
  readonly component: string | null;
  /** Program of the component, by its own name. */
  readonly program: string | null;
  /** Name of the function in the result. */
  readonly function: string;
}

export interface RelinkReport extends LinkReport {
  readonly slots: readonly FilledSlot[];
}

export type RelinkResult =
  | { readonly ok: true; readonly object: BpfObject; readonly report: RelinkReport }
  | LinkFailure;

/** Plugs components into a rootlet. Never throws for what stands in the inputs: problems come back as data. */
export function relink(
  rootlet: LinkInput,
  assignments: readonly SlotAssignment[],
  options: RelinkOptions = {},
): RelinkResult {
  const components = distinctComponents(assignments);
  const inputs = [rootlet, ...components.map(({ component }) => component)];
  const { objects: files, problems: unreadable } = readInputs(inputs, { archives: false });
  if (unreadable.length > 0) return { ok: false, problems: unreadable };

  const { plugs, problems: unplugged } = plugComponents(files, assignments, components.map(componentKey));
  if (unplugged.length > 0) return { ok: false, problems: unplugged };
  const objects = files.map((object, file) => demotePrograms(object, programsIn(plugs, file)));

  const explicit = bindExplicitly(objects, options.bind ?? []);
  const resolution = resolve(objects, {
    scopes: objects.map((_, file) => file),
    shared: sharedNames(objects, options),
    detached: explicit.bindings.map(binding => binding.loser),
  });
  const sections = mergeSections(objects);
  const license = chooseLicense(objects);
  const clashes = [
    ...explicit.problems,
    ...unknownNames(objects, options),
    ...resolution.problems,
    ...checkAgreement(objects, resolution),
    ...addendProblems(objects, resolution),
    ...sections.problems,
    ...license.problems,
    ...versionProblems(objects),
  ];
  if (clashes.length > 0) return { ok: false, problems: clashes };

  const bindings = [...explicit.bindings, ...plugs.map(plug => ({ loser: plug.slot, winner: plug.program }))];
  const combined = mergeStrings(
    combine({ objects, resolution, sections, bindings, name: options.name ?? 'chain.o', partial: false }),
  );
  const live = markLive(combined.object, rootsOf(combined)).live;
  const isNeeded = ({ winner }: SymbolGroup): boolean =>
    live[combined.indexOf[winner.file]?.[winner.index] ?? -1] === true;
  const missing = undefinedProblems(objects, resolution, isNeeded);
  if (missing.length > 0) return { ok: false, problems: missing };

  const collected = narrow(combined, live, { pruneTypes: true });
  const labels = [
    null,
    ...labelsFor(components.map(({ component, instance }) => instance ?? component.name)),
  ];
  const renames = separateNames({ combined: collected, labels });
  const object = withLicense(applyRenames(collected.object, renames), license.license);
  const refused = options.checkLimits === false ? [] : checkLimits(object);
  if (refused.length > 0) return { ok: false, problems: refused };

  const report = once((): RelinkReport => {
    const linked = reportLink({ objects, resolution, combined: collected, renames, license });
    const discarded = [
      ...linked.discarded,
      ...replacedSlots(objects, plugs),
      ...unusedSymbols(objects, combined, live),
    ];
    return { ...linked, discarded, slots: describeSlots(objects, plugs, collected, object) };
  });
  return {
    ok: true,
    object,
    get report() {
      return report();
    },
  };
}

/** Each component once, in order of its first slot. */
function distinctComponents(assignments: readonly SlotAssignment[]): SlotAssignment[] {
  const byKey = new Map<string, SlotAssignment>();
  for (const assignment of assignments) {
    const key = componentKey(assignment);
    if (!byKey.has(key)) byKey.set(key, assignment);
  }
  return [...byKey.values()];
}

function programsIn(plugs: readonly Plug[], file: number): SymbolIndex[] {
  return plugs.filter(plug => plug.program.file === file).map(plug => plug.program.index);
}

/** Names to share or to keep apart that no input has: a typing error would otherwise go unnoticed. */
function unknownNames(objects: readonly BpfObject[], options: RelinkOptions): Problem[] {
  const known = new Set(
    objects.flatMap(object =>
      object.symbols.filter(symbol => symbol.kind !== 'function').map(symbol => symbol.name),
    ),
  );
  const asked = [...(options.share ?? []), ...(options.private ?? [])];
  return asked
    .filter(name => name !== '*' && !known.has(name))
    .map(name => {
      const near = nearestNames(name, [...known]);
      return {
        code: 'relink-share',
        class: 'usage',
        where: [],
        message: `no input has a map or variable ${quote(name)}`,
        ...(near.length === 0 ? {} : { hint: `did you mean ${near.map(quote).join(' or ')}?` }),
      };
    });
}

function sharedNames(objects: readonly BpfObject[], options: RelinkOptions): (name: string) => boolean {
  const shared = new Set(options.share ?? []);
  const exceptions = new Set(options.private ?? []);
  if (shared.has('*')) {
    for (const object of objects)
      for (const symbol of object.symbols) if (symbol.kind === 'map') shared.add(symbol.name);
  }
  return name => shared.has(name) && !exceptions.has(name);
}

/** The object with the given programs moved to `.text`, where they are ordinary functions. */
function demotePrograms(object: BpfObject, programs: readonly SymbolIndex[]): BpfObject {
  if (programs.length === 0) return object;
  const { sections, text } = withTextSection(object);
  const chosen = new Set(programs);
  const symbols = object.symbols.map((symbol, index) =>
    chosen.has(index) && symbol.kind === 'function' ? { ...symbol, section: text } : symbol,
  );
  return { ...object, sections, symbols };
}

/** Everything the rootlet exports; of components only what must stay whoever refers to it. */
function rootsOf(combined: Combined): SymbolIndex[] {
  const ofRootlet = defaultRoots(combined.object).filter(index => combined.origins[index]?.file === 0);
  const ofComponents = combined.origins.flatMap((origin, index) =>
    origin.file !== 0 && isNeededAnyway(combined.object, index) ? [index] : [],
  );
  return [...ofRootlet, ...ofComponents];
}

function replacedSlots(objects: readonly BpfObject[], plugs: readonly Plug[]): Discarded[] {
  return plugs.map(plug => ({
    name: plug.assignment.slot,
    kind: 'function',
    file: objects[0]?.name ?? '',
    size: 0,
    reason: 'slot',
    winner: objects[plug.program.file]?.name ?? null,
  }));
}

function describeSlots(
  objects: readonly BpfObject[],
  plugs: readonly Plug[],
  combined: Combined,
  object: BpfObject,
): FilledSlot[] {
  const rootlet = objects[0];
  if (rootlet === undefined) return [];
  const filled = new Map(plugs.map(plug => [plug.assignment.slot, plug]));
  return slotsOf(rootlet).map(({ name, index }): FilledSlot => {
    const plug = filled.get(name);
    const at: SymbolAt = plug?.program ?? { file: 0, index };
    const component = objects[at.file];
    const result = object.symbols[combined.indexOf[at.file]?.[at.index] ?? -1];
    return {
      slot: name,
      component: plug === undefined ? null : (component?.name ?? null),
      program: plug === undefined ? null : (component?.symbols[at.index]?.name ?? null),
      function: result?.name ?? name,
    };
  });
}
