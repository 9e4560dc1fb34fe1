/**
 * Aliases of definitions.
 *
 * A function gets a clone under the new name, with a FUNC, line records and CO-RE records of its own: C's
 * alias attribute yields a symbol that BTF does not describe, and loaders refuse two functions at one place.
 * For variables and maps BTF has no aliases (entries of a DATASEC may not overlap); there references to the
 * new name become references to the old one.
 */

import type { BtfType } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { failed, ok, type Problem, ProblemList, problem, quote, type Result } from '../../diag/index.ts';
import { type BpfObject, type BpfSymbol, type FunctionSymbol, isCommon } from '../../object/index.ts';
import { addCopies, type Copy } from '../passes/index.ts';
import { fileMatches, findInput, inputName, type SymbolAt } from '../resolve/index.ts';
import { badName, type Edited, namesOf, noSuchSymbol, renameAll } from './rename.ts';

/** An alias of a definition (`--defsym NAME=TARGET`). */
export interface AliasRequest {
  /** The new name. */
  readonly name: string;
  /** The old one; may itself be a new name of another request. */
  readonly target: string;
  /** Input that defines `target`. Default: the chosen definition. */
  readonly file?: string;
}

export interface Aliased {
  readonly objects: readonly BpfObject[];
  readonly problems: readonly Problem[];
}

/** Aliases inside one object. */
export function defineAliases(object: BpfObject, requests: readonly AliasRequest[]): Edited {
  const { objects, problems } = aliasAcross([object], requests);
  return { object: objects[0] ?? object, problems, notes: [] };
}

/** Aliases in several objects that are linked: each is created where its target is defined. */
export function aliasAcross(objects: readonly BpfObject[], requests: readonly AliasRequest[]): Aliased {
  const problems = new ProblemList();
  const plans: Plan[] = [];
  const table = aliasTable(requests, problems);
  for (const request of table.values()) {
    const end = followAliases(table, request);
    if (!end.ok) {
      problems.add([end.problem]);
      continue;
    }
    const plan = planAlias(objects, request.name, end.value);
    if (plan.ok) plans.push(plan.value);
    else problems.add([plan.problem]);
  }
  if (!problems.isEmpty) return { objects, problems: problems.all };
  const cloned = objects.map((object, file) => addClones(object, clonesIn(plans, file)));
  return bindReferences(cloned, plans);
}

/** As `aliasAcross`, separately in each scope; what fails in every scope is reported once. */
export function aliasInScopes(
  objects: readonly BpfObject[],
  scopes: readonly number[],
  requests: readonly AliasRequest[],
): Aliased {
  const numbers = new Set(scopes);
  if (requests.length === 0) return { objects, problems: [] };
  if (numbers.size <= 1) return aliasAcross(objects, requests);
  const result = [...objects];
  const problems: Problem[] = [];
  const left = new Set(requests);
  for (const scope of numbers) {
    const files = objects.flatMap((_, file) => (scopes[file] === scope ? [file] : []));
    const members = files.map(file => elementAt(objects, file));
    const mine = requests.filter(request => isTargetIn(members, requests, request));
    for (const request of mine) left.delete(request);
    const aliased = aliasAcross(members, mine);
    problems.push(...aliased.problems);
    files.forEach((file, position) => {
      result[file] = elementAt(aliased.objects, position);
    });
  }
  if (left.size > 0) problems.push(...aliasAcross(objects, [...left]).problems);
  return { objects: problems.length > 0 ? objects : result, problems };
}

/** Whether one of the objects defines what a request leads to in the end. */
function isTargetIn(
  objects: readonly BpfObject[],
  requests: readonly AliasRequest[],
  request: AliasRequest,
): boolean {
  let end = request;
  for (let step = 0; step <= requests.length && end.file === undefined; step++) {
    const { target } = end;
    const next = requests.find(({ name }) => name === target);
    if (next === undefined) break;
    end = next;
  }
  const { file, target } = end;
  return objects.some(
    object =>
      (file === undefined || fileMatches(object.name, file)) &&
      object.symbols.some(
        symbol =>
          symbol.kind !== 'extern' &&
          symbol.name === target &&
          (file !== undefined || symbol.binding !== 'local'),
      ),
  );
}

/** New name → request. Requesting the same twice is not an error. */
function aliasTable(requests: readonly AliasRequest[], problems: ProblemList): Map<string, AliasRequest> {
  const table = new Map<string, AliasRequest>();
  for (const request of requests) {
    const bad = badName(null, request.name);
    const known = table.get(request.name);
    if (bad !== null) problems.add([bad]);
    else if (known === undefined) table.set(request.name, request);
    else if (known.target !== request.target || known.file !== request.file)
      problems.add([
        problem(
          'link-alias-twice',
          [],
          `${quote(request.name)} cannot be both ${spell(known)} and ${spell(request)}`,
          { subject: request.name },
        ),
      ]);
  }
  return table;
}

function spell(request: AliasRequest): string {
  return quote(request.file === undefined ? request.target : `${request.file}:${request.target}`);
}

/** The request at the end of a chain of new names, or the cycle. */
function followAliases(table: ReadonlyMap<string, AliasRequest>, start: AliasRequest): Result<AliasRequest> {
  const path = [start.name];
  let request = start;
  for (;;) {
    const next = request.file === undefined ? table.get(request.target) : undefined;
    if (next === undefined) return ok(request);
    const seen = path.indexOf(next.name);
    if (seen >= 0) return failed(cycleProblem(path.slice(seen)));
    path.push(next.name);
    request = next;
  }
}

/** Reported from its smallest name, so each cycle is reported once. */
function cycleProblem(names: readonly string[]): Problem {
  const first = names.reduce((smallest, name) => (name < smallest ? name : smallest));
  const at = names.indexOf(first);
  const cycle = [...names.slice(at), ...names.slice(0, at), first];
  return problem(
    'link-alias-cycle',
    [],
    `aliases that refer to each other: ${cycle.map(quote).join(' = ')}`,
    {
      subject: first,
    },
  );
}

/** The definition that a new name refers to. */
interface Plan {
  readonly name: string;
  readonly at: SymbolAt;
  readonly symbol: Exclude<BpfSymbol, { readonly kind: 'extern' }>;
}

function planAlias(objects: readonly BpfObject[], name: string, end: AliasRequest): Result<Plan> {
  const input = end.file === undefined ? undefined : findInput(objects, end.file);
  if (input?.ok === false) return input;
  const file = input?.value;
  const found = findDefinition(objects, end.target, file);
  if (found === undefined) return failed(noTarget(objects, end, file));
  const taken = takenBy(objects, name, found.at.file);
  if (taken !== undefined)
    return failed(
      problem(
        'link-name-taken',
        [],
        `${quote(name)} cannot be an alias of ${spell(end)}: ${taken} defines it already`,
      ),
    );
  return ok({ name, ...found });
}

/** In one file its own definition, static or not; otherwise the one that resolution will choose. */
function findDefinition(
  objects: readonly BpfObject[],
  target: string,
  only: number | undefined,
): Omit<Plan, 'name'> | undefined {
  const found = objects.flatMap((object, file) =>
    only !== undefined && only !== file
      ? []
      : object.symbols.flatMap((symbol, index): Omit<Plan, 'name'>[] =>
          symbol.kind !== 'extern' &&
          symbol.name === target &&
          (symbol.binding !== 'local' || only !== undefined)
            ? [{ at: { file, index }, symbol }]
            : [],
        ),
  );
  return found.find(({ symbol }) => isStrong(symbol)) ?? found[0];
}

function isStrong(symbol: BpfSymbol): boolean {
  return symbol.binding === 'global' && !isCommon(symbol);
}

function noTarget(objects: readonly BpfObject[], end: AliasRequest, file: number | undefined): Problem {
  const where = file === undefined ? null : (objects[file] ?? null);
  const among = where === null ? objects : [where];
  const owner = objects.find(object =>
    object.symbols.some(symbol => symbol.kind !== 'extern' && symbol.name === end.target),
  );
  const refused = noSuchSymbol(where, end.target, 'define an alias of', among.flatMap(namesOf));
  if (owner === undefined || where !== null) return refused;
  return { ...refused, hint: `${owner.name} defines it as static: specify ${owner.name}:${end.target}` };
}

/**
 * File with a definition that the new one would clash with: a strong one anywhere, any one in the same file.
 */
function takenBy(objects: readonly BpfObject[], name: string, file: number): string | undefined {
  return objects.find((object, index) =>
    object.symbols.some(
      symbol =>
        symbol.kind !== 'extern' &&
        symbol.name === name &&
        (index === file || (symbol.binding !== 'local' && isStrong(symbol))),
    ),
  )?.name;
}

// --- functions ----------------------------------------------------------------------------------------------------

interface Clone {
  readonly name: string;
  readonly original: FunctionSymbol;
}

function clonesIn(plans: readonly Plan[], file: number): Clone[] {
  return plans.flatMap(({ name, at, symbol }) =>
    at.file === file && symbol.kind === 'function' ? [{ name, original: symbol }] : [],
  );
}

/** The object with the clones after its symbols. */
function addClones(object: BpfObject, clones: readonly Clone[]): BpfObject {
  if (clones.length === 0) return object;
  const symbols: BpfSymbol[] = [...object.symbols];
  const copies: Copy[] = [];
  for (const { name, original } of clones) {
    const type = object.btf === null || original.btfId === 0 ? undefined : object.btf.type(original.btfId);
    if (type?.kind === 'func') copies.push(copyOf(symbols.length, original.btfId, { ...type, name }));
    symbols.push({ ...original, name, binding: 'global' });
  }
  if (object.btf === null) return { ...object, symbols };
  const { btf, ids } = addCopies(object.btf, copies);
  copies.forEach(({ symbol: index }, position) => {
    symbols[index] = { ...elementAt(symbols, index), btfId: elementAt(ids, position) };
  });
  return { ...object, symbols, btf };
}

function copyOf(symbol: number, of: number, type: Extract<BtfType, { readonly kind: 'func' }>): Copy {
  return { symbol, of, type: { ...type, linkage: 'global' } };
}

// --- variables and maps -------------------------------------------------------------------------------------------

/** References to the new names of variables and maps become references to the old ones. */
function bindReferences(objects: readonly BpfObject[], plans: readonly Plan[]): Aliased {
  const table = new Map(
    plans.flatMap(plan => (plan.symbol.kind === 'function' ? [] : [[plan.name, plan] as const])),
  );
  if (table.size === 0) return { objects, problems: [] };
  const used = new Set<string>();
  const problems: Problem[] = [];
  const bound = objects.map(object => {
    const operated = renameAll(object, symbol => {
      const plan = symbol.kind === 'extern' ? table.get(symbol.name) : undefined;
      if (plan === undefined) return symbol.name;
      used.add(plan.name);
      return plan.symbol.name;
    });
    problems.push(...operated.problems);
    return operated.object;
  });
  for (const plan of table.values()) {
    const refused = bindProblem(objects, plan, used.has(plan.name));
    if (refused !== null) problems.push(refused);
  }
  return problems.length > 0 ? { objects, problems } : { objects: bound, problems };
}

function bindProblem(objects: readonly BpfObject[], plan: Plan, used: boolean): Problem | null {
  const owner = inputName(objects, plan.at.file);
  if (plan.symbol.binding === 'local')
    return problem(
      'link-alias-static',
      [],
      `${quote(plan.symbol.name)} of ${owner} is a static ${plan.symbol.kind}, so references from outside cannot be bound to it`,
      { hint: `make it global: --globalize-symbol ${owner}:${plan.symbol.name}` },
    );
  if (used) return null;
  return problem(
    'link-alias-unused',
    [],
    `nothing refers to ${quote(plan.name)}, and a ${plan.symbol.kind} cannot have an alias of its own`,
    {
      hint: `BTF describes each ${plan.symbol.kind} once; --redefine-sym ${plan.symbol.name}=${plan.name} gives it another name`,
    },
  );
}
