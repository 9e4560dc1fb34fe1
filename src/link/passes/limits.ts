/**
 * Limits of the verifier, reported before anything is written.
 *
 * For every program: frames, stack, and stack above tail calls (`object/call-graph.ts`), 256 functions, 64
 * maps, what a program may have once (`object/once.ts`); helpers that the license does not allow. Stack
 * depths are lower bounds, so nothing is refused that a kernel would accept.
 *
 * Source: Linux kernel/bpf/verifier.c (check_max_stack_depth, MAX_USED_MAPS, BPF_MAX_SUBPROGS).
 */

import { given } from '../../bytes/index.ts';
import { type Problem, type ProblemCode, problem, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  type CallGraph,
  type CallPath,
  callGraph,
  type FunctionSymbol,
  lostCallbacks,
  MAX_CALL_FRAMES,
  MAX_STACK_BYTES,
  MAX_STACK_BYTES_ABOVE_TAIL_CALL,
  onceConflicts,
  programFunctions,
  programsOf,
  type SymbolIndex,
  stackAbove,
  symbolOf,
  tailCallers,
} from '../../object/index.ts';
import { arenaProblems } from './arenas.ts';
import { licenseProblems } from './gpl-only.ts';

const MAX_FUNCTIONS = 256;
/** Maps of one program. */
export const MAX_MAPS = 64;

/** What a program uses, and the limits of the kernel. */
export interface ProgramLimits {
  readonly program: string;
  /** Nested calls; `used` is null when the program calls itself. */
  readonly frames: { readonly used: number | null; readonly allowed: number };
  /** The calls that go deepest, by name. */
  readonly deepestCalls: readonly string[];
  /** Bytes, all frames of the path that takes most; a lower bound. */
  readonly stack: { readonly used: number | null; readonly allowed: number };
  readonly functions: { readonly used: number; readonly allowed: number };
  /** Maps, sections of globals among them. */
  readonly maps: { readonly used: number; readonly allowed: number };
}

/** Usage of each program, in order of programs. */
export function measureLimits(object: BpfObject): ProgramLimits[] {
  const graph = callGraph(object);
  return programsOf(object).map(({ index, program }): ProgramLimits => {
    const roots = graph.stackRoots(index);
    const calls = largest(roots.map(root => graph.deepest(root)));
    const stack = largest(roots.map(root => graph.mostStack(root)));
    const functions = programFunctions(object, index);
    const maps = new Set(functions.flatMap(at => mapsOf(object, at)));
    const finite = (total: number): number | null => (Number.isFinite(total) ? total : null);
    return {
      program: program.name,
      frames: { used: finite(calls.total), allowed: MAX_CALL_FRAMES },
      deepestCalls: calls.path.map(at => nameOf(object, at)),
      stack: { used: finite(stack.total), allowed: MAX_STACK_BYTES },
      functions: { used: functions.length, allowed: MAX_FUNCTIONS },
      maps: { used: maps.size, allowed: MAX_MAPS },
    };
  });
}

/** All violations, in order of programs. */
export function checkLimits(object: BpfObject): Problem[] {
  const graph = callGraph(object);
  return programsOf(object)
    .flatMap(({ index, program }) => [
      ...graph
        .stackRoots(index)
        .flatMap(root => [
          ...depthProblems(object, graph, index, root),
          ...tailCallProblems(object, graph, index, root),
        ]),
      ...countProblems(object, index, program),
      ...onceProblems(object, index, program),
    ])
    .concat(arenaProblems(object, SHARE_HINT))
    .concat(licenseProblems(object));
}

function limitProblem(
  object: BpfObject,
  code: ProblemCode,
  program: string,
  message: string,
  details: readonly string[],
  hint?: string,
): Problem {
  const extras = { subject: program, details, ...given({ hint }) };
  return problem(code, [object.name, `program ${quote(program)}`], message, extras);
}

function nameOf(object: BpfObject, index: SymbolIndex): string {
  return symbolOf(object, index).name;
}

/** The path that takes most; callbacks that run later have a stack of their own. */
function largest(paths: readonly CallPath[]): CallPath {
  return paths.reduce((most, path) => (path.total > most.total ? path : most));
}

/** `root`: the program, or a callback of it that runs later. */
function depthProblems(
  object: BpfObject,
  graph: CallGraph,
  index: SymbolIndex,
  root: SymbolIndex,
): Problem[] {
  const name = (index: SymbolIndex): string => nameOf(object, index);
  const program = name(index);
  const who = root === index ? '' : `callback ${quote(name(root))} `;
  const calls = graph.deepest(root);
  if (calls.total === Number.POSITIVE_INFINITY) {
    return [
      limitProblem(
        object,
        'relink-recursion',
        program,
        `${who}calls itself, which the kernel does not allow`,
        [calls.path.map(name).join(' -> ')],
      ),
    ];
  }
  const problems: Problem[] = [];
  if (calls.total > MAX_CALL_FRAMES) {
    const message = `${who}calls ${calls.total} functions deep; the kernel allows ${MAX_CALL_FRAMES}`;
    problems.push(
      limitProblem(object, 'relink-call-depth', program, message, [calls.path.map(name).join(' -> ')]),
    );
  }
  const stack = graph.mostStack(root);
  if (stack.total > MAX_STACK_BYTES) {
    const message = `${who}takes ${stack.total} bytes of stack; the kernel allows ${MAX_STACK_BYTES}`;
    problems.push(
      limitProblem(object, 'relink-stack', program, message, [
        stack.path.map(index => `${name(index)} (${graph.frameBytes(index)})`).join(' -> '),
      ]),
    );
  }
  return problems;
}

/** Above the frame of a called function that uses tail calls there must be less stack than elsewhere. */
function tailCallProblems(
  object: BpfObject,
  graph: CallGraph,
  program: SymbolIndex,
  root: SymbolIndex,
): Problem[] {
  if (graph.mostStack(root).total < MAX_STACK_BYTES_ABOVE_TAIL_CALL) return [];
  const withTailCalls = tailCallers(object);
  const tails = graph.reach([root]).filter(at => at !== root && withTailCalls.has(at));
  if (tails.length === 0) return [];
  const { total, path } = stackAbove(object, root, tails);
  if (total < MAX_STACK_BYTES_ABOVE_TAIL_CALL || !Number.isFinite(total)) return [];
  const callees = graph.callees(path.at(-1) ?? root);
  const target = nameOf(object, callees.find(at => withTailCalls.has(at)) ?? root);
  const frames = path.map(at => `${nameOf(object, at)} (${graph.frameBytes(at)})`);
  const message =
    `has ${total} bytes of stack in use where ${quote(target)} is called, which uses tail calls; ` +
    `the kernel allows less than ${MAX_STACK_BYTES_ABOVE_TAIL_CALL}`;
  return [
    limitProblem(object, 'relink-tail-stack', nameOf(object, program), message, [
      [...frames, target].join(' -> '),
    ]),
  ];
}

function countProblems(object: BpfObject, root: SymbolIndex, program: FunctionSymbol): Problem[] {
  const functions = programFunctions(object, root);
  const maps = new Set(functions.flatMap(index => mapsOf(object, index)));
  const problems: Problem[] = [];
  if (functions.length > MAX_FUNCTIONS) {
    problems.push(
      limitProblem(
        object,
        'relink-functions',
        program.name,
        `has ${functions.length} functions; the kernel allows ${MAX_FUNCTIONS}`,
        [],
      ),
    );
  }
  if (maps.size > MAX_MAPS) {
    problems.push(
      limitProblem(
        object,
        'relink-maps',
        program.name,
        `uses ${maps.size} maps; the kernel allows ${MAX_MAPS}`,
        [],
      ),
    );
  }
  return problems;
}

/** Maps and globals sections (each becomes a map) that a function refers to. */
function mapsOf(object: BpfObject, index: SymbolIndex): string[] {
  const symbol = object.symbols[index];
  return (symbol?.kind === 'function' ? symbol.references : []).flatMap(reference => {
    const target = object.symbols[reference.symbol];
    if (target?.kind === 'map') return [`map ${reference.symbol}`];
    return target?.kind === 'variable' ? [`section ${target.section}`] : [];
  });
}

/** For components of one program. */
const SHARE_HINT =
  'give the maps one name and share them (relink --share NAME), or keep the programs apart (replace --slots tail)';

// --- once per program --------------------------------------------------------------------------------------

function onceProblems(object: BpfObject, root: SymbolIndex, program: FunctionSymbol): Problem[] {
  const twice = onceConflicts(object, root).map(({ resource, names }) =>
    limitProblem(
      object,
      'relink-once',
      program.name,
      `has more than one ${resource.name}; the kernel allows one`,
      [names.map(quote).join(', ')],
      resource.mapType === null ? undefined : SHARE_HINT,
    ),
  );
  const lost = lostCallbacks(object, root).map(({ function: name, callback }) =>
    limitProblem(
      object,
      'relink-exception-callback',
      program.name,
      `calls ${quote(name)}, whose exception callback ${quote(callback)} is called for a program only`,
      [`when ${quote(name)} throws, the callback of ${quote(program.name)} decides`],
      `return the verdict instead of throwing it, or remove the tag exception_callback:${callback}`,
    ),
  );
  return [...twice, ...lost];
}
