/** Requests for symbol edits, and the inputs that they apply to. */

import type { BpfObject } from '../../object/index.ts';
import type { AliasRequest } from './defsym.ts';

/** A symbol, of one input or of all. */
export interface Selector {
  readonly name: string;
  /** Name of an input, its base name, or `ARCHIVE(MEMBER)`. */
  readonly file?: string;
}

/** Another name for a symbol or a section, of one input or of all. */
export interface SelectedRename {
  readonly from: string;
  readonly to: string;
  /** As in `Selector`. */
  readonly file?: string;
}

/** Symbol edits. Each list is applied as a whole, whatever its order. */
export interface EditOptions {
  readonly renameSections?: readonly SelectedRename[];
  readonly redefine?: readonly SelectedRename[];
  /** Before all global names that a file defines. */
  readonly prefix?: readonly { readonly file: string; readonly prefix: string }[];
  /** Aliases. */
  readonly defsym?: readonly AliasRequest[];
  readonly wrap?: readonly Selector[];
  readonly weaken?: readonly Selector[];
  readonly globalize?: readonly Selector[];
  readonly localize?: readonly Selector[];
  readonly hide?: readonly Selector[];
  /** All others become static. */
  readonly keepGlobal?: readonly Selector[];
}

/** `FILE:NAME` or `NAME`. */
export function parseSelector(text: string): Selector {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? { name: text } : { file: text.slice(0, colon), name: text.slice(colon + 1) };
}

/** A request, and whether any object matches it. */
export interface Request {
  readonly name: string;
  readonly place: Place | null;
  matched: boolean;
}

export interface RenameRequest extends Request {
  readonly to: string;
}

/** One input; of an archive all members or one. */
export interface Place {
  readonly file: string;
  readonly input: string;
  readonly member: string | null;
}

export function isFor(place: Place | null, object: BpfObject, input: string): boolean {
  if (place === null) return true;
  return place.input === input && (place.member === null || object.name === `${input}(${place.member})`);
}

/** Requests with the indices of their files; unknown files are reported already. */
export function requests(
  selectors: readonly Selector[],
  placeOf: (selector: { readonly file?: string }) => Place | null | undefined,
): Request[] {
  return selectors.flatMap(selector => {
    const place = placeOf(selector);
    return place === undefined ? [] : [{ name: selector.name, place, matched: false }];
  });
}

export function renameRequests(
  renames: readonly SelectedRename[],
  placeOf: (selector: { readonly file?: string }) => Place | null | undefined,
): RenameRequest[] {
  return renames.flatMap(rename => {
    const place = placeOf(rename);
    return place === undefined ? [] : [{ name: rename.from, to: rename.to, place, matched: false }];
  });
}

/** Selectors without a file are for the result. */
export function ofFiles(selectors: readonly Selector[] = []): Selector[] {
  return selectors.filter(selector => selector.file !== undefined);
}

export function matchedNames(list: readonly Request[]): string[] {
  for (const request of list) request.matched = true;
  return list.map(request => request.name);
}

/** A request for one file takes precedence over a request for all. */
export function preferPlaced(list: readonly RenameRequest[]): RenameRequest[] {
  const placed = new Set(list.flatMap(request => (request.place === null ? [] : [request.name])));
  return list.filter(request => request.place !== null || !placed.has(request.name));
}
