/**
 * A member that counts by itself, for the ways to build a chain that do not link: each member is a program of its
 * own there.
 *
 * The program keeps its name, section, type and whatever refers to it; its code becomes a function of its own,
 * which the program calls. While the switch is off, that costs one load, one branch and one call.
 *
 *   prog(ctx) { flags = rootlet_watch.flags; if (flags == 0) return prog__own(ctx); …count around the same call… }
 */

import { BtfBuilder } from '../../btf/index.ts';
import { failed, ok, type Problem, problem, quote, type Result } from '../../diag/index.ts';
import { assemble, callSymbol, EXIT, encodeInsns, label, type Step } from '../../isa/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type FunctionSymbol,
  licenseOf,
  programsOf,
  programTypeOf,
  type SectionInfo,
  type SymbolIndex,
  sectionNameOf,
  withAllFunctionTypes,
} from '../../object/index.ts';
import { checkLimits, isGplCompatible, withTextSection } from '../passes/index.ts';
import { COUNTS_MAP, canWatch, TRACE_MAP, WATCH_VARIABLE } from './layout.ts';
import {
  BEGIN_WATCHED,
  branchOnSwitch,
  decidedHere,
  LOAD_VERDICT,
  traceSteps,
  unlessTraced,
  watchedCall,
  watchedType,
} from './steps.ts';
import { WatchObjects } from './symbols.ts';

/**
 * The object with a program that counts. Where it cannot count: `watch-program`, `watch-name` (the object has
 * a map or variable of that name), `watch-limit` (calls, stack or maps would exceed what kernels allow).
 */
export function withCounters(object: BpfObject, program: string): Result<BpfObject> {
  const found = programsOf(object).find(entry => entry.program.name === program);
  const type = found === undefined ? undefined : programTypeOf(sectionNameOf(object, found.program));
  if (found === undefined || type === undefined || !canWatch(type.progType))
    return failed(
      problem('watch-program', [object.name], `has no XDP or tc program ${quote(program)} to count for`),
    );
  const where = [object.name, `program ${quote(program)}`];
  const taken = [COUNTS_MAP, TRACE_MAP, WATCH_VARIABLE].find(name => hasName(object, name));
  if (taken !== undefined)
    return failed(problem('watch-name', where, `cannot be counted: the object has its own ${quote(taken)}`));
  const counted = wrap(object, found.index, type);
  const limit = newLimit(object, counted, program);
  return limit === undefined
    ? ok(counted)
    : failed(problem('watch-limit', where, `cannot be counted: ${limit.message}`));
}

function hasName({ symbols }: BpfObject, name: string): boolean {
  return symbols.some(symbol => symbol.name === name);
}

/** A limit of the program that only the counting exceeds. */
function newLimit(before: BpfObject, after: BpfObject, program: string): Problem | undefined {
  const ofProgram = (object: BpfObject): Problem[] =>
    checkLimits(object).filter(({ subject }) => subject === program);
  const known = new Set(ofProgram(before).map(({ code }) => code));
  return ofProgram(after).find(({ code }) => !known.has(code));
}

function wrap(input: BpfObject, index: SymbolIndex, type: SectionInfo): BpfObject {
  const { sections: known, text } = withTextSection(withAllFunctionTypes(input));
  const object = { ...withAllFunctionTypes(input), sections: known };
  const program = object.symbols[index];
  if (program?.kind !== 'function') return input;
  const sections = [...known];
  const btf = object.btf === null ? new BtfBuilder() : new BtfBuilder(object.btf);
  const objects = new WatchObjects(btf, object.name, sections);
  const symbols: BpfSymbol[] = [...object.symbols];
  const append = (symbol: BpfSymbol): SymbolIndex => symbols.push(symbol) - 1;
  const own = append(ownFunction(object, program, text, btf));
  const parts = {
    own,
    words: append(objects.words()),
    counts: append(objects.counts(watchedType(type).layout)),
    trace: canTrace(object) ? append(objects.trace()) : null,
  };
  symbols[index] = wrapper(object, program, assemble(wrapperSteps(type, parts)));
  return {
    ...object,
    sections,
    symbols: symbols.map(symbol => follow(symbol, index, own)),
    btf: btf.build(),
  };
}

/** `bpf_perf_event_output` is for programs that are compatible with the GPL. */
export function canTrace(object: BpfObject): boolean {
  const license = licenseOf(object);
  return license !== null && isGplCompatible(license);
}

interface Parts {
  readonly own: SymbolIndex;
  readonly words: SymbolIndex;
  readonly counts: SymbolIndex;
  /** Null where the license does not allow it. */
  readonly trace: SymbolIndex | null;
}

function wrapperSteps(info: SectionInfo, { own, words, counts, trace }: Parts): Step[] {
  const type = watchedType(info);
  const call = callSymbol(own);
  const tracing = (array: SymbolIndex): Step[] => [
    ...unlessTraced(DONE),
    ...decidedHere(words, DONE),
    ...traceSteps({ type, counts, trace: array }, DONE),
  ];
  return [
    ...branchOnSwitch(words, WATCHED),
    call,
    EXIT,
    label(WATCHED),
    ...BEGIN_WATCHED,
    ...watchedCall({ type, call, counts, name: 'member' }),
    ...(trace === null ? [] : tracing(trace)),
    label(DONE),
    LOAD_VERDICT,
    EXIT,
  ];
}

const [WATCHED, DONE] = ['watched', 'done'];

function wrapper(
  { byteOrder }: BpfObject,
  program: FunctionSymbol,
  { insns, references }: ReturnType<typeof assemble>,
): FunctionSymbol {
  const { aliasOf: _, ...rest } = program;
  const code = encodeInsns(insns, byteOrder);
  return { ...rest, code, references, lines: firstLine(program), coreRecords: [] };
}

/** The wrapper is at the line where the program begins. */
function firstLine({ lines }: FunctionSymbol): FunctionSymbol['lines'] {
  for (const line of lines) return [{ ...line, insnIndex: 0 }];
  return [];
}

/** The program's code, as a static function: it is verified where it is called. */
function ownFunction(
  object: BpfObject,
  program: FunctionSymbol,
  section: number,
  btf: BtfBuilder,
): FunctionSymbol {
  const { aliasOf: _, comdat: __, ...rest } = program;
  let name = `${program.name}__own`;
  while (hasName(object, name)) name = `${name}_`;
  const type = object.btf === null || program.btfId === 0 ? undefined : object.btf.type(program.btfId);
  const btfId = type?.kind === 'func' ? btf.add({ ...type, name, linkage: 'static' }) : 0;
  return { ...rest, name, binding: 'local', visibility: 'default', section, btfId };
}

/** Jump tables lead into the code, where it is now; an alias of the program is a copy of its own. */
function follow(symbol: BpfSymbol, program: SymbolIndex, own: SymbolIndex): BpfSymbol {
  if (symbol.kind === 'function' && symbol.aliasOf === program) {
    const { aliasOf: _, ...copy } = symbol;
    return copy;
  }
  if (symbol.kind !== 'variable' || !symbol.references.some(one => one.kind === 'code-offset')) return symbol;
  const references = symbol.references.map(one =>
    one.kind === 'code-offset' && one.symbol === program ? { ...one, symbol: own } : one,
  );
  return { ...symbol, references };
}
