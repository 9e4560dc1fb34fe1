/** Programs of the plan: which to load, what they are, and what their instructions refer to. */

import { BAD_RELOCATION, type CoreAnswer } from '../../core/index.ts';
import { inputError, type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  faultsIn,
  heldPrograms,
  onceConflicts,
  type ProgramType,
  programFunctions,
  programsOf,
  programTypeOf,
  type SymbolIndex,
  sectionInfoOf,
  sectionNameOf,
  staticProgram,
  staticPrograms,
  symbolOf,
  typeHint,
} from '../../object/index.ts';
import { type FlatProgram, flatten } from './flatten.ts';
import { JumpTables } from './jump-tables.ts';
import { kernelName } from './names.ts';
import type { Poison, ProgramPlan } from './plan.ts';
import type { PreparedObject } from './prepared.ts';
import { functionPlans, linePlans } from './records.ts';
import { type References, resolveReference, type Sink } from './references.ts';
import type { Operations } from './struct-ops.ts';

/** Which programs of an object are loaded, and as what. */
export interface ProgramOptions {
  /** Which programs to load; without it all whose section does not start with `?`. */
  readonly programs?: (name: string, section: string) => boolean;
  /**
   * Plan maps alone: no program, and nothing that only programs need.
   * @internal
   */
  readonly mapsOnly?: boolean;
  /** Type of a program whose section name does not specify it, or that is to be loaded as another type. */
  readonly typeOf?: (name: string, section: string) => ProgramType | undefined;
}

/** What planning programs works with. */
interface Planning {
  readonly prepared: PreparedObject;
  readonly references: References;
  /** What cannot be resolved is added here. */
  readonly problems: Problem[];
}

/** Everything of a program but the encoded records, which need the string table of the kernel's types. */
export type DraftProgram = Omit<ProgramPlan, 'funcInfo' | 'lineInfo'>;

/** Programs in symbol order. Throws one error with everything that cannot be resolved. */
export function planPrograms(
  prepared: PreparedObject,
  references: References,
  options: ProgramOptions,
): DraftProgram[] {
  const { object, operations } = prepared;
  const problems: Problem[] = wantedStatics(object, options).map(program => staticProgram(object, program));
  const drafts: DraftProgram[] = [];
  for (const wanted of wantedPrograms(object, operations, options)) {
    const { index, type, program, section } = wanted;
    if (type === undefined) {
      problems.push(...unknownSection(object, program, section).problems);
      continue;
    }
    const faults = faultsInProgram(object, index);
    problems.push(...faults, ...twiceInProgram(object, index, program));
    if (faults.length > 0) continue;
    drafts.push(planProgram({ prepared, references, problems }, wanted, type));
  }
  if (problems.length > 0) throw new RootletError(problems);
  return drafts;
}

/** What is wrong with the code that the program reaches. Other programs of the file do not need it. */
function faultsInProgram(object: BpfObject, index: SymbolIndex): Problem[] {
  const reached = programFunctions(object, index).map(one => symbolOf(object, one));
  return faultsIn(reached).map(fault => ({ hint: FAULT_HINT, ...fault }));
}

const FAULT_HINT = 'programs that do not need this function can be loaded without it: choose them by name';

/** What the kernel allows only once in a program and this one has more often. */
function twiceInProgram(object: BpfObject, index: SymbolIndex, program: FunctionSymbol): Problem[] {
  return onceConflicts(object, index).map(({ resource, names }) =>
    problem(
      'load-once',
      [object.name, `program ${quote(program.name)}`],
      `has more than one ${resource.name}: ${names.map(quote).join(', ')}`,
      { subject: program.name, hint: `a kernel allows a program only one ${resource.name}` },
    ),
  );
}

/** A program to load, with the information of its section or the caller. */
export interface WantedProgram {
  readonly index: SymbolIndex;
  readonly program: FunctionSymbol;
  readonly section: string;
  /** Undefined for a section name outside the table. */
  readonly type: ProgramType | undefined;
}

/**
 * The programs to load, in symbol order: those that the caller names, else those whose section has autoload,
 * and always those that contents of the object name (`heldPrograms`): static values of program arrays,
 * operations of struct_ops maps.
 */
export function wantedPrograms(
  object: BpfObject,
  operations: Operations,
  options: ProgramOptions,
): WantedProgram[] {
  if (options.mapsOnly === true) return [];
  const held = heldPrograms(object);
  return programsOf(object).flatMap(({ index, program }) => {
    const section = sectionNameOf(object, program);
    const type = options.typeOf?.(program.name, section) ?? programTypeOf(section);
    const wanted =
      options.programs === undefined ? isAutoloaded(type, section) : options.programs(program.name, section);
    return !operations.unused.has(program.name) && (wanted || held.has(index))
      ? [{ index, program, section, type }]
      : [];
  });
}

/** Static functions that would be loaded if they were global. */
function wantedStatics(object: BpfObject, options: ProgramOptions): FunctionSymbol[] {
  if (options.mapsOnly === true) return [];
  const held = heldPrograms(object);
  const isHeld = (program: FunctionSymbol) => [...held].some(index => object.symbols[index] === program);
  return staticPrograms(object).filter(
    program =>
      options.programs === undefined ||
      options.programs(program.name, sectionNameOf(object, program)) ||
      isHeld(program),
  );
}

/** What no section states is loaded; `?` disables that also before a name that is not in the table. */
function isAutoloaded(type: ProgramType | undefined, section: string): boolean {
  return type === undefined ? !section.startsWith('?') : sectionInfoOf(type)?.autoload !== false;
}

function unknownSection(object: BpfObject, program: FunctionSymbol, section: string): RootletError {
  return inputError(
    'load-program-type',
    [object.name, `program ${quote(program.name)}`],
    `section ${quote(section)} does not specify a program type`,
    { subject: program.name, hint: typeHint(program.name, section) },
  );
}

function planProgram(
  { prepared, references, problems }: Planning,
  { index, program, section }: WantedProgram,
  type: ProgramType,
): DraftProgram {
  const { object } = prepared;
  const flat = flatten(object, index);
  requireRelocated(object, flat);
  const sink: Sink = {
    object,
    references,
    code: flat.code,
    fixups: [],
    jumpTables: new JumpTables(object, flat.functions),
    poisons: corePoisons(flat, prepared.coreAnswers),
    functionAddresses: [],
  };
  for (const open of flat.open) {
    const problem = resolveReference(sink, open);
    if (problem !== undefined) problems.push(problem);
  }
  const attach = prepared.attach.get(program.name) ?? null;
  return {
    name: program.name,
    kernelName: kernelName(program.name),
    section,
    // The kernel knows an operation by its place in the table.
    type: attach?.member === undefined ? type : { ...type, expectedAttachType: attach.member },
    code: flat.code.bytes,
    fixups: sink.fixups,
    jumpTables: sink.jumpTables.plans,
    functions: functionPlans(flat),
    lines: linePlans(flat),
    attach,
    poisons: sink.poisons,
    functionAddresses: sink.functionAddresses,
  };
}

/** CO-RE is applied to objects before they are planned. */
function requireRelocated(object: BpfObject, flat: FlatProgram): void {
  const left = flat.functions.find(({ symbol }) => symbol.coreRecords.length > 0);
  if (left === undefined) return;
  throw inputError(
    'load-core-pending',
    [object.name, `function ${quote(left.symbol.name)}`],
    'has CO-RE relocations that were not applied',
    { hint: 'load through loadObject(), or call relocateCore() with the types of the target kernel first' },
  );
}

/** Instructions that CO-RE made unreachable, by their final position. */
function corePoisons(flat: FlatProgram, answers: readonly CoreAnswer[]): Poison[] {
  const poisoned = answers.filter(answer => answer.poisoned);
  return flat.functions.flatMap(({ index, start }) =>
    poisoned
      .filter(answer => answer.functionIndex === index)
      .map(({ insnIndex, asked, why }) => ({
        insnIndex: start + insnIndex,
        helper: BAD_RELOCATION,
        what: `uses ${asked}: ${why ?? 'not in the target'}`,
      })),
  );
}
