/**
 * Explicit binding: which extern of which object gets which definition of which object, whatever their names.
 *
 * Specified by the caller (`--bind second.o:foo=first.o:bar`) or in C by a declaration tag on the extern:
 * `__attribute__((btf_decl_tag("rootlet:bind=first.o:bar")))`. The caller takes precedence. An extern that is
 * bound takes no part in resolution by name.
 */

import type { BtfId } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import {
  available,
  didYouMean,
  failed,
  ok,
  type Problem,
  type ProblemExtras,
  problem,
  quote,
  quoteAll,
  type Result,
} from '../../diag/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { disagreement } from './agree.ts';
import { mayHaveTags } from './plain.ts';
import { inputName, type SymbolAt } from './symbol-at.ts';

/** An extern of one input, and the definition of another input that it is bound to, whatever its name. */
export interface BindRequest {
  /** Input with the extern: its name, or its base name with or without suffix. */
  readonly consumer: string;
  readonly extern: string;
  /** Input with the definition; without it the name must be defined in one input only. */
  readonly provider?: string;
  readonly target: string;
}

export interface ExplicitBinding {
  readonly loser: SymbolAt;
  readonly winner: SymbolAt;
}

export interface Bindings {
  readonly bindings: readonly ExplicitBinding[];
  readonly problems: readonly Problem[];
}

/** Text before what a declaration tag binds to. */
const TAG_PREFIX = 'rootlet:bind=';

/** With `partial`, bindings of tags may stay unresolved: a later link may have the other object. */
export function bindExplicitly(
  objects: readonly BpfObject[],
  requests: readonly BindRequest[],
  { partial = false }: { readonly partial?: boolean } = {},
): Bindings {
  const bindings: ExplicitBinding[] = [];
  const problems: Problem[] = [];
  const taken = new Set<string>();
  for (const request of [...requests, ...taggedRequests(objects)]) {
    const outcome = bindOne(objects, request);
    if (!outcome.ok) {
      if (!partial || requests.includes(request)) problems.push(outcome.problem);
      continue;
    }
    const { loser, winner } = outcome.value;
    const key = `${loser.file}:${loser.index}`;
    if (taken.has(key)) continue;
    taken.add(key);
    bindings.push(outcome.value);
    const mismatch = disagreement(objects, winner, loser, { renamed: true });
    if (mismatch !== null) problems.push(mismatch);
  }
  return { bindings, problems };
}

/** Externs of an object that are bound explicitly; errors in the requests are reported later. */
export function boundExterns(object: BpfObject, requests: readonly BindRequest[]): ReadonlySet<string> {
  const mine = requests.filter(({ consumer }) => fileMatches(object.name, consumer));
  return new Set([...mine, ...taggedRequests([object])].map(request => request.extern));
}

function bindOne(objects: readonly BpfObject[], request: BindRequest): Result<ExplicitBinding> {
  const consumer = findInput(objects, request.consumer);
  if (!consumer.ok) return consumer;
  const file = consumer.value;
  const object = elementAt(objects, file);
  const index = object.symbols.findIndex(
    symbol => symbol.kind === 'extern' && symbol.name === request.extern,
  );
  if (index < 0) return failed(noExtern(object, request));
  const winner =
    request.provider === undefined
      ? findAnywhere(objects, request)
      : findIn(objects, request.provider, request.target);
  return winner.ok ? ok({ loser: { file, index }, winner: winner.value }) : winner;
}

// --- files --------------------------------------------------------------------------------------------------------

/** Position of the input that `name` means, or a problem that lists the inputs. */
export function findInput(objects: readonly { readonly name: string }[], name: string): Result<number> {
  for (const same of [exact, base, stem]) {
    const found = objects.flatMap((object, file) => (same(object.name) === same(name) ? [file] : []));
    const [only, ...others] = found;
    if (only === undefined) continue;
    if (others.length === 0) return ok(only);
    return failed(
      problem(
        'link-input-ambiguous',
        [],
        `${quote(name)} matches several inputs: ${quoteAll(found.map(file => inputName(objects, file)))}`,
        { subject: name },
      ),
    );
  }
  return failed(
    problem(
      'link-no-input',
      [],
      `there is no input ${quote(name)}; ${available(
        'there are',
        objects.map(object => object.name),
      )}`,
      { subject: name },
    ),
  );
}

/** Whether `word` names the file: as it is, by its base name, or by its base name without suffix. */
export function fileMatches(name: string, word: string): boolean {
  return [exact, base, stem].some(same => same(name) === same(word));
}

function exact(name: string): string {
  return name;
}

function base(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function stem(name: string): string {
  const file = base(name);
  const dot = file.indexOf('.');
  return dot > 0 ? file.slice(0, dot) : file;
}

// --- names --------------------------------------------------------------------------------------------------------

function noExtern(object: BpfObject, request: BindRequest): Problem {
  const externs = object.symbols.filter(symbol => symbol.kind === 'extern').map(symbol => symbol.name);
  const there = externs.length === 0 ? 'it has no externs' : `it has: ${quoteAll(externs)}`;
  const isDefined = object.symbols.some(({ name, kind }) => kind !== 'extern' && name === request.extern);
  return problem(
    'link-bind-extern',
    [object.name],
    `has no extern ${quote(request.extern)} to bind; ${there}`,
    {
      subject: request.extern,
      ...(isDefined ? { hint: 'it defines it itself; declare it extern there' } : {}),
    },
  );
}

function findIn(objects: readonly BpfObject[], provider: string, target: string): Result<SymbolAt> {
  const input = findInput(objects, provider);
  if (!input.ok) return input;
  const file = input.value;
  const { name: defining, symbols } = elementAt(objects, file);
  const index = symbols.findIndex(
    symbol => symbol.kind !== 'extern' && symbol.binding !== 'local' && symbol.name === target,
  );
  if (index >= 0) return ok({ file, index });
  const where = [defining];
  if (symbols.some(symbol => symbol.kind !== 'extern' && symbol.name === target)) {
    return failed(
      problem('link-bind-static', where, `${quote(target)} is static, so it cannot be bound from outside`, {
        subject: target,
        hint: 'make it global (--globalize-symbol)',
      }),
    );
  }
  const names = symbols
    .filter(symbol => symbol.kind !== 'extern' && symbol.binding !== 'local')
    .map(symbol => symbol.name);
  return failed(
    problem('link-bind-target', where, `does not define ${quote(target)}`, {
      subject: target,
      ...didYouMean(target, names, `it defines: ${quoteAll(names)}`),
    }),
  );
}

function findAnywhere(objects: readonly BpfObject[], request: BindRequest): Result<SymbolAt> {
  const found = objects.flatMap((object, file) =>
    object.symbols.flatMap((symbol, index) =>
      symbol.kind !== 'extern' && symbol.binding !== 'local' && symbol.name === request.target
        ? [{ file, index }]
        : [],
    ),
  );
  const [only, ...others] = found;
  const where = [request.consumer];
  if (only === undefined)
    return failed(
      problem(
        'link-bind-target',
        where,
        `${quote(request.extern)} is bound to ${quote(request.target)}, which no input defines`,
        { subject: request.extern, ...staticHint(objects, request.target) },
      ),
    );
  if (others.length === 0) return ok(only);
  const candidates = found.map(at => `${inputName(objects, at.file)}:${request.target}`);
  return failed(
    problem(
      'link-bind-ambiguous',
      where,
      `${quote(request.extern)} is bound to ${quote(request.target)}, which several inputs define`,
      {
        subject: request.extern,
        details: candidates,
        hint: `specify which one: ${request.extern}=${elementAt(candidates, 0)}`,
      },
    ),
  );
}

function staticHint(objects: readonly BpfObject[], target: string): ProblemExtras {
  const owner = objects.find(object =>
    object.symbols.some(symbol => symbol.kind !== 'extern' && symbol.name === target),
  );
  return owner === undefined
    ? {}
    : { hint: `${owner.name} defines it as static: --globalize-symbol ${owner.name}:${target}` };
}

// --- declaration tags ---------------------------------------------------------------------------------------------

function taggedRequests(objects: readonly BpfObject[]): BindRequest[] {
  return objects.flatMap(object => {
    const tags = bindTags(object);
    if (tags.size === 0) return [];
    return object.symbols.flatMap((symbol): BindRequest[] => {
      const text = symbol.kind === 'extern' ? tags.get(symbol.btfId) : undefined;
      return text === undefined ? [] : [{ consumer: object.name, extern: symbol.name, ...parseTarget(text) }];
    });
  });
}

function bindTags(object: BpfObject): Map<BtfId, string> {
  const tags = new Map<BtfId, string>();
  if (!mayHaveTags(object, TAG_PREFIX)) return tags;
  const { btf } = object;
  if (btf === null) return tags;
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) !== BTF_KIND.DECL_TAG) continue;
    const tag = btf.type(id);
    if (tag.kind === 'decl_tag' && tag.component === -1 && tag.name.startsWith(TAG_PREFIX))
      tags.set(tag.type, tag.name.slice(TAG_PREFIX.length));
  }
  return tags;
}

/** `FILE:NAME` or `NAME`. */
export function parseTarget(text: string): Pick<BindRequest, 'provider' | 'target'> {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? { target: text } : { provider: text.slice(0, colon), target: text.slice(colon + 1) };
}
