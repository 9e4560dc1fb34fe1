/**
 * Static re-linking: components are plugged into the slots of a rootlet, and the result is one ordinary object.
 *
 * Every component has a scope of names of its own, so that two of them may have the same functions, maps and globals.
 * A slot is a global function of the rootlet that is no program; the component's program takes its place: it leaves its
 * program section for `.text`, every call of the slot becomes a call of it, and the slot's own code is dropped. What the
 * chosen program does not need of its object (other programs, unused functions, maps and types) is left out.
 */

import type { BpfObject, SymbolIndex } from '../object/index.ts';
import { checkAgreement } from './agree.ts';
import { unusedSymbols } from './collect.ts';
import { type Combined, combine } from './combine.ts';
import { withTextSection } from './fold-text.ts';
import { defaultRoots, isNeededAnyway, markLive } from './gc.ts';
import { type LinkInput, readInputs } from './inputs.ts';
import { chooseLicense, versionProblems, withLicense } from './license.ts';
import type { LinkFailure } from './link.ts';
import { labelsFor, separateNames } from './names.ts';
import { mergeStrings, narrow } from './narrow.ts';
import { once } from './once.ts';
import { applyRenames } from './rename.ts';
import { type Discarded, type LinkReport, reportLink } from './report.ts';
import { resolve, type SymbolAt } from './resolve.ts';
import { mergeSections } from './sections.ts';
import { type Plug, plugComponents, type SlotAssignment, slotsOf } from './slots.ts';
import { undefinedProblems } from './undefined.ts';

export interface RelinkOptions {
  /** Name of the result in messages. Default `chain.o`. */
  readonly name?: string;
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
  const { objects: files, problems: unreadable } = readInputs([rootlet, ...components], { archives: false });
  if (unreadable.length > 0) return { ok: false, problems: unreadable };

  const { plugs, problems: unplugged } = plugComponents(files, assignments, components);
  if (unplugged.length > 0) return { ok: false, problems: unplugged };
  const objects = files.map((object, file) =>
    demotePrograms(
      object,
      plugs.filter(plug => plug.program.file === file).map(plug => plug.program.index),
    ),
  );

  const resolution = resolve(objects, { scopes: objects.map((_, file) => file) });
  const sections = mergeSections(objects);
  const license = chooseLicense(objects);
  const problems = [
    ...resolution.problems,
    ...checkAgreement(objects, resolution),
    ...undefinedProblems(objects, resolution),
    ...sections.problems,
    ...license.problems,
    ...versionProblems(objects),
  ];
  if (problems.length > 0) return { ok: false, problems };
  // From here on nothing can fail.

  const bindings = plugs.map(plug => ({ loser: plug.slot, winner: plug.program }));
  const combined = mergeStrings(
    combine({ objects, resolution, sections, bindings, name: options.name ?? 'chain.o', partial: false }),
  );
  const live = markLive(combined.object, rootsOf(combined)).live;
  const collected = narrow(combined, live, { pruneTypes: true });
  const labels = [null, ...labelsFor(objects.slice(1).map(object => object.name))];
  const renames = separateNames({ combined: collected, labels });
  const object = withLicense(applyRenames(collected.object, renames), license.license);
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

/** Components by name: a file that is named twice is one component in two slots, with one state. */
function distinctComponents(assignments: readonly SlotAssignment[]): LinkInput[] {
  const byName = new Map<string, LinkInput>();
  for (const { component } of assignments)
    if (!byName.has(component.name)) byName.set(component.name, component);
  return [...byName.values()];
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
