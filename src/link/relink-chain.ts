/** Re-linking with a generated rootlet: a chain of the components. */

import { elementAt, given } from '../bytes/index.ts';
import {
  type Problem,
  ProblemList,
  problem,
  quote,
  requireList,
  requireOptions,
  requireRecord,
} from '../diag/index.ts';
import { type BpfObject, retypeAll, staticChoice } from '../object/index.ts';
import type { SelectedRename } from './edit/index.ts';
import { type LinkInput, readInputs, requireInput } from './inputs/index.ts';
import type { LinkFailure } from './pipeline/index.ts';
import type { RelinkOptions, SlotAssignment } from './relink/index.ts';
import {
  type AskedVerdicts,
  type ConfiguredMember,
  chainMember,
  chainSection,
  chainSlotName,
  chainVerdicts,
  chooseWatch,
  configured,
  continueVerdicts,
  makeChain,
  NOT_WATCHED,
} from './relink/index.ts';
import { type RelinkResult, relink } from './relink.ts';

/** One component of a chain. */
export interface ChainComponent {
  readonly component: LinkInput;
  readonly program?: string;
  readonly instance?: string;
  /** Verdicts (names or numbers) that continue with the next component, instead of those of the chain. */
  readonly continueOn?: readonly string[];
}

/** Options of `relinkChain`: `optimize` is true unless it is given. */
export interface ChainRelinkOptions extends RelinkOptions {
  /**
   * Verdicts that continue with the next component. Default: for XDP programs with a run configuration of
   * libxdp what it states, else those that continue on the hook (docs/linking.md).
   */
  readonly continueOn?: readonly string[];
  /** Verdict if the last component continues. Default `last`: its own verdict. */
  readonly final?: string;
  /** Name of the program. Default `chain`. */
  readonly program?: string;
  /**
   * The chain can count what its components do (docs/counters.md), which costs one load and one branch a packet while
   * it does not. XDP and tc only. Default false.
   */
  readonly watch?: boolean;
}

/** A generated rootlet for components, before anything is linked. */
export interface ChainRootlet {
  readonly object: BpfObject;
  /** Its slots, in the order of the components. */
  readonly slots: readonly string[];
  /** Slots whose component must not throw an exception: something runs after it. */
  readonly mustReturn: readonly string[];
  /** What members lose by being in a chain, and settings without effect; one sentence each. */
  readonly notes: readonly string[];
}

/** Links a chain of exactly these components, in this order. */
export function relinkChain(
  components: readonly ChainComponent[],
  options: ChainRelinkOptions = {},
): RelinkResult {
  requireChain(components);
  requireOptions('relinkChain: options', options);
  const { types = {}, ...relinkOptions } = options;
  const read = readInputs(
    components.map(entry => entry.component),
    { archives: false, ...given({ limits: options.limits }) },
  );
  const { objects, problems: wrongTypes } = retypeAll(read.objects, types);
  const problems = [...read.problems, ...(read.problems.length > 0 ? [] : wrongTypes)];
  if (problems.length > 0) return refused(problems);
  const made = chainRootlet(
    components.map((component, at) => ({ ...component, object: elementAt(objects, at) })),
    options,
  );
  if (!made.ok) return refused(made.problems);
  const { object, mustReturn, notes } = made.value;
  return relink(object, components.map(assignmentFor(objects)), {
    optimize: true,
    ...relinkOptions,
    entrySlots: true,
    mustReturn,
    notes,
  });
}

/** What `chainRootlet` needs of a component. */
export interface ChainPart extends Pick<ChainComponent, 'program' | 'continueOn'> {
  readonly object: BpfObject;
}

/** The rootlet of a chain of these components; all that prevents one otherwise. */
export function chainRootlet(
  parts: readonly ChainPart[],
  options: Pick<ChainRelinkOptions, 'continueOn' | 'final' | 'program' | 'edits' | 'watch'> & {
    readonly prioritized?: boolean;
  } = {},
):
  | { readonly ok: true; readonly value: ChainRootlet }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const wrong = programNameProblem(options.program) ?? firstStatic(parts);
  if (wrong !== null) return { ok: false, problems: [wrong] };
  const renames = options.edits?.renameSections;
  const members = parts.map(({ object, program }) => memberOf(object, program, renames));
  const known = members.filter(member => member !== undefined);
  const chosen = chainSection(
    known,
    parts.map(({ object }) => object.name),
  );
  if (!chosen.ok) return { ok: false, problems: [chosen.problem] };
  const { section, notes } = chosen.value;
  const problems = new ProblemList();
  const { notes: unused, ...verdicts } = chainVerdicts(section, members, askedOf(parts, options), problems);
  if (!problems.isEmpty) return { ok: false, problems: problems.all };
  const byteOrder = parts[0]?.object.byteOrder ?? 'little';
  const { watch, notes: unwatched } = options.watch === true ? chooseWatch(section, parts) : NOT_WATCHED;
  const object = makeChain({
    ...verdicts,
    section,
    byteOrder,
    ...given({ program: options.program, watch }),
  });
  const slots = parts.map((_, position) => chainSlotName(position));
  const mustReturn = verdicts.final === 'last' ? slots.slice(0, -1) : slots;
  return { ok: true, value: { object, slots, mustReturn, notes: [...notes, ...unused, ...unwatched] } };
}

function firstStatic(parts: readonly ChainPart[]): Problem | null {
  const found = parts
    .map(({ object, program }) => staticChoice(object, program))
    .find(one => one !== undefined);
  return found === undefined ? null : found;
}

function memberOf(
  object: BpfObject,
  program: string | undefined,
  renames: readonly SelectedRename[] | undefined,
): ConfiguredMember | undefined {
  const member = chainMember(object, program, renames);
  return member === undefined ? undefined : configured(member, object);
}

/** Verdicts after which the program after this one runs, as `ChainComponent.continueOn` states or the file does. */
export function memberVerdicts(
  object: BpfObject,
  program: string,
  words: readonly string[] | undefined,
): ReturnType<typeof continueVerdicts> {
  const member = memberOf(object, program, undefined);
  return member === undefined ? { ok: true, value: [] } : continueVerdicts(member, words);
}

function askedOf(
  parts: readonly ChainPart[],
  options: Pick<ChainRelinkOptions, 'continueOn' | 'final'> & { readonly prioritized?: boolean },
): AskedVerdicts {
  return {
    ...given({ prioritized: options.prioritized }),
    members: parts.map(({ continueOn }) => continueOn),
    chain: options.continueOn,
    final: options.final,
  };
}

function requireChain(value: unknown): void {
  requireList('relinkChain: components', 'an array of { component }', value);
  for (const [at, one] of value.entries()) {
    const place = `relinkChain: components[${at}]`;
    requireRecord(place, '{ component }', one);
    requireInput(`${place}.component`, 'component' in one ? one.component : undefined);
  }
}

function refused(problems: readonly Problem[]): LinkFailure {
  return { ok: false, problems, pulled: [] };
}

/** The kernel takes C names. */
function programNameProblem(name: string | undefined): Problem | null {
  if (name === undefined || /^[A-Za-z_][A-Za-z0-9_]{0,126}$/.test(name)) return null;
  return problem(
    'chain-program-name',
    [],
    `${quote(name)} cannot be the name of a program: it is not a valid C identifier`,
  );
}

/** Objects are passed on as they were read, so that nothing is parsed twice. */
function assignmentFor(
  objects: readonly BpfObject[],
): (entry: ChainComponent, position: number) => SlotAssignment {
  return ({ component, program, instance }, position) => ({
    slot: chainSlotName(position),
    component: objects[position] ?? component,
    ...given({ program, instance }),
  });
}
