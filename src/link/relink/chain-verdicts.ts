/**
 * After which verdicts of a member of a generated chain the next one runs: what the operator specifies for the
 * member, then for the chain, then the member's own run configuration of libxdp, then the rule of the hook.
 */

import { type Problem, ProblemList, quote, type Result } from '../../diag/index.ts';
import {
  type BpfObject,
  DEFAULT_PRIORITY,
  type HookRule,
  hasResultFlag,
  hookRuleOf,
  programsOf,
  programTypeOf,
  type RunConfig,
  runConfigOf,
  type Verdict,
  verdictName,
} from '../../object/index.ts';
import { BPF_PROG_TYPE_XDP } from '../../uapi/index.ts';
import type { ChainOptions } from './chain-options.ts';
import { type ChainMember, spellMember } from './chain-section.ts';
import { parseVerdict, verdictProblem } from './chain-types.ts';

/** What the operator specifies; undefined where the hook decides. */
export interface AskedVerdicts {
  /** For each member, in order. */
  readonly members: readonly (readonly string[] | undefined)[];
  readonly chain: readonly string[] | undefined;
  readonly final: string | undefined;
  /** Members run in the order of their priorities, and their verdicts are shown elsewhere. */
  readonly prioritized?: boolean;
}

/** What the code of the chain depends on, and what is not honoured. */
export interface ChainVerdicts extends Pick<ChainOptions, 'slots' | 'final' | 'conjunction'> {
  readonly notes: readonly string[];
}

/** A member with its run configuration, if it has one. */
export interface ConfiguredMember extends ChainMember {
  readonly config: RunConfig | undefined;
}

/** The same member with its run configuration; only XDP programs have one. */
export function configured(member: ChainMember, object: BpfObject): ConfiguredMember {
  const found = programsOf(object).find(({ program }) => program.name === member.program);
  const isXdp = programTypeOf(member.section)?.progType === BPF_PROG_TYPE_XDP;
  return {
    ...member,
    config: found === undefined || !isXdp ? undefined : runConfigOf(object, found.program),
  };
}

/**
 * Which verdicts continue, by member. `members` are in order, undefined where an object has no such program.
 */
export function chainVerdicts(
  section: string,
  members: readonly (ConfiguredMember | undefined)[],
  asked: AskedVerdicts,
  problems: ProblemList,
): ChainVerdicts {
  const type = programTypeOf(section);
  const rule = type === undefined ? undefined : hookRuleOf(type);
  const notes = asked.prioritized === true ? unusedSettings(members) : configNotes(members, asked);
  const isAsked = [...asked.members, asked.chain, asked.final].some(words => words !== undefined);
  if (type !== undefined && rule?.kind === 'all' && !isAsked) {
    const slots = members.map(() => ({ continueOn: [] }));
    return { slots, conjunction: { flag: hasResultFlag(type) }, notes };
  }
  const slots = members.map((member, position) => {
    const words = asked.members[position] ?? asked.chain;
    if (words !== undefined)
      return { continueOn: words.map(text => parsedVerdict(parseVerdict(section, text), problems)) };
    if (rule === undefined && position < members.length - 1) problems.add([noRule(section)]);
    return { continueOn: withConfig(usualVerdicts(rule), member?.config) };
  });
  return { slots, notes, final: finalVerdict(section, asked.final, problems) };
}

/** Where one of several is to end a chain that would run all, those that allow continue. */
function usualVerdicts(rule: HookRule | undefined): readonly Verdict[] {
  if (rule === undefined) return [];
  return rule.kind === 'all' ? [ALLOW] : rule.continueOn;
}

/** Of programs of cgroups. */
const ALLOW = 1;

function parsedVerdict(verdict: Result<Verdict>, problems: ProblemList): Verdict {
  if (verdict.ok) return verdict.value;
  problems.add([verdict.problem]);
  return 0;
}

function noRule(section: string): Problem {
  return verdictProblem(
    section,
    `results of programs of section ${quote(section)} are not verdicts, so that no program continues by itself`,
    { hint: 'specify the results that continue: --on NUMBER,...' },
  );
}

function finalVerdict(section: string, text: string | undefined, problems: ProblemList): number | 'last' {
  if (text === undefined || text === 'last') return 'last';
  const verdict = parsedVerdict(parseVerdict(section, text), problems);
  if (typeof verdict === 'number') return verdict;
  problems.add([
    verdictProblem(
      text,
      `"${text}" is not a single verdict in section ${quote(section)}: specify how many bytes to keep, or "last"`,
    ),
  ]);
  return 'last';
}

// --- run configuration --------------------------------------------------------------------------------------------

/** A run configuration edits the default. */
function withConfig(usual: readonly Verdict[], config: RunConfig | undefined): readonly Verdict[] {
  if (config === undefined) return usual;
  const kept = usual.filter(verdict => typeof verdict !== 'number' || config.verdicts.get(verdict) !== false);
  const added = [...config.verdicts].flatMap(([verdict, continues]) => (continues ? [verdict] : []));
  return [...new Set([...kept, ...added])].sort((a, b) => Number(a) - Number(b));
}

/**
 * Verdicts after which the program after this one runs: those that are given, else those of its run configuration
 * and the hook. Numbers ascend.
 */
export function continueVerdicts(
  member: ConfiguredMember,
  words: readonly string[] | undefined,
):
  | { readonly ok: true; readonly value: readonly Verdict[] }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const { section } = member;
  const problems = new ProblemList();
  const type = programTypeOf(section);
  const rule = type === undefined ? undefined : hookRuleOf(type);
  const verdicts =
    words === undefined
      ? withConfig(usualVerdicts(rule), member.config)
      : words.map(text => parsedVerdict(parseVerdict(section, text), problems));
  if (!problems.isEmpty) return { ok: false, problems: problems.all };
  return { ok: true, value: [...new Set(verdicts)].sort(byNumber) };
}

/** Kinds of verdicts come after numbers. */
function byNumber(a: Verdict, b: Verdict): number {
  const rank = (verdict: Verdict): number =>
    typeof verdict === 'number' ? verdict : Number.POSITIVE_INFINITY;
  return rank(a) === rank(b) ? 0 : rank(a) - rank(b);
}

type Configured = ConfiguredMember & { readonly config: RunConfig };

function unusedSettings(members: readonly (ConfiguredMember | undefined)[]): string[] {
  return members.flatMap(member =>
    member?.config === undefined ? [] : unknownSettings({ ...member, config: member.config }),
  );
}

/** What becomes of run configurations. */
function configNotes(members: readonly (ConfiguredMember | undefined)[], asked: AskedVerdicts): string[] {
  const isConfigured = (member: ConfiguredMember | undefined): member is Configured =>
    member?.config !== undefined;
  const all = members.filter(isConfigured);
  const notes = members.flatMap((member, position) =>
    isConfigured(member) ? verdictNotes(member, asked.members[position] ?? asked.chain) : [],
  );
  return [...new Set([...notes, ...all.flatMap(unknownSettings), ...priorityNotes(members, all)])];
}

/** Only what differs from the rule of the hook. */
function verdictNotes(member: Configured, words: readonly string[] | undefined): string[] {
  if (member.config.verdicts.size === 0) return [];
  const usual = usualVerdicts(hookRuleOf({ progType: BPF_PROG_TYPE_XDP, expectedAttachType: 0 }));
  const verdicts = withConfig(usual, member.config);
  if (verdicts.join() === usual.join()) return [];
  const names = verdicts.map(verdict => verdictName(BPF_PROG_TYPE_XDP, Number(verdict))).join(', ');
  const after = names === '' ? 'no verdict' : names;
  if (words === undefined)
    return [`${spellMember(member)} continues after ${after}, as its .xdp_run_config states`];
  return [
    `.xdp_run_config of ${spellMember(member)} (continue after ${after}) is not used: other verdicts were given`,
  ];
}

function unknownSettings(member: Configured): string[] {
  const { unknown } = member.config;
  if (unknown.length === 0) return [];
  return [`.xdp_run_config of ${spellMember(member)}: not used: ${unknown.map(quote).join(', ')}`];
}

/** Priorities order programs of libxdp; a chain has the order that was asked for, and no priority. */
function priorityNotes(
  members: readonly (ConfiguredMember | undefined)[],
  all: readonly Configured[],
): string[] {
  const prioritized = all.filter(({ config }) => config.priority !== DEFAULT_PRIORITY);
  if (prioritized.length === 0) return [];
  const spell = (member: ConfiguredMember): string => `${spellMember(member)} (${priorityOf(member)})`;
  const list = (some: readonly ConfiguredMember[]): string => some.map(spell).join(', ');
  const known = members.filter(member => member !== undefined);
  const sorted = [...known].sort((a, b) => priorityOf(a) - priorityOf(b));
  const isSorted = sorted.every((member, at) => member === known[at]);
  const order = `the priorities of .xdp_run_config order the programs otherwise: ${list(sorted)}; the chain has the order as given`;
  const lost = `the chain has no priority of .xdp_run_config: ${list(prioritized)}; for libxdp it is ${DEFAULT_PRIORITY}`;
  return isSorted ? [lost] : [order, lost];
}

function priorityOf({ config }: ConfiguredMember): number {
  return config?.priority ?? DEFAULT_PRIORITY;
}
