/**
 * What stands in which slot of a rootlet, and what a change makes of it: pure data, the same for every back end.
 *
 * A design can be kept (in a record, in a file) and built again by another process; building it is somebody else's task.
 */

import { inputError, quote, usageError } from '../diag/index.ts';
import { nearestNames } from '../link/undefined.ts';

/** An object file as it was given, with the name that messages use. */
export interface ObjectFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A program of an object file. */
export interface Component {
  readonly file: ObjectFile;
  /** May be left out when the file has only one. */
  readonly program?: string;
}

/** A component in a slot. */
export interface SlotFill extends Component {
  /** A function of the rootlet, or its program. */
  readonly slot: string;
  /** Tells components of one file name apart; fills of one file and one instance share their maps and variables. */
  readonly instance?: string;
}

export interface Design {
  readonly rootlet: ObjectFile;
  /** In the order of the slots. */
  readonly fills: readonly SlotFill[];
}

export interface SlotChange {
  /** Components for slots by name. */
  readonly fill?: readonly (Component & { readonly slot: string })[];
  /** Slots that get their defaults back. */
  readonly reset?: readonly string[];
  /** Components for all slots that `fill` does not name, in order; slots that are left over get their defaults back. */
  readonly order?: readonly Component[];
}

/** What tells components apart: file name and instance. */
export function componentOf(fill: SlotFill): string {
  return fill.instance === undefined ? fill.file.name : `${fill.file.name}#${fill.instance}`;
}

/** `slots`: names of all slots in their order; `main`: the program, which is filled only by name. Throws `relink-slot-twice`, `relink-no-slot`, `relink-too-many`. */
export function changeDesign(
  design: Design,
  change: SlotChange,
  slots: readonly string[],
  main: string,
): Design {
  const { fill = [], reset = [], order } = change;
  requireDistinct([...fill.map(({ slot }) => slot), ...reset]);
  for (const slot of reset) requireSlot(design, [...slots, main], slot);
  const named = new Set([...fill.map(({ slot }) => slot), ...reset]);
  const others = order === undefined ? design.fills : inOrder(design, order, slots, named);
  const kept = others.filter(({ slot }) => !named.has(slot));
  for (const one of fill) kept.push(withInstance(one, kept));
  return { ...design, fills: sorted(kept, slots) };
}

function inOrder(
  design: Design,
  order: readonly Component[],
  slots: readonly string[],
  named: ReadonlySet<string>,
): SlotFill[] {
  const free = slots.filter(slot => !named.has(slot));
  if (order.length > free.length) {
    throw usageError(
      'relink-too-many',
      `${quote(design.rootlet.name)} has ${free.length} slots for the ${order.length} components in order`,
    );
  }
  const fills: SlotFill[] = [];
  order.forEach((one, at) => {
    const before = design.fills.find(known => isSame(known.file, one.file));
    fills.push(withInstance({ ...one, slot: free[at] ?? '' }, fills, before?.instance));
  });
  return fills;
}

/** The fill with an instance of its own where another file of this name is plugged in already. */
function withInstance(fill: SlotFill, others: readonly SlotFill[], wanted?: string): SlotFill {
  const same = others.find(other => isSame(other.file, fill.file));
  const rivals = others.filter(other => other.file.name === fill.file.name && !isSame(other.file, fill.file));
  const taken = new Set(rivals.map(other => other.instance));
  let instance = same === undefined ? wanted : same.instance;
  for (let number = 2; taken.has(instance); number++) instance = String(number);
  const { instance: _, ...rest } = fill;
  return instance === undefined ? rest : { ...rest, instance };
}

/** Two readings of one file, or two files with one name and the same contents. */
export function isSame(a: ObjectFile, b: ObjectFile): boolean {
  return a === b || (a.name === b.name && sameBytes(a.bytes, b.bytes));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, at) => byte === b[at]));
}

function sorted(fills: readonly SlotFill[], slots: readonly string[]): SlotFill[] {
  const place = (fill: SlotFill): number => {
    const at = slots.indexOf(fill.slot);
    return at < 0 ? slots.length : at;
  };
  return [...fills].sort((a, b) => place(a) - place(b));
}

function requireDistinct(slots: readonly string[]): void {
  const twice = slots.find((slot, at) => slots.indexOf(slot) !== at);
  if (twice !== undefined)
    throw usageError('relink-slot-twice', `slot ${quote(twice)} is changed twice at once`);
}

function requireSlot(design: Design, slots: readonly string[], slot: string): void {
  if (slots.includes(slot) || design.fills.some(fill => fill.slot === slot)) return;
  const near = nearestNames(slot, slots);
  const names = slots.length === 0 ? 'there are none' : `there are: ${slots.map(quote).join(', ')}`;
  throw inputError('relink-no-slot', [design.rootlet.name], `has no such slot: ${quote(slot)}; ${names}`, {
    ...(near.length === 0 ? {} : { hint: `did you mean ${near.map(quote).join(' or ')}?` }),
  });
}
