/**
 * Optimization of whole programs: the driver.
 *
 * Every program walks down a ladder of scopes: where a pass refuses it, or the result breaks a limit of the kernel
 * that the program kept before, less is inlined; at the end of the ladder it stays as it is. Limits are checked of
 * all programs at once, so that an object with many programs is analysed once for each step, not once for each
 * program.
 */

import { type Problem, RootletError } from '../../diag/index.ts';
import {
  aliasesOf,
  type BpfObject,
  type BpfSymbol,
  callGraph,
  MAX_CALL_FRAMES,
  programsOf,
  requireObject,
  type SymbolIndex,
  symbolOf,
} from '../../object/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { checkLimits } from '../passes/index.ts';
import { requireOptimizeOptions, unknownNames } from './arguments.ts';
import { Decisions, Functions, removeUnused } from './inline/index.ts';
import type {
  InlineScope,
  KeptCall,
  Optimized,
  OptimizeOptions,
  ProgramOptimization,
} from './model/index.ts';
import { ALL_PASSES, NO_GAIN, Refusal } from './model/index.ts';
import { type OptimizeContext, type OptimizedProgram, optimizeProgram } from './program.ts';

/** From the step that inlines most. */
const LADDER: readonly InlineScope[] = ['all', 'single', 'members', 'none'];

/**
 * Optimizes the programs of an object. What cannot be optimized stays as it is, and the report says why. The result
 * depends on nothing but the arguments, and the given object does not change. Throws `link-optimize` for names that
 * the object does not have.
 */
export function optimize(object: BpfObject, options: OptimizeOptions = {}): Optimized {
  requireObject('optimize: object', object);
  requireOptimizeOptions('optimize: options', options);
  const unknown = unknownNames(object, options);
  if (unknown.length > 0) throw new RootletError(unknown);
  const { inline = 'single', noInline = [] } = options;
  const run = new Run(object, options);
  const { attempts, optimized } = run.optimizeAll(inline);
  const { object: result, removed } = removeUnused(optimized, {
    before: object,
    programs: attempts.flatMap(({ program, done }) => (done === null ? [] : [program])),
    noInline,
    removeGlobal: options.removeInlined === true,
  });
  const programs = attempts.map(attempt => reportOf(object, optimized, attempt));
  return { object: result, report: { inline, programs, removed } };
}

/** The step of the ladder that a program is at. */
interface Attempt {
  readonly program: SymbolIndex;
  readonly scope: InlineScope;
  /** Null where the program stays as it is. */
  readonly done: OptimizedProgram | null;
  /** Why not, or why less than asked for was inlined. */
  readonly reason: string | null;
  /** Of a program that stays because nothing could be inlined: why. */
  readonly kept?: readonly KeptCall[];
}

class Run {
  readonly #object: BpfObject;
  readonly #options: OptimizeOptions;
  readonly #context: OptimizeContext;

  constructor(object: BpfObject, options: OptimizeOptions) {
    const functions = new Functions(object);
    const decisions = new Decisions(functions, options);
    this.#object = object;
    this.#options = options;
    this.#context = { functions, decisions, passes: { ...ALL_PASSES, ...options.passes } };
  }

  /** The attempts that keep the limits of the kernel, and the object with their code. */
  optimizeAll(scope: InlineScope): { readonly attempts: readonly Attempt[]; readonly optimized: BpfObject } {
    const wanted = this.#options.programs;
    const programs = programsOf(this.#object).filter(({ program }) => wanted?.includes(program.name) ?? true);
    let attempts = programs.map(({ index }) => this.#attempt(index, scope, null));
    let optimized = withCode(this.#object, attempts);
    if (attempts.every(({ done }) => done === null)) return { attempts, optimized };
    const before = problemsByProgram(checkLimits(this.#object));
    for (let changed = true; changed; ) {
      const broken = newProblems(before, checkLimits(optimized));
      changed = false;
      attempts = attempts.map(attempt => {
        const problem = broken.get(symbolOf(this.#object, attempt.program).name);
        if (problem === undefined || attempt.done === null) return attempt;
        changed = true;
        return this.#stepDown(attempt, problem.message);
      });
      if (changed) optimized = withCode(this.#object, attempts);
    }
    return { attempts, optimized };
  }

  /** The first step from `scope` down at which the passes accept the program. */
  #attempt(program: SymbolIndex, scope: InlineScope, reason: string | null): Attempt {
    try {
      const objection = this.#objection(program);
      if (objection !== null) return { program, scope, done: null, reason: objection };
      const insns = slotsReached(this.#object, program);
      const done = optimizeProgram(this.#context, program, scope, insns);
      if (!isWorse(symbolOf(this.#object, program), done)) return { program, scope, done, reason };
      return { program, scope, done: null, reason: NO_GAIN };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.#stepDown({ program, scope, done: null, reason }, error.reason);
    }
  }

  /** A program without calls meets the same refusal on every step. */
  #stepDown({ program, scope }: Attempt, reason: string): Attempt {
    const isSame = callGraph(this.#object).callees(program).length === 0;
    const next = isSame ? undefined : LADDER[LADDER.indexOf(scope) + 1];
    if (next !== undefined) return this.#attempt(program, next, reason);
    return { program, scope: 'none', done: null, reason };
  }

  /** Why a program is not even lifted. */
  #objection(program: SymbolIndex): string | null {
    const { total } = callGraph(this.#object).deepest(program);
    if (total === Number.POSITIVE_INFINITY) return 'it calls itself';
    if (total > MAX_CALL_FRAMES) return `its calls are nested ${total} deep`;
    return this.#context.functions.objection(program);
  }
}

/** Slots of a program and of all functions that it calls. */
function slotsReached(object: BpfObject, program: SymbolIndex): number {
  let slots = 0;
  for (const at of callGraph(object).reach([program]))
    slots += codeOf(symbolOf(object, at)).length / INSN_SIZE;
  return slots;
}

const NO_CODE = new Uint8Array(0);

function codeOf(symbol: BpfSymbol): Uint8Array {
  return symbol.kind === 'function' ? symbol.code : NO_CODE;
}

/** More instructions, for nothing. */
function isWorse(before: BpfSymbol, { symbol, inlined }: OptimizedProgram): boolean {
  return inlined.length === 0 && symbol.code.length > codeOf(before).length;
}

/** The object with the code of programs that were optimized; aliases of them get it too. */
function withCode(object: BpfObject, attempts: readonly Attempt[]): BpfObject {
  const aliases = aliasesOf(object);
  const symbols: BpfSymbol[] = [...object.symbols];
  for (const { program, done } of attempts) {
    if (done === null) continue;
    symbols[program] = done.symbol;
    const { code, references, coreRecords, lines } = done.symbol;
    for (const alias of aliases.get(program) ?? []) {
      const symbol = symbolOf(object, alias);
      if (symbol.kind === 'function') symbols[alias] = { ...symbol, code, references, coreRecords, lines };
    }
  }
  return { ...object, symbols };
}

// --- limits ---------------------------------------------------------------------------------------------------------

/** Program that a problem of limits is about; '' for those of the whole object. */
function programOf({ subject }: Problem): string {
  return subject ?? '';
}

function problemsByProgram(problems: readonly Problem[]): ReadonlyMap<string, readonly Problem[]> {
  const found = new Map<string, Problem[]>();
  for (const problem of problems) {
    const program = programOf(problem);
    const others = found.get(program);
    if (others === undefined) found.set(program, [problem]);
    else others.push(problem);
  }
  return found;
}

/** For each program, the first problem of a kind that it did not have. */
function newProblems(
  before: ReadonlyMap<string, readonly Problem[]>,
  after: readonly Problem[],
): ReadonlyMap<string, Problem> {
  const found = new Map<string, Problem>();
  for (const problem of after) {
    const program = programOf(problem);
    const isOld = before.get(program)?.some(({ code }) => code === problem.code) === true;
    if (!isOld && !found.has(program)) found.set(program, problem);
  }
  return found;
}

// --- report -----------------------------------------------------------------------------------------------------------

function reportOf(before: BpfObject, after: BpfObject, attempt: Attempt): ProgramOptimization {
  const { program, scope, done, reason, kept: declined = [] } = attempt;
  const base = {
    program: symbolOf(before, program).name,
    inline: scope,
    insns: { before: slotsReached(before, program), after: slotsReached(after, program) },
  };
  if (done === null) return { ...base, refused: reason, stepped: null, ...UNCHANGED, kept: declined };
  const { inlined, kept, stack, shared, decided, spilled } = done;
  return { ...base, refused: null, stepped: reason, inlined, kept, stack, shared, decided, spilled };
}

const UNCHANGED = {
  inlined: [],
  kept: [],
  stack: { before: 0, after: 0 },
  shared: 0,
  decided: 0,
  spilled: 0,
};
