/** Re-linking with a generated rootlet: a chain of the components. */

import { given } from '../bytes/index.ts';
import {
  failed,
  ok,
  type Problem,
  ProblemList,
  problem,
  quote,
  type Result,
  requireList,
  requireOptions,
  requireRecord,
} from '../diag/index.ts';
import {
  type BpfObject,
  programsOf,
  programTypeOf,
  retypeAll,
  sectionOf,
  staticChoice,
  typeHint,
  type Verdict,
} from '../object/index.ts';
import type { SelectedRename } from './edit/index.ts';
import { type LinkInput, readInputs, requireInput } from './inputs/index.ts';
import type { LinkFailure } from './pipeline/index.ts';
import {
  chainSlotName,
  contextOf,
  makeChain,
  parseVerdict,
  type RelinkOptions,
  type SlotAssignment,
  verdictProblem,
} from './relink/index.ts';
import { type RelinkResult, relink } from './relink.ts';
import { fileMatches } from './resolve/index.ts';

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
  /** Verdicts that continue with the next component. Default `pass`. */
  readonly continueOn?: readonly string[];
  /** Verdict if the last component continues; default `last`: its own verdict. */
  readonly final?: string;
  /** Name of the program. Default `chain`. */
  readonly program?: string;
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
  const chosen = chainSection(objects, components, options.edits?.renameSections);
  if (!chosen.ok) return refused([chosen.problem]);
  const section = chosen.value;
  const verdicts = parseVerdicts(components, options, section);
  if (!verdicts.ok) return verdicts;
  const chain = makeChain({
    slots: verdicts.slots.map(continueOn => ({ continueOn })),
    section,
    byteOrder: objects[0]?.byteOrder ?? 'little',
    final: verdicts.final,
    ...given({ program: options.program }),
  });
  return relink(chain, components.map(assignmentFor(objects)), { ...relinkOptions, entrySlots: true });
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

/** Section of the chain's program: that of the components, without `.frags` unless all of them have it. */
function chainSection(
  objects: readonly BpfObject[],
  components: readonly ChainComponent[],
  renames: readonly SelectedRename[] = [],
): Result<string> {
  const sections = objects.map((object, position) => {
    const section = programSection(object, components[position]?.program);
    const isFor = ({ from, file }: SelectedRename) =>
      from === section && (file === undefined || fileMatches(object.name, file));
    return renames.find(isFor)?.to ?? section;
  });
  const names = objects.map(object => object.name);
  const isStatic = objects
    .map((object, at) => staticChoice(object, components[at]?.program))
    .find(refused => refused !== undefined);
  if (isStatic !== undefined) return failed(isStatic);
  const there = sections.filter(section => section !== undefined);
  const first = there.find(section => programTypeOf(section) !== undefined) ?? there[0];
  if (first === undefined) {
    return failed(problem('chain-no-program', names.slice(0, 1), 'has no program for a chain'));
  }
  if (contextOf(first) === undefined) {
    return failed(
      problem('chain-type', names.slice(0, 1), `programs of section ${quote(first)} cannot be chained`, {
        hint: chainHint(
          objects[sections.indexOf(first)],
          components[sections.indexOf(first)]?.program,
          first,
        ),
      }),
    );
  }
  const allFrags = sections.every(section => section?.includes('.frags') === true);
  return ok(allFrags ? first : first.replace('.frags', ''));
}

function chainHint(object: BpfObject | undefined, name: string | undefined, section: string): string {
  if (programTypeOf(section) !== undefined || object === undefined)
    return 'write a rootlet of that type and fill its slots';
  return typeHint(name ?? programsOf(object)[0]?.program.name ?? 'PROGRAM', section);
}

function programSection(object: BpfObject, name: string | undefined): string | undefined {
  const programs = programsOf(object);
  const chosen = name === undefined ? programs[0] : programs.find(entry => entry.program.name === name);
  return chosen === undefined ? undefined : sectionOf(object, chosen.program)?.name;
}

type Verdicts =
  | { readonly ok: true; readonly slots: readonly (readonly Verdict[])[]; readonly final: number | 'last' }
  | LinkFailure;

function parseVerdicts(
  components: readonly ChainComponent[],
  options: ChainRelinkOptions,
  section: string,
): Verdicts {
  const problems = new ProblemList();
  const parse = (text: string): Verdict => {
    const verdict = parseVerdict(section, text);
    if (verdict.ok) return verdict.value;
    problems.add([verdict.problem]);
    return 0;
  };
  const common = options.continueOn ?? ['pass'];
  const slots = components.map(entry => (entry.continueOn ?? common).map(parse));
  const { final: asked = 'last' } = options;
  const parsed = asked === 'last' ? asked : parse(asked);
  if (parsed === 'not 0')
    problems.add([
      verdictProblem(
        asked,
        `"${asked}" is not a single verdict in section ${quote(section)}: specify how many bytes to keep, or "last"`,
      ),
    ]);
  const final = parsed === 'not 0' ? 'last' : parsed;
  return problems.isEmpty ? { ok: true, slots, final } : refused(problems.all);
}
