/**
 * Which provider defines which extern of a consumer.
 *
 * Search order: requests of the caller (`--bind`), declaration tags, named providers, all that are
 * registered. (Objects given together are linked statically before; what they define is no longer an extern.)
 * In each step a strong definition takes precedence over weak ones; several of the same strength are an
 * error, never a choice.
 */

import {
  available,
  didYouMean,
  failed,
  nearestNames,
  ok,
  type Problem,
  type ProblemCode,
  problem,
  quote,
  type Result,
  recoded,
  suggestion,
} from '../../diag/index.ts';
import {
  describeDefinition,
  describeSymbol,
  findInput,
  isKernelName,
  parseTarget,
  referenceLines,
  referencesTo,
  resolve,
  type SymbolAt,
  wrongReferences,
} from '../../link/index.ts';
import type { KernelSymbolKind } from '../../load/index.ts';
import {
  type BpfObject,
  type ExternSymbol,
  kconfigHint,
  kindOfExtern,
  type SymbolIndex,
} from '../../object/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { exportsOf, type Provider } from '../providers/index.ts';
import { bindingProblem } from './agreement.ts';
import type { Found } from './found.ts';

/** `foo=PROVIDER:bar` as text; without a provider the name must be defined by one only. */
export interface DynamicBindRequest {
  readonly extern: string;
  readonly provider?: string;
  readonly target: string;
}

export interface SearchScope {
  /** Requested by the caller. */
  readonly bind: readonly DynamicBindRequest[];
  /** Providers that the caller named. */
  readonly named: readonly Provider[];
  /** Others that may be searched. */
  readonly registered: readonly Provider[];
  /** What the kernel has of this name, for hints. */
  readonly kernelSymbol?: (name: string) => KernelSymbolKind | undefined;
}

export interface Search {
  readonly found: readonly Found[];
  /** Externs without a definition: weak ones, and with `lazy` those that may come later. */
  readonly open: readonly SymbolIndex[];
  readonly problems: readonly Problem[];
}

/** Externs that a loader binds neither to the kernel nor to a configuration. */
export function plainExterns(
  object: BpfObject,
): { readonly index: SymbolIndex; readonly symbol: ExternSymbol }[] {
  return object.symbols.flatMap((symbol, index) =>
    symbol.kind === 'extern' && !isKernelName(symbol) ? [{ index, symbol }] : [],
  );
}

/** Finds a definition for every plain extern. `lazy`: undefined functions are allowed. */
export function findDefinitions(consumer: BpfObject, scope: SearchScope, lazy: boolean): Search {
  const found: Found[] = [];
  const open: SymbolIndex[] = [];
  const problems: Problem[] = [...unknownRequests(consumer, scope)];
  const tags = tagRequests(consumer);
  for (const { index, symbol } of plainExterns(consumer)) {
    const outcome = findOne(consumer, index, symbol, scope, tags.get(symbol.name));
    const waits = lazy && kindOfExtern(consumer, index) === 'function';
    const comesLater = waits && outcome?.ok === false && LATER.has(outcome.problem.code);
    if (outcome === undefined || comesLater) {
      open.push(index);
      if (symbol.binding !== 'weak' && !waits)
        problems.push(missingProblem(consumer, index, symbol, scope, lazy));
    } else if (!outcome.ok) problems.push(outcome.problem);
    else {
      const { provider, target } = outcome.value;
      found.push(outcome.value);
      const mismatch = bindingProblem(
        { object: provider.object, index: target.index },
        { object: consumer, index },
      );
      if (mismatch !== null) problems.push(mismatch);
    }
  }
  problems.push(...wrongUses(consumer, found));
  return { found, open, problems };
}

/** References that the definition found for them cannot satisfy: calls of variables, and the like. */
function wrongUses(consumer: BpfObject, found: readonly Found[]): Problem[] {
  const objects = [consumer, ...found.map(({ provider }) => ({ ...provider.object, name: provider.name }))];
  const targets = new Map(
    found.map(({ extern, target }, at) => [extern, { file: at + 1, index: target.index }]),
  );
  const targetOf = ({ file, index }: SymbolAt): SymbolAt | undefined =>
    file === 0 ? targets.get(index) : undefined;
  return wrongReferences(objects, targetOf);
}

/** A request for something that is not loaded yet. */
const LATER: ReadonlySet<ProblemCode> = new Set(['dynamic-no-provider', 'dynamic-bind-target']);

function findOne(
  consumer: BpfObject,
  extern: SymbolIndex,
  symbol: ExternSymbol,
  scope: SearchScope,
  tag: DynamicBindRequest | undefined,
): Result<Found> | undefined {
  const { name } = symbol;
  const all = [...scope.named, ...scope.registered];
  const asked = scope.bind.find(request => request.extern === name);
  const request = asked ?? tag;
  if (request !== undefined) {
    const by = asked === undefined ? 'tag' : 'request';
    const outcome = findRequested(consumer, request, all);
    return outcome.ok ? ok({ extern, name, by, ...outcome.value }) : outcome;
  }
  for (const [by, providers] of [
    ['named', scope.named],
    ['registered', scope.registered],
  ] as const) {
    const outcome = chooseAmong(consumer, name, name, providers);
    if (outcome === undefined) continue;
    return outcome.ok ? ok({ extern, name, by, ...outcome.value }) : outcome;
  }
  return undefined;
}

type Chosen = Pick<Found, 'provider' | 'target'>;

/** The only strongest definition of `target`. */
function chooseAmong(
  consumer: BpfObject,
  extern: string,
  target: string,
  providers: readonly Provider[],
): Result<Chosen> | undefined {
  const all = providers.flatMap((provider): Chosen[] => {
    const found = exportsOf(provider.object).find(candidate => candidate.name === target);
    return found === undefined ? [] : [{ provider, target: found }];
  });
  const strong = all.filter(candidate => !candidate.target.weak);
  const [first, ...others] = strong.length > 0 ? strong : all;
  if (first === undefined) return undefined;
  if (others.length === 0) return ok(first);
  const candidates = [first, ...others];
  const subject =
    extern === target ? quote(extern) : `${quote(target)}, which ${quote(extern)} is to be bound to,`;
  return failed(
    problem(
      'dynamic-ambiguous',
      [consumer.name],
      `${subject} is defined by ${candidates.length} loaded objects`,
      {
        subject: extern,
        details: candidates.map(candidate => describeChosen(candidate)),
        hint: `specify which one: --bind ${extern}=${first.provider.name}:${target}`,
      },
    ),
  );
}

/** `first: int foo(struct xdp_md *ctx) in section ".text"`. */
export function describeChosen({ provider, target }: Chosen): string {
  const named = { ...provider.object, name: provider.name };
  return describeDefinition([named], { file: 0, index: target.index });
}

// --- requests -----------------------------------------------------------------------------------------------------

const TAG_PREFIX = 'rootlet:bind=';

/** Declaration tags of externs, by name. */
function tagRequests(object: BpfObject): Map<string, DynamicBindRequest> {
  const requests = new Map<string, DynamicBindRequest>();
  const { btf } = object;
  if (btf === null) return requests;
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) !== BTF_KIND.DECL_TAG) continue;
    const tag = btf.type(id);
    if (tag.kind !== 'decl_tag' || tag.component >= 0 || !tag.name.startsWith(TAG_PREFIX)) continue;
    const extern = btf.nameOf(tag.type);
    requests.set(extern, { extern, ...parseTarget(tag.name.slice(TAG_PREFIX.length)) });
  }
  return requests;
}

function findRequested(
  consumer: BpfObject,
  request: DynamicBindRequest,
  providers: readonly Provider[],
): Result<Chosen> {
  const where = [consumer.name];
  if (request.provider === undefined)
    return (
      chooseAmong(consumer, request.extern, request.target, providers) ??
      failed(
        problem(
          'dynamic-bind-target',
          where,
          `${quote(request.extern)} is to be bound to ${quote(request.target)}, which no loaded object defines`,
          { subject: request.extern },
        ),
      )
    );
  const position = findInput(providers, request.provider);
  if (!position.ok)
    return failed(recoded(position.problem, 'dynamic-no-provider', { where, subject: request.extern }));
  const provider = providers[position.value];
  const exported = provider === undefined ? [] : exportsOf(provider.object);
  const target = exported.find(candidate => candidate.name === request.target);
  if (provider !== undefined && target !== undefined) return ok({ provider, target });
  const names = exported.map(candidate => candidate.name);
  return failed(
    problem(
      'dynamic-bind-target',
      [provider?.name ?? request.provider],
      `does not export ${quote(request.target)}`,
      {
        subject: request.extern,
        ...didYouMean(
          request.target,
          names,
          names.length === 0 ? 'it has no global functions, variables or maps' : available('it has', names),
        ),
      },
    ),
  );
}

function unknownRequests(consumer: BpfObject, scope: SearchScope): Problem[] {
  const externs = plainExterns(consumer).map(({ symbol }) => symbol.name);
  return scope.bind
    .filter(request => !externs.includes(request.extern))
    .map(request =>
      problem('dynamic-no-extern', [consumer.name], `has no extern ${quote(request.extern)} to bind`, {
        subject: request.extern,
        hint: available('it has', externs),
      }),
    );
}

// --- what is missing ----------------------------------------------------------------------------------------------

function missingProblem(
  consumer: BpfObject,
  index: SymbolIndex,
  symbol: ExternSymbol,
  scope: SearchScope,
  lazy: boolean,
): Problem {
  const providers = [...scope.named, ...scope.registered];
  const resolution = resolve([consumer]);
  const sites = referencesTo([consumer], resolution, resolution.groupRow({ file: 0, index }));
  return problem(
    'dynamic-undefined',
    [consumer.name],
    `${quote(symbol.name)} is defined neither here nor by a loaded object`,
    {
      subject: symbol.name,
      details: [describeSymbol(consumer, symbol), ...referenceLines({ sites, count: sites.length })],
      hint:
        kernelHint(symbol.name, scope) ??
        (lazy
          ? 'variables and maps cannot be bound later: load the object that defines it first'
          : missingHint(symbol.name, providers)),
    },
  );
}

function kernelHint(name: string, { kernelSymbol }: SearchScope): string | undefined {
  const kconfig = kconfigHint(name);
  if (kconfig !== undefined) return kconfig;
  const kind = kernelSymbol?.(name);
  if (kind === undefined) return undefined;
  return `the kernel has a ${kind} ${quote(name)}: declare it __ksym to ${kind === 'function' ? 'call' : 'read'} it`;
}

function missingHint(name: string, providers: readonly Provider[]): string {
  for (const provider of providers) {
    const hidden = provider.object.symbols.find(symbol => symbol.name === name && symbol.kind !== 'extern');
    if (hidden !== undefined)
      return `${quote(provider.name)} defines ${quote(name)}, but as ${hidden.binding === 'local' ? 'static' : 'hidden'}`;
  }
  const names = [...new Set(providers.flatMap(provider => exportsOf(provider.object).map(one => one.name)))];
  const near = suggestion(nearestNames(name, names));
  if (near !== undefined) return near;
  if (providers.length === 0) return 'no object is loaded: load the one that defines it first, or use --lazy';
  return 'load the object that defines it first, or use --lazy to bind it later';
}
