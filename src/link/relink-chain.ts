/** Re-linking with a generated rootlet: a chain of the components. */

import { given } from '../bytes/index.ts';
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
  configured,
  makeChain,
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

/** Options of `relinkChain`. */
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
   * The chain counts what its components do while the first word of its variable `rootlet_watch` is not 0; with
   * `trace` it can also send records of packets, and has to be compatible with the GPL. XDP and tc only.
   */
  readonly watch?: { readonly trace: boolean };
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
    { archives: false },
  );
  const { objects, problems: wrongTypes } = retypeAll(read.objects, types);
  const problems = [...read.problems, ...(read.problems.length > 0 ? [] : wrongTypes)];
  if (problems.length > 0) return refused(problems);
  const wrongName = programNameProblem(options.program);
  if (wrongName !== null) return refused([wrongName]);
  const isStatic = firstStatic(objects, components);
  if (isStatic !== undefined) return refused([isStatic]);
  const renames = options.edits?.renameSections;
  const members = components.map(({ program }, at) => memberOf(objects[at], program, renames));
  const known = members.filter(member => member !== undefined);
  const files = objects.map(object => object.name);
  const chosen = chainSection(known, files);
  if (!chosen.ok) return refused([chosen.problem]);
  const { section, notes } = chosen.value;
  const problemList = new ProblemList();
  const { notes: unused, ...verdicts } = chainVerdicts(
    section,
    members,
    askedOf(components, options),
    problemList,
  );
  if (!problemList.isEmpty) return refused(problemList.all);
  const chain = makeChain({
    ...verdicts,
    section,
    byteOrder: objects[0]?.byteOrder ?? 'little',
    ...given({ program: options.program, watch: options.watch }),
  });
  const assignments = components.map(assignmentFor(objects));
  const mustReturn = verdicts.final === 'last' ? assignments.slice(0, -1) : assignments;
  return relink(chain, assignments, {
    ...relinkOptions,
    entrySlots: true,
    mustReturn: mustReturn.map(({ slot }) => slot),
    notes: [...notes, ...unused],
  });
}

function firstStatic(
  objects: readonly BpfObject[],
  components: readonly ChainComponent[],
): Problem | undefined {
  return objects
    .map((object, at) => staticChoice(object, components[at]?.program))
    .find(problem => problem !== undefined);
}

function memberOf(
  object: BpfObject | undefined,
  program: string | undefined,
  renames: readonly SelectedRename[] | undefined,
): ConfiguredMember | undefined {
  const member = object === undefined ? undefined : chainMember(object, program, renames);
  return object === undefined || member === undefined ? undefined : configured(member, object);
}

function askedOf(components: readonly ChainComponent[], options: ChainRelinkOptions): AskedVerdicts {
  return {
    members: components.map(({ continueOn }) => continueOn),
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
