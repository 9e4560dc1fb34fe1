/**
 * `load`: objects are loaded, and what they do not define themselves is bound to objects that are loaded
 * already.
 */

import { given } from '../../bytes/index.ts';
import { type Limits, type Problem, problem, quote, RootletError, requireOptions } from '../../diag/index.ts';
import { openSys, type Sys } from '../../kernel/index.ts';
import { type LinkInput, link, requireInputs } from '../../link/index.ts';
import { kernelSymbolKind, openKernelTypes } from '../../load/index.ts';
import { type BpfObject, InputObject, withProgramTypes } from '../../object/index.ts';
import { Attempts, type OpenChoice, type WantedCall } from './attempts.ts';
import { bindingsOf } from './binding-records.ts';
import type { Binding, BindingBackEnd } from './bindings.ts';
import {
  BINDING_BACK_ENDS,
  candidatesFor,
  forcedProblem,
  objectionTo,
  type Situation,
  situationOf,
} from './choose.ts';
import { DynamicObject } from './dynamic-object.ts';
import { findDefinitions, plainExterns } from './find.ts';
import type { Found } from './found.ts';
import type { DynamicLoadOptions } from './load-options.ts';
import { replacementRefusal } from './replacement-support.ts';

/**
 * Links the inputs, binds what is left to loaded objects, and loads the result. Throws `dynamic-…` for what
 * cannot be bound, with all of it in one error.
 */
export function load(inputs: readonly LinkInput[], options: DynamicLoadOptions = {}): DynamicObject {
  requireInputs('load', inputs);
  requireOptions('load: options', options);
  const object = joinInputs(inputs, options.limits);
  return loadConsumer(object, options.sys ?? openSys(), options);
}

/** One object of all inputs; externs may stay open. */
export function joinInputs(inputs: readonly LinkInput[], limits?: Limits): BpfObject {
  const [only, ...others] = inputs;
  if (only !== undefined && others.length === 0)
    return 'bytes' in only ? InputObject.from(only, limits).object : only;
  const result = link(inputs, given({ partial: true, name: only?.name, limits }));
  if (!result.ok) throw new RootletError(result.problems);
  return result.object;
}

/** `load` for an object that was read and linked before. */
export function loadConsumer(given: BpfObject, sys: Sys, wishes: DynamicLoadOptions = {}): DynamicObject {
  const { types = {}, ...options } = wishes; // the parts that are loaded have other programs as well
  const object = withProgramTypes(given, types);
  const { choices, shares, open } = planBindings(object, sys, options);
  return new Attempts(object, sys, options, choices, shares, open).run();
}

/** What every extern would be bound to, and by which back end first; nothing is loaded. */
export function explainBindings(given: BpfObject, sys: Sys, options: DynamicLoadOptions = {}): Binding[] {
  const object = withProgramTypes(given, options.types ?? {});
  const { choices, shares, open } = planBindings(object, sys, options);
  const calls = choices.map(({ found, situation, candidates: [first] }) => ({
    extern: situation.extern,
    name: situation.name,
    situation,
    found,
    choice: first ?? { via: 'copy' as const, reason: '' },
  }));
  return bindingsOf({ object, calls, shares, open });
}

interface BindingPlan {
  readonly choices: readonly OpenChoice[];
  readonly shares: readonly Found[];
  readonly open: readonly number[];
}

function planBindings(object: BpfObject, sys: Sys, options: DynamicLoadOptions): BindingPlan {
  const named = (options.against ?? []).map(entry =>
    entry instanceof DynamicObject ? entry.provider : entry,
  );
  const kernelSymbol = (name: string) =>
    kernelSymbolKind(options.kernelTypes ?? openKernelTypes(sys, options.btfPath, options.limits), name);
  const scope = { bind: options.bind ?? [], named, registered: options.registered ?? [], kernelSymbol };
  const search = findDefinitions(object, scope, options.lazy === true);
  const noReplacement = replacementRefusal(sys);
  const functions = search.found.filter(found => found.target.kind === 'function');
  const wanted: WantedCall[] = [
    ...functions.map(found => ({
      found,
      situation: situationOf(object, found, noReplacement, options.typeOf),
    })),
    ...(options.lazy === true ? lazyCalls(object, search.open, noReplacement, options) : []),
  ];
  if (search.problems.length > 0) throw new RootletError(search.problems);
  const viaOf = (name: string): BindingBackEnd | undefined => options.via ?? options.viaOf?.(name);
  const { choices, problems } = chooseAll(wanted, viaOf, options.reasonOf);
  if (problems.length > 0) throw new RootletError(problems);
  const shares = search.found.filter(found => found.target.kind !== 'function');
  return { choices, shares, open: search.open };
}

// --- choices ------------------------------------------------------------------------------------------------------

/** Calls that nothing is bound to yet. */
function lazyCalls(
  object: BpfObject,
  open: readonly number[],
  noReplacement: () => string | undefined,
  options: DynamicLoadOptions,
): WantedCall[] {
  return plainExterns(object).flatMap(({ index, symbol }): WantedCall[] => {
    if (!open.includes(index) || symbol.binding === 'weak') return [];
    const extern = { extern: index, name: symbol.name };
    return [{ found: undefined, situation: situationOf(object, extern, noReplacement, options.typeOf) }];
  });
}

function chooseAll(
  wanted: readonly WantedCall[],
  viaOf: (name: string) => BindingBackEnd | undefined,
  reasonOf: ((name: string) => string | undefined) | undefined,
): { readonly choices: readonly OpenChoice[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const choices = wanted.map((call): OpenChoice => {
    const { situation, found } = call;
    // a library calls nothing itself: its users bind it
    const idle = situation.callers.length === 0 && found !== undefined;
    if (idle) return { ...call, candidates: [{ via: 'copy', reason: 'no program here calls it' }] };
    const via = viaOf(situation.name);
    if (via !== undefined) {
      const objection = found === undefined && via === 'copy' ? NOT_LATER : objectionTo(via, situation);
      if (objection !== undefined) problems.push(forcedProblem(via, situation, objection));
      return { ...call, candidates: [{ via, reason: reasonOf?.(situation.name) ?? 'requested' }] };
    }
    const all = candidatesFor(situation);
    const candidates = found === undefined ? all.filter(choice => choice.via !== 'copy') : all;
    if (candidates.length === 0) problems.push(noWayProblem(situation, found === undefined));
    return { ...call, candidates };
  });
  return { choices, problems };
}

const NOT_LATER = 'code that is not loaded yet cannot be copied';

function noWayProblem(situation: Situation, later: boolean): Problem {
  const { consumer, name } = situation;
  const reasons = BINDING_BACK_ENDS.map(
    via => `${via}: ${(later && via === 'copy' ? NOT_LATER : objectionTo(via, situation)) ?? 'possible'}`,
  );
  return problem(
    'dynamic-no-way',
    [consumer.name],
    later ? `${quote(name)} cannot be bound later` : `no back end can bind ${quote(name)}`,
    {
      details: reasons,
      hint: later
        ? 'load the object that defines it first'
        : 'link the two objects statically (rootlet link)',
    },
  );
}
