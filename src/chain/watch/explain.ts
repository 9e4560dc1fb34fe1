/**
 * What members of a chain do to each other: which of them decide before others see a packet, and whose verdict does
 * not hold. From what each program can return, as far as its code tells, the verdicts after which the chain
 * continues, and the order.
 */

import {
  neutralVerdict,
  programsOf,
  type ReturnValues,
  returnValues,
  type Verdict,
  verdictName,
  verdictNumbers,
} from '../../object/index.ts';
import type { ChainDesign, ChainHook, DesignMember } from '../model/index.ts';
import { progTypeOf } from './open.ts';

/** A member, and what it can return. */
export interface ExplainedMember {
  readonly name: string;
  readonly program: string;
  readonly continueOn: readonly Verdict[];
  /** Verdicts that its code shows; names as in output. */
  readonly returns: readonly ExplainedVerdict[];
  /** Why it can return other verdicts as well; empty: it cannot. */
  readonly unknown: readonly string[];
  /** False where an earlier member continues on nothing that it can return. */
  readonly runs: boolean;
}

export interface ExplainedVerdict {
  readonly verdict: number;
  readonly name: string;
  /** The next member runs after it. */
  readonly continues: boolean;
}

/** One thing that an operator should know, with a sentence on it. */
export interface Finding {
  /**
   * `hides`: it decides before later members see the packet. `never-runs`: an earlier member always decides.
   * `replaced`: its verdict does not hold, since the chain continues after it. `unknown`: nothing is known.
   */
  readonly kind: 'hides' | 'never-runs' | 'replaced' | 'unknown';
  readonly member: string;
  /** The members that are concerned, in order; of `never-runs` the member that decides. */
  readonly others: readonly string[];
  readonly verdicts: readonly string[];
  readonly text: string;
}

export interface ChainExplanation {
  readonly members: readonly ExplainedMember[];
  readonly findings: readonly Finding[];
}

/** Explains a chain by the files of its members. */
export function explainChain(hook: ChainHook, { members }: ChainDesign): ChainExplanation {
  const progType = progTypeOf({ hook });
  let runs = true;
  const explained = members.map((member, at): ExplainedMember => {
    const one = explainMember(member, progType, runs);
    const ends = one.unknown.length === 0 && one.returns.every(({ continues }) => !continues);
    if (at < members.length - 1 && (ends || continuesNever(member))) runs = false;
    return one;
  });
  const findings = explained.flatMap((one, at) => findingsOn(one, at, explained, hook));
  return { members: explained, findings };
}

function continuesNever({ continueOn }: DesignMember): boolean {
  return continueOn.length === 0;
}

function explainMember(member: DesignMember, progType: number, runs: boolean): ExplainedMember {
  const { name, program, continueOn } = member;
  const { values, unknown } = returnsOf(member, progType);
  const returns = values.map(verdict => ({
    verdict,
    name: verdictName(progType, verdict),
    continues: continuesAfter(continueOn, verdict, progType),
  }));
  return { name, program, continueOn, returns, unknown, runs };
}

function returnsOf({ file, program, adopted }: DesignMember, progType: number): ReturnValues {
  if (file === null || adopted !== null)
    return { values: [], unknown: ['what a program of another tool returns'] };
  const found = programsOf(file.object).find(entry => entry.program.name === program);
  if (found === undefined) return { values: [], unknown: ['what its file does not show'] };
  return returnValues(file.object, found.index, progType);
}

function continuesAfter(continueOn: readonly Verdict[], verdict: number, progType: number): boolean {
  if (continueOn.includes(verdict)) return true;
  if (continueOn.includes('not 0') && verdict !== 0) return true;
  return continueOn.includes('other') && !verdictNumbers(progType).includes(verdict);
}

// --- findings -----------------------------------------------------------------------------------------------------

function findingsOn(
  one: ExplainedMember,
  at: number,
  all: readonly ExplainedMember[],
  hook: ChainHook,
): Finding[] {
  if (!one.runs) return [neverRuns(one, all)];
  const later = all.slice(at + 1).flatMap(({ name, runs }) => (runs ? [name] : []));
  const isLast = at === all.length - 1;
  const holds = isLast && !(hook.kind === 'xdp' && all.length > 1);
  const replaced = holds
    ? []
    : one.returns.filter(
        ({ continues, verdict }) => continues && verdict !== neutralVerdict(progTypeOf({ hook })),
      );
  return [
    ...(one.unknown.length > 0 ? [unknownFinding(one, later)] : []),
    ...(later.length > 0 ? hides(one, later) : []),
    ...(replaced.length > 0 ? [replacedFinding(one, later, replaced)] : []),
  ];
}

function neverRuns(one: ExplainedMember, all: readonly ExplainedMember[]): Finding {
  const before = all.slice(0, all.indexOf(one)).filter(({ runs }) => runs);
  const last = before[before.length - 1];
  const decider = last === undefined ? '' : last.name;
  const why =
    last?.continueOn.length === 0 ? 'continues after no verdict' : 'continues on nothing it can return';
  const text = `${one.name} never runs: ${decider} ${why}`;
  return { kind: 'never-runs', member: one.name, others: [decider], verdicts: [], text };
}

function unknownFinding({ name, unknown }: ExplainedMember, others: readonly string[]): Finding {
  const text = `${name} can return verdicts that its code does not show: ${unknown.join('; ')}`;
  return { kind: 'unknown', member: name, others, verdicts: [], text };
}

/** What is final of it is hidden from all that run after it. */
function hides(one: ExplainedMember, later: readonly string[]): Finding[] {
  const final = one.returns.filter(({ continues }) => !continues).map(({ name }) => name);
  if (final.length === 0) return [];
  const [first = '', ...others] = later;
  const seen = others.length === 0 ? `${first} sees the packet` : `${later.join(', ')} see the packet`;
  const text = `${one.name} decides ${final.join(', ')} before ${seen}`;
  return [{ kind: 'hides', member: one.name, others: later, verdicts: final, text }];
}

function replacedFinding(
  { name }: ExplainedMember,
  later: readonly string[],
  verdicts: readonly ExplainedVerdict[],
): Finding {
  const names = verdicts.map(verdict => verdict.name);
  const [next] = later;
  const what =
    next === undefined
      ? 'the chain continues after it, and ends with PASS'
      : `${next} runs after it and decides`;
  const text = `${names.join(', ')} of ${name} does not hold: ${what}`;
  return { kind: 'replaced', member: name, others: later, verdicts: names, text };
}
