/**
 * What fills which slot of a rootlet, and what a change makes of it: pure data, the same for every back end.
 *
 * A design can be kept (in a record, in a file) and built again by another process; building it is up to the
 * back ends.
 */

import { given } from '../../bytes/index.ts';
import { quote, RootletError, usageError } from '../../diag/index.ts';
import { freeSlots, inOrder, slotTwice, tooManyComponents, unknownSlot } from '../../link/index.ts';
import { InputObject, type ObjectFile } from '../../object/index.ts';
import {
  candidatesOf,
  componentName,
  findHeirs,
  freeComponentName,
  type Incumbent,
  partKey,
  sameBytes,
} from '../../state/index.ts';
import type { JsonObject } from '../../store/index.ts';

/** A program of an object file. */
export interface Component<F extends ObjectFile = ObjectFile> {
  readonly file: F;
  /** May be left out when the file has only one. */
  readonly program?: string;
}

/** A component in a slot. */
export interface SlotFill extends Component<InputObject> {
  /** A function of the rootlet, or its program. */
  readonly slot: string;
  /**
   * Name of the component: its file's up to the first dot, numbered where several components have one base
   * name.
   */
  readonly component: string;
  /** Set for an outgoing version of a component whose next version fills another slot already. */
  readonly version?: number;
  /** Set where `file.object` is not what its bytes contain: how it was made of that. Other code under another word. */
  readonly variant?: string;
}

export interface Design {
  readonly rootlet: InputObject;
  /** In the order of the slots. */
  readonly fills: readonly SlotFill[];
  /** Set where the rootlet was generated for its components. */
  readonly generated?: GeneratedRootlet;
}

/**
 * A rootlet that was generated for its components: it has a slot for each, which calls it as the kernel calls
 * programs. Components have the names that the caller gives them.
 */
export interface GeneratedRootlet {
  /** Slots whose component must not throw an exception: something runs after it. */
  readonly mustReturn: readonly string[];
  /** What its maker records with it, for itself. */
  readonly facts: JsonObject;
  /** Loaded programs in slots that no component fills; by the back end `ext` only. */
  readonly guests?: readonly Guest[];
}

/** A loaded replacement (freplace) of which there is no file: another tool loaded it. It stays as it is. */
export interface Guest {
  /** A function of the rootlet, or its program. */
  readonly slot: string;
  /** Its name, which no component has. */
  readonly component: string;
  /** Name of its function. */
  readonly program: string;
  readonly programId: number;
}

/** Name of a guest's program in a generation. */
export function guestKey({ component, program }: Guest): string {
  return `${component}:${program}`;
}

/**
 * A change of the slots of a rootlet, or of the rootlet itself. `F`: as files are given; `InputObject` once a
 * change has entered (`openChange`).
 */
export interface SlotChange<F extends ObjectFile = ObjectFile> {
  /** Another version of the rootlet itself. Its components stay in their slots. */
  readonly rootlet?: F;
  /** Program of that version; default: of the same name, else its only one. */
  readonly program?: string;
  /** Components for slots by name. */
  readonly fill?: readonly (Component<F> & { readonly slot: string })[];
  /** Slots that get their defaults back. */
  readonly reset?: readonly string[];
  /**
   * Components for all slots that `fill` does not name, in order. Slots that are left over must be in
   * `reset`.
   */
  readonly order?: readonly Component<F>[];
  /**
   * A generated rootlet, with all of its components and their names; beside `rootlet` and `program` only.
   * @internal
   */
  readonly generated?: GeneratedRootlet & {
    readonly components: readonly (Component<F> & {
      readonly slot: string;
      readonly component: string;
      readonly variant?: string;
    })[];
  };
}

/**
 * The change with every file once, whatever number of slots it goes into. `openFile`: how a file is opened.
 */
export function openChange(
  asGiven: SlotChange,
  openFile: (file: ObjectFile) => InputObject = InputObject.from,
): SlotChange<InputObject> {
  const { rootlet, fill, order, generated, ...change } = asGiven;
  const known = new Map<ObjectFile, InputObject>();
  const open = (file: ObjectFile): InputObject => {
    const input = known.get(file) ?? openFile(file);
    known.set(file, input);
    return input;
  };
  return {
    ...change,
    ...given({
      rootlet: rootlet === undefined ? undefined : open(rootlet),
      fill: fill?.map(one => ({ ...one, file: open(one.file) })),
      order: order?.map(one => ({ ...one, file: open(one.file) })),
      generated:
        generated === undefined
          ? undefined
          : { ...generated, components: generated.components.map(one => ({ ...one, file: open(one.file) })) },
    }),
  };
}

/** Slots of the rootlet of the changed design. */
export interface SlotNames {
  /** In their order. */
  readonly slots: readonly string[];
  /** The program, which is filled only by name. */
  readonly main: string;
}

/** Identity of a part of a generation: component and version. */
export function componentOf(fill: SlotFill): string {
  return partKey(fill.component, fill.version);
}

/**
 * Throws `relink-slot-twice`, `relink-no-slot`, `relink-too-many`, and `relink-slot-emptied` for filled slots
 * that the change would leave empty without naming them in `reset`.
 */
export function changeDesign(design: Design, change: SlotChange<InputObject>, names: SlotNames): Design {
  const { fill = [], reset = [], order, generated } = change;
  const next = change.rootlet ?? design.rootlet;
  if (generated !== undefined) return generatedDesign(next, generated, names);
  if (design.generated !== undefined) throw isGenerated(design);
  requireDistinct(next, [...fill.map(({ slot }) => slot), ...reset]);
  for (const slot of reset) requireSlot({ ...design, rootlet: next }, names, slot);
  const named = new Set([...fill.map(({ slot }) => slot), ...reset]);
  const ordered = order === undefined ? [] : assignOrder(next, order, names.slots, named);
  const kept =
    order === undefined
      ? design.fills.filter(({ slot }) => !named.has(slot))
      : keptMain(design, names, named);
  requireFilled(design, { next, names, reset, filled: [...fill, ...ordered, ...kept] });
  return { rootlet: next, fills: sorted(withIdentities(design, [...fill, ...ordered], kept), names.slots) };
}

function isGenerated({ rootlet }: Design): RootletError {
  return usageError('relink-generated', `${quote(rootlet.name)} was generated for its components`, {
    hint: 'chains are changed by "rootlet xdp" and "rootlet tc"',
  });
}

/** Programs of other tools that fill slots of a generated rootlet. */
export function guestsOf(generated: Pick<GeneratedRootlet, 'guests'> | undefined): readonly Guest[] {
  return generated?.guests === undefined ? [] : generated.guests;
}

/** The caller specifies everything. */
function generatedDesign(
  rootlet: InputObject,
  { components, ...generated }: NonNullable<SlotChange<InputObject>['generated']>,
  names: SlotNames,
): Design {
  const filled = [...components, ...guestsOf(generated)];
  requireDistinct(
    rootlet,
    filled.map(({ slot }) => slot),
  );
  const design = { rootlet, fills: components, generated };
  for (const { slot } of filled) requireSlot({ ...design, fills: [] }, names, slot);
  return { ...design, fills: sorted(components, names.slots) };
}

function assignOrder(
  rootlet: ObjectFile,
  order: readonly Component<InputObject>[],
  slots: readonly string[],
  named: ReadonlySet<string>,
): readonly Assigned[] {
  const free = freeSlots(slots, named);
  const assigned = inOrder(free, order);
  if (assigned !== undefined) return assigned;
  throw new RootletError([tooManyComponents(rootlet.name, free.length, slots.length, order.length)]);
}

/** An order is about slots: what fills the program stays. */
function keptMain(design: Design, { slots }: SlotNames, named: ReadonlySet<string>): SlotFill[] {
  return design.fills.filter(({ slot }) => !slots.includes(slot) && !named.has(slot));
}

// --- identities ---------------------------------------------------------------------------------------------------

type Assigned = Component<InputObject> & { readonly slot: string };

/** Fills with the names of their components: those of the running generation where they are heirs of it. */
function withIdentities(
  design: Design,
  assigned: readonly Assigned[],
  kept: readonly SlotFill[],
): SlotFill[] {
  const incumbents = incumbentsOf(design, kept);
  const candidates = candidatesOf(assigned, incumbents);
  const heirs = findHeirs(candidates, incumbents);
  const taken = new Set([...incumbents.map(({ component }) => component)]);
  const rolled = new Set<string>();
  const fills = candidates.flatMap((candidate, position): SlotFill[] => {
    const heir = heirs[position];
    const component = heir?.component ?? freeComponentName(componentName(candidate.file), taken);
    taken.add(component);
    const joins = heir !== undefined && sameBytes(heir.bytes, candidate.bytes);
    if (heir !== undefined && !joins) rolled.add(component);
    const version = joins ? heir.version : undefined;
    return assigned
      .filter(({ slot }) => candidate.slots.includes(slot))
      .map(one => ({ ...one, component, ...given({ version }) }));
  });
  return withCurrentVersions([
    ...kept.map(fill => (rolled.has(fill.component) ? outgoing(fill, kept) : fill)),
    ...fills,
  ]);
}

function incumbentsOf({ fills }: Design, kept: readonly SlotFill[]): Incumbent[] {
  const parts = new Map<string, SlotFill[]>();
  for (const fill of fills) parts.set(componentOf(fill), [...(parts.get(componentOf(fill)) ?? []), fill]);
  return [...parts.values()].flatMap(own => {
    const [first] = own;
    if (first === undefined) return [];
    const slots = own.map(({ slot }) => slot);
    const { component, version, file } = first;
    const stays = slots.filter(slot => kept.some(fill => fill.slot === slot));
    const { name, path, bytes } = file;
    const base = { file: name, ...given({ path }), bytes, slots, component, stays };
    return [version === undefined ? base : { ...base, version }];
  });
}

/** A fill whose component has a newer version from now on. */
function outgoing(fill: SlotFill, kept: readonly SlotFill[]): SlotFill {
  if (fill.version !== undefined) return fill;
  const versions = kept.flatMap(({ component, version }) =>
    component === fill.component && version !== undefined ? [version] : [],
  );
  return { ...fill, version: Math.max(0, ...versions) + 1 };
}

/** Where only outgoing versions of a component are left, the newest of them is its current one. */
function withCurrentVersions(fills: readonly SlotFill[]): SlotFill[] {
  return fills.map(fill => {
    const own = fills.filter(({ component }) => component === fill.component);
    const newest = Math.max(...own.map(({ version }) => version ?? Number.POSITIVE_INFINITY));
    if (fill.version !== newest) return fill;
    const { version: _, ...current } = fill;
    return current;
  });
}

/** Two readings of one file, or two files of one base name with the same contents. */
export function isSame(a: ObjectFile, b: ObjectFile): boolean {
  return a === b || (componentName(a.name) === componentName(b.name) && sameBytes(a.bytes, b.bytes));
}

/** Fills with the same code. */
export function isSameFill(a: SlotFill, b: SlotFill): boolean {
  return a.variant === b.variant && isSame(a.file, b.file);
}

function sorted(fills: readonly SlotFill[], slots: readonly string[]): SlotFill[] {
  const place = (fill: SlotFill): number => {
    const at = slots.indexOf(fill.slot);
    return at < 0 ? slots.length : at;
  };
  return [...fills].sort((a, b) => place(a) - place(b));
}

// --- what a change may not do -------------------------------------------------------------------------------------

function requireDistinct(rootlet: ObjectFile, slots: readonly string[]): void {
  const twice = slots.find((slot, at) => slots.indexOf(slot) !== at);
  if (twice !== undefined) throw new RootletError([slotTwice(rootlet.name, twice, 'changed')]);
}

function requireSlot(design: Design, { slots, main }: SlotNames, slot: string): void {
  const known = [...slots, main];
  if (known.includes(slot) || design.fills.some(fill => fill.slot === slot)) return;
  throw new RootletError([unknownSlot(design.rootlet.name, slot, known)]);
}

interface Outcome {
  readonly next: ObjectFile;
  readonly names: SlotNames;
  readonly reset: readonly string[];
  readonly filled: readonly Assigned[];
}

/** No filled slot becomes empty, or disappears, without being named. */
function requireFilled(design: Design, { next, names, reset, filled }: Outcome): void {
  const known = new Set([...names.slots, names.main]);
  const emptied = design.fills.filter(
    ({ slot }) => !reset.includes(slot) && !(known.has(slot) && filled.some(fill => fill.slot === slot)),
  );
  const [first] = emptied;
  if (first === undefined) return;
  const gone = !known.has(first.slot);
  const what = gone
    ? `${quote(next.name)} has no slot ${quote(first.slot)}, which ${quote(first.component)} fills`
    : `slot ${quote(first.slot)}, which ${quote(first.component)} fills, would be empty`;
  throw usageError('relink-slot-emptied', what, {
    hint: `to empty it: ${emptied.map(({ slot }) => `--reset ${slot}`).join(' ')}`,
  });
}
