/**
 * Why a name refers to its definition: which one was chosen, which were discarded and why, and all
 * references.
 */

import { elementAt } from '../../bytes/index.ts';
import { didYouMean, failed, ok, type Problem, problem, quote, type Result } from '../../diag/index.ts';
import { type BpfObject, isCommon } from '../../object/index.ts';
import { describeDefinition } from './problems.ts';
import { type ReferenceSite, referencesFrom, referencesTo } from './references.ts';
import { isKernelName, type Resolution, type SymbolGroup } from './resolve.ts';
import { type SymbolAt, symbolAt } from './symbol-at.ts';

/** Where a name was defined, which definition was chosen, and who refers to it. */
export interface Explanation {
  readonly name: string;
  /** `file: declaration in section …`; null when nothing defines the name. */
  readonly winner: string | null;
  readonly losers: readonly { readonly definition: string; readonly reason: string }[];
  readonly declarations: readonly string[];
  readonly references: readonly ReferenceSite[];
  /** What happens to a name that nothing defines. */
  readonly unresolved: string | null;
  readonly hidden: boolean;
}

/** Replacements other than by name: `winner` replaces `loser`. */
interface Decided {
  readonly loser: SymbolAt;
  readonly winner: SymbolAt;
}

export interface ExplainOptions {
  /** Slots and what fills them. */
  readonly slots?: readonly Decided[];
  /** Pinned maps that a definition of another scope replaces. */
  readonly pinned?: readonly Decided[];
  /** Externs that are bound explicitly. */
  readonly bindings?: readonly Decided[];
}

/**
 * One explanation for each group of that name (several when scopes differ), or a problem if no input has it.
 */
export function explainName(
  objects: readonly BpfObject[],
  resolution: Resolution,
  name: string,
  options: ExplainOptions = {},
): Result<readonly Explanation[]> {
  const replaced = [
    ...(options.slots ?? []).map(decided => ({ ...decided, reason: 'a slot, filled by a component' })),
    ...(options.pinned ?? []).map(decided => ({ ...decided, reason: 'one map, since both have one pin' })),
  ];
  const groups = resolution.groups.flatMap(group =>
    group.name === name ? [{ group, row: resolution.groupRow(group.winner) }] : [],
  );
  const bound = (options.bindings ?? []).filter(({ loser }) => symbolAt(objects, loser).name === name);
  if (groups.length + bound.length === 0) return failed(unknownName(objects, resolution, name));
  return ok([
    ...groups.map(({ group, row }) =>
      withReplacement(objects, replaced, group, explainGroup(objects, resolution, group, row)),
    ),
    ...bound.map(binding => explainBinding(objects, binding)),
  ]);
}

/** Explanations of several names, and a problem for each name that no input has. */
export function explainAll(
  objects: readonly BpfObject[],
  resolution: Resolution,
  names: readonly string[],
  options: ExplainOptions = {},
): { readonly explanations: readonly Explanation[]; readonly problems: readonly Problem[] } {
  const outcomes = names.map(name => explainName(objects, resolution, name, options));
  return {
    explanations: outcomes.flatMap(outcome => (outcome.ok ? outcome.value : [])),
    problems: outcomes.flatMap(outcome => (outcome.ok ? [] : [outcome.problem])),
  };
}

function unknownName(objects: readonly BpfObject[], resolution: Resolution, name: string): Problem {
  const local = objects.find(object =>
    object.symbols.some(symbol => symbol.binding === 'local' && symbol.name === name),
  );
  return problem('link-unknown-symbol', [], `no input has a global symbol ${quote(name)}`, {
    ...(local === undefined
      ? didYouMean(
          name,
          resolution.groups.map(group => group.name),
        )
      : { hint: `${local.name} defines it as static: it is visible only there` }),
  });
}

/** A slot's own code is overridden by its component, a pinned map by another definition of it. */
function withReplacement(
  objects: readonly BpfObject[],
  replaced: readonly (Decided & { readonly reason: string })[],
  { winner }: SymbolGroup,
  explanation: Explanation,
): Explanation {
  const found = replaced.find(({ loser }) => loser.file === winner.file && loser.index === winner.index);
  if (found === undefined) return explanation;
  const own = { definition: describeDefinition(objects, winner), reason: found.reason };
  return {
    ...explanation,
    winner: describeDefinition(objects, found.winner),
    losers: [own, ...explanation.losers],
  };
}

function explainBinding(objects: readonly BpfObject[], { loser, winner }: Decided): Explanation {
  const extern = symbolAt(objects, loser);
  return {
    name: extern.name,
    winner: `${describeDefinition(objects, winner)}, as requested`,
    losers: [],
    declarations: [describeDefinition(objects, loser)],
    references: referencesFrom(objects, loser.file, index => index === loser.index),
    unresolved: null,
    hidden: extern.visibility === 'hidden',
  };
}

function explainGroup(
  objects: readonly BpfObject[],
  resolution: Resolution,
  group: SymbolGroup,
  row: number,
): Explanation {
  const describe = (at: SymbolAt): string => describeDefinition(objects, at);
  return {
    name: group.name,
    winner: group.defined ? describe(group.winner) : null,
    losers: group.losers.map(at => ({
      definition: describe(at),
      reason: elementAt(resolution.dropped, at.file).has(at.index)
        ? 'an earlier input has its COMDAT group'
        : reasonFor(objects, group, at),
    })),
    declarations: (group.defined ? group.externs : [group.winner, ...group.externs]).map(describe),
    references: referencesTo(objects, resolution, row),
    unresolved: group.defined ? null : openReason(objects, group),
    hidden: group.hidden,
  };
}

function reasonFor(objects: readonly BpfObject[], group: SymbolGroup, loser: SymbolAt): string {
  const won = strengthOf(objects, group.winner);
  const lost = strengthOf(objects, loser);
  if (won === lost)
    return lost === 'tentative'
      ? 'the larger tentative definition is kept'
      : `the first ${lost} definition is kept`;
  return `${lost} is overridden by ${won}`;
}

function strengthOf(objects: readonly BpfObject[], at: SymbolAt): string {
  const symbol = objects[at.file]?.symbols[at.index];
  if (symbol !== undefined && isCommon(symbol)) return 'tentative';
  return symbol?.binding === 'weak' ? 'weak' : 'strong';
}

function openReason(objects: readonly BpfObject[], group: SymbolGroup): string {
  const symbol = symbolAt(objects, group.winner);
  if (isKernelName(symbol))
    return `resolved in the kernel by the loader (${symbol.kind === 'extern' ? symbol.section : ''})`;
  return group.strongReference ? 'nothing defines it' : 'undefined and weak: it reads as 0';
}
