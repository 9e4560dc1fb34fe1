/**
 * Symbol edits in a link: which edit is applied to which object, and when.
 *
 * Edits of an input come before names are resolved, in this order: sections, names, prefixes, binding and
 * visibility (local, global, hidden, weak), wrapping. Then aliases are created, which may need definitions of
 * any input. Localizing, globalizing and hiding without a file are applied to the result, as in `objcopy`.
 * Archives are searched for the new names, so a renamed definition is still found.
 */

import { type Limits, type Problem, ProblemList } from '../../diag/index.ts';
import type { BpfObject } from '../../object/index.ts';
import type { Preparation } from '../inputs/index.ts';
import { findInput, inputName } from '../resolve/index.ts';
import {
  globalizeSymbols,
  hideSymbols,
  keepGlobalSymbols,
  localizeSymbols,
  weakenSymbols,
} from './binding.ts';
import { aliasInScopes } from './defsym.ts';
import {
  type Edited,
  hasName,
  namesOf,
  noSuchSymbol,
  prefixSymbols,
  redefineSymbols,
  renamedTwice,
  type SymbolRename,
} from './rename.ts';
import {
  type EditOptions,
  isFor,
  matchedNames,
  ofFiles,
  type Place,
  preferPlaced,
  type RenameRequest,
  type Request,
  renameRequests,
  requests,
  type Selector,
} from './requests.ts';
import { hasSection, noSuchSection, renameSections } from './sections.ts';
import { externNames, mentionsWrapped, nothingToWrap, wrapSymbols } from './wrap.ts';

type BindingPass = (object: BpfObject, names: readonly string[]) => Edited;

/** What edits these inputs. */
export function inputEdits(
  inputs: readonly { readonly name: string }[],
  options: EditOptions,
  limits?: Limits,
): InputEdits {
  return new InputEdits(inputs, options, limits);
}

/** The edits of inputs: takes objects as they are read, and reports at the end what did not match. */
export class InputEdits implements Preparation {
  readonly #options: EditOptions;
  readonly #limits: Limits | undefined;
  readonly #problems = new ProblemList();
  readonly #notes: string[] = [];
  readonly #sections: readonly RenameRequest[];
  readonly #names: readonly RenameRequest[];
  readonly #prefixes: readonly Request[];
  readonly #binding: readonly (readonly [verb: string, pass: BindingPass, requests: readonly Request[]])[];
  readonly #keepGlobal: readonly Request[];
  readonly #wrap: readonly Request[];
  /** Names that an archive's index has after renaming, before prefixes. */
  readonly #archives = new Map<string, ReadonlySet<string>>();
  readonly #aliases: ReadonlyMap<string, string>;

  constructor(inputs: readonly { readonly name: string }[], options: EditOptions, limits?: Limits) {
    this.#options = options;
    this.#limits = limits;
    const place = (selector: { readonly file?: string }): Place | null | undefined =>
      this.#place(inputs, selector.file);
    this.#sections = renameRequests(options.renameSections ?? [], place);
    this.#names = renameRequests(options.redefine ?? [], place);
    this.#prefixes = requests(
      (options.prefix ?? []).map(({ file, prefix }) => ({ file, name: prefix })),
      place,
    );
    this.#binding = [
      ['globalize', globalizeSymbols, requests(ofFiles(options.globalize), place)],
      ['localize', localizeSymbols, requests(ofFiles(options.localize), place)],
      ['hide', hideSymbols, requests(ofFiles(options.hide), place)],
      ['weaken', weakenSymbols, requests(options.weaken ?? [], place)],
    ];
    this.#keepGlobal = requests(ofFiles(options.keepGlobal), place);
    this.#wrap = requests(options.wrap ?? [], place);
    this.#aliases = new Map((options.defsym ?? []).map(({ name, target }) => [name, target]));
    for (const list of [this.#sections, this.#names]) this.#checkRenames(list);
  }

  /** The object as it takes part in the link. */
  object(object: BpfObject, input: string): BpfObject {
    const mine = <R extends Request>(list: readonly R[]): R[] =>
      list.filter(({ place }) => isFor(place, object, input));
    let current = this.#rename(object, mine(this.#sections), hasSection, (before, renames) =>
      renameSections(before, renames, this.#limits),
    );
    current = this.#rename(current, mine(this.#names), hasName, redefineSymbols);
    for (const { name, place } of mine(this.#prefixes))
      current = this.#take(
        prefixSymbols(current, name, place?.member === null ? this.#archives.get(input) : undefined),
      );
    for (const [, pass, list] of this.#binding)
      current = this.#change(current, mine(list), (candidate, name) => hasName(candidate, name), pass);
    if (mine(this.#keepGlobal).length > 0) {
      const kept = mine(this.#keepGlobal).filter(request => hasName(current, request.name));
      current = this.#take(keepGlobalSymbols(current, matchedNames(kept)));
    }
    return this.#change(current, mine(this.#wrap), mentionsWrapped, wrapSymbols);
  }

  /** An archive's index with the names that its members will have. */
  index(
    archive: string,
    symbols: ReadonlyMap<string, number>,
    memberName: (position: number) => string,
  ): ReadonlyMap<string, number> {
    const isMine = (request: Request, position: number): boolean =>
      request.place === null ||
      (request.place.input === archive &&
        (request.place.member === null || request.place.member === memberName(position)));
    const renamed = [...symbols].map(([name, position]) => {
      const found = preferPlaced(
        this.#names.filter(request => request.name === name && isMine(request, position)),
      )[0];
      if (found !== undefined) found.matched = true;
      return [found?.to ?? name, position] as const;
    });
    this.#archives.set(archive, new Set(renamed.map(([name]) => name)));
    const result = new Map<string, number>();
    for (const [name, position] of renamed) {
      const prefixes = this.#prefixes.filter(request => isMine(request, position));
      const full = prefixes.reduce((text, request) => `${request.name}${text}`, name);
      if (!result.has(full)) result.set(full, position);
    }
    return result;
  }

  /** The name that has to be defined for a reference to `name`. */
  required(name: string): string {
    let current = name;
    for (let step = 0; step <= this.#aliases.size; step++) {
      const target = this.#aliases.get(current);
      if (target === undefined) return current;
      current = target;
    }
    return name; // a cycle, which is reported later
  }

  /**
   * Creates aliases and reports everything that did not match. `scopes` is the scope of each object; an alias
   * is created in every scope that has its target.
   */
  finish(
    objects: readonly BpfObject[],
    scopes: readonly number[] = objects.map(() => 0),
  ): {
    readonly objects: readonly BpfObject[];
    readonly problems: readonly Problem[];
    readonly notes: readonly string[];
  } {
    const aliased = aliasInScopes(objects, scopes, this.#options.defsym ?? []);
    const problems = [...this.#problems.all, ...this.#unmatched(objects), ...aliased.problems];
    return { objects: aliased.objects, problems, notes: this.#notes };
  }

  #place(inputs: readonly { readonly name: string }[], file: string | undefined): Place | null | undefined {
    if (file === undefined) return null;
    const open = file.endsWith(')') ? file.lastIndexOf('(') : -1;
    const isMember = open > 0 && !inputs.some(input => input.name === file);
    const found = findInput(inputs, isMember ? file.slice(0, open) : file);
    if (found.ok)
      return {
        file,
        input: inputName(inputs, found.value),
        member: isMember ? file.slice(open + 1, -1) : null,
      };
    this.#problems.add([found.problem]);
    return undefined;
  }

  /** Two names for one symbol of one file. */
  #checkRenames(list: readonly RenameRequest[]): void {
    const known = new Map<string, RenameRequest>();
    for (const request of list) {
      const key = `${request.place?.file ?? ''}\0${request.name}`;
      const before = known.get(key);
      if (before === undefined) known.set(key, request);
      else if (before.to !== request.to)
        this.#problems.add([
          renamedTwice(request.place?.file ?? null, request.name, [before.to, request.to]),
        ]);
    }
  }

  #rename(
    object: BpfObject,
    list: readonly RenameRequest[],
    has: (object: BpfObject, name: string) => boolean,
    pass: (object: BpfObject, renames: readonly SymbolRename[]) => Edited,
  ): BpfObject {
    const present = preferPlaced(list.filter(request => has(object, request.name)));
    for (const request of present) request.matched = true;
    if (present.length === 0) return object;
    return this.#take(
      pass(
        object,
        present.map(({ name, to }) => ({ from: name, to })),
      ),
    );
  }

  #change(
    object: BpfObject,
    list: readonly Request[],
    has: (object: BpfObject, name: string) => boolean,
    pass: BindingPass,
  ): BpfObject {
    const present = list.filter(request => has(object, request.name));
    return present.length === 0 ? object : this.#take(pass(object, matchedNames(present)));
  }

  #take(operated: Edited): BpfObject {
    this.#problems.add(operated.problems);
    this.#notes.push(...operated.notes);
    return operated.object;
  }

  #unmatched(objects: readonly BpfObject[]): Problem[] {
    const missing = (
      list: readonly Request[],
      verb: string,
      candidates: (object: BpfObject) => readonly string[],
      make: (name: string, place: Place | null, among: readonly string[]) => Problem = (name, place, among) =>
        noSuchSymbol(place === null ? null : { name: place.file }, name, verb, among),
    ): Problem[] =>
      list
        .filter(request => !request.matched)
        .map(({ name, place }) =>
          make(name, place, [...new Set(objects.flatMap(object => [...candidates(object)]))]),
        );
    return [
      ...missing(
        this.#sections,
        '',
        object => object.sections.map(section => section.name),
        (name, place, among) => noSuchSection(place === null ? null : { name: place.file }, name, among),
      ),
      ...missing(this.#names, 'rename', namesOf),
      ...this.#binding.flatMap(([verb, , list]) => missing(list, verb, namesOf)),
      ...missing(this.#keepGlobal, 'keep', namesOf),
      ...missing(this.#wrap, '', externNames, (name, place, among) =>
        nothingToWrap(place === null ? null : { name: place.file }, name, among),
      ),
    ];
  }
}

/** The operations without a file on local, global and hidden, done to the linked object. */
export function editResult(object: BpfObject, options: EditOptions): Edited {
  const names = (selectors: readonly Selector[] = []): string[] =>
    selectors.filter(selector => selector.file === undefined).map(selector => selector.name);
  const passes: readonly (readonly [BindingPass, readonly string[]])[] = [
    [globalizeSymbols, names(options.globalize)],
    [localizeSymbols, names(options.localize)],
    [keepGlobalSymbols, names(options.keepGlobal)],
    [hideSymbols, names(options.hide)],
  ];
  let current = object;
  const problems: Problem[] = [];
  for (const [pass, list] of passes) {
    if (list.length === 0) continue;
    const operated = pass(current, list);
    problems.push(...operated.problems);
    current = operated.object;
  }
  return { object: current, problems, notes: [] };
}
