/** Programs of the plan: which to load, what they are, and what their instructions refer to. */

import { BAD_RELOCATION, type CoreAnswer } from '../core/index.ts';
import { inputError, type Problem, quote, RootletError } from '../diag/index.ts';
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  type CodeView,
  OP_CALL,
} from '../isa/index.ts';
import type { ObjectLayout } from '../object/layout.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type FunctionSymbol,
  programsOf,
  type SymbolIndex,
  sectionOf,
} from '../object/model.ts';
import { type ProgramTypeInfo, programTypeOf, suggestSectionName } from '../object/section-names.ts';
import type { ExternBinding, ExternBindings } from './bindings.ts';
import { type FlatProgram, flatten, type OpenReference } from './flatten.ts';
import { kernelName } from './names.ts';
import type { AttachPlan, Fixup, Poison, ProgramPlan } from './plan.ts';
import type { PlannedMaps } from './plan-maps.ts';
import { functionPlans, linePlans } from './plan-records.ts';

export interface ProgramOptions {
  /** Which programs to load; without it all whose section does not start with `?`. */
  readonly programs?: (name: string, section: string) => boolean;
  /** Type of a program whose section name does not say it, or that is to be loaded as another type. */
  readonly typeOf?: (name: string, section: string) => ProgramTypeInfo | undefined;
  /** Program name → what it attaches to, for types that want it at load time. */
  readonly attach?: ReadonlyMap<string, AttachPlan>;
}

/** What references are resolved against. */
export interface References {
  readonly layout: ObjectLayout;
  readonly maps: PlannedMaps;
  readonly bindings: ExternBindings;
  readonly coreAnswers: readonly CoreAnswer[];
  /** Index of the map of kconfig externs, and where they lie in it. */
  readonly kconfig: { readonly map: number; readonly offsets: ReadonlyMap<SymbolIndex, number> } | null;
}

/** Everything of a program but the encoded records, which need the string table of the kernel's types. */
export type DraftProgram = Omit<ProgramPlan, 'funcInfo' | 'lineInfo'>;

/** Programs in symbol order. Throws one error with everything that cannot be resolved. */
export function planPrograms(
  object: BpfObject,
  references: References,
  options: ProgramOptions,
): DraftProgram[] {
  const problems: Problem[] = [];
  const drafts: DraftProgram[] = [];
  for (const { index, program } of programsOf(object)) {
    const section = sectionOf(object, program)?.name ?? '';
    const type = options.typeOf?.(program.name, section) ?? programTypeOf(section);
    if (!wanted(program, section, type, options)) continue;
    if (type === undefined) {
      problems.push(...unknownSection(object, program, section).problems);
      continue;
    }
    drafts.push(planProgram(object, index, program, section, type, references, options, problems));
  }
  if (problems.length > 0) throw new RootletError(problems);
  return drafts;
}

function wanted(
  program: FunctionSymbol,
  section: string,
  type: ProgramTypeInfo | undefined,
  options: ProgramOptions,
): boolean {
  return options.programs === undefined ? type?.autoload !== false : options.programs(program.name, section);
}

function unknownSection(object: BpfObject, program: FunctionSymbol, section: string): RootletError {
  const better = suggestSectionName(section);
  return inputError(
    'load-program-type',
    [object.name, `program ${quote(program.name)}`],
    `section ${quote(section)} does not say a program type`,
    {
      hint:
        better === undefined
          ? 'use a section name that libbpf knows, such as "xdp" or "tc", or give the type when loading'
          : `SEC("${better}") may be meant; what follows it is refused since libbpf 1.0`,
    },
  );
}

function planProgram(
  object: BpfObject,
  index: SymbolIndex,
  program: FunctionSymbol,
  section: string,
  type: ProgramTypeInfo,
  references: References,
  options: ProgramOptions,
  problems: Problem[],
): DraftProgram {
  const flat = flatten(object, index);
  requireRelocated(object, flat);
  const sink: Sink = {
    object,
    references,
    code: flat.code,
    fixups: [],
    poisons: corePoisons(flat, references.coreAnswers),
  };
  for (const open of flat.open) {
    const problem = resolveReference(sink, open);
    if (problem !== undefined) problems.push(problem);
  }
  return {
    name: program.name,
    kernelName: kernelName(program.name),
    section,
    type,
    code: flat.code.bytes,
    fixups: sink.fixups,
    functions: functionPlans(flat),
    lines: linePlans(flat),
    attach: options.attach?.get(program.name) ?? null,
    poisons: sink.poisons,
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

/** Instructions that CO-RE made unreachable, where they came to lie. */
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

interface Sink {
  readonly object: BpfObject;
  readonly references: References;
  readonly code: CodeView;
  readonly fixups: Fixup[];
  readonly poisons: Poison[];
}

/** Helper numbers that no kernel has; the verifier names them when a poisoned call is not dead. */
export const POISONED_EXTERN = 2_002_000_000;

function resolveReference(sink: Sink, open: OpenReference): Problem | undefined {
  const { insnIndex, reference } = open;
  const target = sink.object.symbols[reference.symbol];
  switch (target?.kind) {
    case 'map': {
      const map = sink.references.maps.ofSymbol.get(reference.symbol) ?? -1;
      if (reference.addend !== 0) {
        return unresolved(
          sink,
          open,
          'load-map-offset',
          `refers into map ${quote(target.name)} at ${reference.addend}`,
        );
      }
      sink.code.setSrc(insnIndex, BPF_PSEUDO_MAP_FD);
      sink.fixups.push({ kind: 'map', insnIndex, map });
      return undefined;
    }
    case 'variable':
      return resolveVariable(sink, open, target.section);
    case 'extern':
      return resolveExtern(sink, open, target, sink.references.bindings.get(reference.symbol));
    default:
      return unresolved(sink, open, 'load-reference', 'refers to a symbol that is not there');
  }
}

function resolveVariable(sink: Sink, open: OpenReference, section: number): Problem | undefined {
  const { insnIndex, reference } = open;
  const map = sink.references.maps.ofSection.get(section);
  const name = sink.object.sections[section]?.name ?? '';
  if (map === undefined) {
    const hint = name === '.jumptables' ? { hint: 'compile without jump tables (-fno-jump-tables)' } : {};
    return unresolved(
      sink,
      open,
      'load-data-section',
      `refers to section ${quote(name)}, which programs cannot read`,
      hint,
    );
  }
  const offset = (sink.references.layout.offsets[reference.symbol] ?? 0) + reference.addend;
  sink.code.setSrc(insnIndex, BPF_PSEUDO_MAP_VALUE);
  setSecondImm(sink.code, insnIndex, offset);
  sink.fixups.push({ kind: 'map-value', insnIndex, map, offset });
  return undefined;
}

function resolveExtern(
  sink: Sink,
  open: OpenReference,
  target: BpfSymbol,
  binding: ExternBinding | undefined,
): Problem | undefined {
  const { insnIndex, reference } = open;
  const { code, fixups, poisons } = sink;
  const effective = binding ?? (target.binding === 'weak' ? MISSING : undefined);
  if (effective === undefined) {
    return unresolved(
      sink,
      open,
      'load-unresolved-extern',
      `refers to ${quote(target.name)}, which is defined nowhere`,
      {
        hint: 'link the object that defines it, or declare it weak',
      },
    );
  }
  const isCall = reference.kind === 'call';
  switch (effective.kind) {
    case 'kconfig': {
      const { kconfig } = sink.references;
      const offset = (kconfig?.offsets.get(reference.symbol) ?? 0) + reference.addend;
      code.setSrc(insnIndex, BPF_PSEUDO_MAP_VALUE);
      setSecondImm(code, insnIndex, offset);
      fixups.push({ kind: 'map-value', insnIndex, map: kconfig?.map ?? -1, offset });
      return undefined;
    }
    case 'address':
      setImm64(code, insnIndex, BigInt.asUintN(64, effective.address + BigInt(reference.addend)));
      return undefined;
    case 'kernel-variable':
      code.setSrc(insnIndex, BPF_PSEUDO_BTF_ID);
      code.setImm(insnIndex, effective.btfId);
      setSecondImm(code, insnIndex, 0);
      if (effective.btfObject !== 0) {
        fixups.push({ kind: 'kernel-variable', insnIndex, btfObject: effective.btfObject });
      }
      return undefined;
    case 'kfunc':
      if (!isCall) {
        // Only asked whether it is there; the verifier knows no address of a kernel function.
        setImm64(code, insnIndex, 1n);
        return undefined;
      }
      code.setSrc(insnIndex, BPF_PSEUDO_KFUNC_CALL);
      code.setImm(insnIndex, effective.btfId);
      code.setOffset(insnIndex, 0);
      if (effective.btfObject !== 0)
        fixups.push({ kind: 'kfunc', insnIndex, btfObject: effective.btfObject });
      return undefined;
    case 'missing':
      if (!isCall) {
        setImm64(code, insnIndex, 0n);
        return undefined;
      }
      poisons.push({
        insnIndex,
        helper: POISONED_EXTERN + reference.symbol,
        what: `calls function ${quote(target.name)}, which is not there`,
      });
      code.set(insnIndex, {
        opcode: OP_CALL,
        dst: 0,
        src: 0,
        offset: 0,
        imm: POISONED_EXTERN + reference.symbol,
      });
      return undefined;
  }
}

const MISSING: ExternBinding = { kind: 'missing' };

function unresolved(
  sink: Sink,
  open: OpenReference,
  code: string,
  message: string,
  extras: Pick<Problem, 'hint'> = {},
): Problem {
  const where = [sink.object.name, `function ${quote(open.holder)}`, `insn ${open.reference.insnIndex}`];
  return { code, class: 'input', where, message, ...extras };
}

/** Sets the upper half of a ld_imm64. */
function setSecondImm(code: CodeView, insnIndex: number, value: number): void {
  if (insnIndex + 1 < code.length) code.setImm(insnIndex + 1, value | 0);
}

/** A ld_imm64 of a plain number. */
function setImm64(code: CodeView, insnIndex: number, value: bigint): void {
  code.setSrc(insnIndex, 0);
  code.setImm(insnIndex, Number(BigInt.asIntN(32, value)));
  if (insnIndex + 1 < code.length) code.setImm(insnIndex + 1, Number(BigInt.asIntN(32, value >> 32n)));
}
