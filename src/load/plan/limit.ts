/**
 * A plan for an older kernel: what that kernel does not support is left out, where the programs mean the
 * same without it, and everything that was left out is reported.
 *
 * Separate from planning, because nearly every load succeeds without it: `loadObject` probes the kernel only
 * after a refusal.
 */

import { type Btf, encodeBtfWithTexts } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { platformError, quote } from '../../diag/index.ts';
import { BPF_PSEUDO_FUNC, CodeView, OP_CALL, OP_LD_IMM64 } from '../../isa/index.ts';
import {
  FEATURES,
  type Feature,
  FUNCTION_ADDRESS_SINCE,
  mayHave,
  openById,
  probeFunctionAddress,
  type Sys,
} from '../../kernel/index.ts';
import { globalsKind } from '../../object/index.ts';
import { BPF_F_LINK, BPF_F_MMAPABLE } from '../../uapi/index.ts';
import { tagsContexts, withContextTypes } from './context-arguments.ts';
import type { Fixup, LoadPlan, MapPlan, ProgramPlan } from './plan.ts';
import { encodeFuncInfo, encodeLineInfo } from './records.ts';
import { setImm64 } from './references.ts';
import { type BtfSupport, pointsElsewhere, sanitizeBtf } from './sanitize-btf.ts';

/** Features that a plan can do without, or that are worth naming when they are missing. */
const ASKED = [
  'btf',
  'btfFunctions',
  'btfGlobalFunctions',
  'globalPointers',
  'functionPointers',
  'btfDataSections',
  'btfFloat',
  'btfDeclTag',
  'btfTypeTag',
  'btfEnum64',
  'objectNames',
  'globalData',
  'mappableArrays',
  'expectedAttachType',
  'probeReadKernel',
  'operationsLink',
  'contextTags',
  'jumpTables',
] as const satisfies readonly Feature[];

/** Addresses of kernel functions as values depend on the function, so that there is no probe without a plan. */
export type Lack = Feature | 'functionAddresses';

/** Features that the kernel certainly lacks. */
export type Lacks = ReadonlySet<Lack>;

/** What the kernel lacks of all that a plan could do without; with a plan, only what it has a use for. */
export function findLacks(sys: Sys, plan?: LoadPlan): Lacks {
  const asked = ASKED.filter(feature => plan === undefined || (USES.get(feature)?.(plan) ?? true));
  const lacks = new Set<Lack>(asked.filter(feature => !mayHave(sys, feature)));
  if (plan !== undefined && refusesFunctionAddress(sys, plan)) lacks.add('functionAddresses');
  return lacks;
}

/** Whether the kernel certainly refuses the first address of a kernel function in the plan. */
function refusesFunctionAddress(sys: Sys, plan: LoadPlan): boolean {
  const program = plan.programs.find(({ functionAddresses }) => functionAddresses.length > 0);
  const at = program?.functionAddresses[0];
  if (program === undefined || at === undefined) return false;
  const id = new CodeView(program.code, plan.byteOrder).imm(at);
  const module = program.fixups.find(isModuleSymbolAt(new Set([at])));
  const fd = module === undefined ? undefined : openById(sys, 'btf', module.btfObject);
  try {
    return probeFunctionAddress(sys, id, fd?.number ?? 0).state === 'no';
  } finally {
    fd?.close();
  }
}

function isModuleSymbolAt(insns: ReadonlySet<number>) {
  return (fixup: Fixup): fixup is Extract<Fixup, { kind: 'kernel-symbol' }> =>
    fixup.kind === 'kernel-symbol' && insns.has(fixup.insnIndex);
}

/** Whether a plan has a use for a feature; the others are used by nearly all. */
const USES = new Map<Feature, (plan: LoadPlan) => boolean>([
  ['operationsLink', plan => plan.maps.some(isLinkedTable)],
  ['jumpTables', plan => plan.programs.some(program => program.jumpTables.length > 0)],
  ['contextTags', ({ types }) => types !== null && tagsContexts(types)],
  ['globalPointers', ({ types }) => types !== null && hasGlobalPointers(types)],
  ['functionPointers', plan => plan.programs.some(program => functionPointerOf(program, plan) !== undefined)],
]);

function hasGlobalPointers(types: Btf): boolean {
  for (let id = 1; id <= types.count; id++) {
    const type = types.type(id);
    if (type.kind === 'func' && type.linkage === 'global' && pointsElsewhere(types, type)) return true;
  }
  return false;
}

/** The first function whose address a program takes. */
export function functionPointerOf(program: ProgramPlan, plan: LoadPlan): string | undefined {
  const view = new CodeView(program.code, plan.byteOrder);
  for (let at = 0; at < view.length; at += view.width(at)) {
    if (view.opcode(at) !== OP_LD_IMM64 || view.src(at) !== BPF_PSEUDO_FUNC) continue;
    const target = at + 1 + view.imm(at);
    const callback = program.functions.findIndex(({ insnIndex }) => insnIndex === target);
    return elementAt(program.functions, callback).name;
  }
  return undefined;
}

function isLinkedTable(map: MapPlan): boolean {
  return map.operations !== undefined && Math.floor(map.flags / BPF_F_LINK) % 2 === 1;
}

export interface LimitedPlan {
  readonly plan: LoadPlan;
  /** What was left out, one sentence each. */
  readonly notes: readonly string[];
}

/** The plan without what the kernel lacks. Throws `load-kernel-too-old` when the programs need it. */
export function limitPlan(given: LoadPlan, lacks: Lacks): LimitedPlan {
  const plan = lacks.has('contextTags') ? withContextTypes(given) : given;
  if (lacks.has('globalData')) requireNoGlobals(plan);
  if (lacks.has('functionPointers')) requireNoCallbacks(plan);
  if (lacks.has('jumpTables')) requireNoJumpTables(plan);
  const types = limitTypes(plan.types, lacks);
  const encoded = types === null ? null : encodeBtfWithTexts(types, textsOf(plan), plan.byteOrder);
  const programs = plan.programs.map(program =>
    limitProgram(program, plan, encoded?.offsetOf ?? null, lacks),
  );
  const maps = plan.maps.map(map => limitMap(map, encoded !== null, lacks));
  return {
    plan: { ...plan, types, btf: encoded?.bytes ?? null, maps, programs },
    notes: [...lacks].sort().map(lack => `${WORDS.get(lack) ?? lack} (Linux ${sinceOf(lack)})`),
  };
}

/** The plan with other types for the kernel; those for values and for callers of the plan stay what they are. */
export function withKernelTypes(plan: LoadPlan, types: Btf): LoadPlan {
  const { bytes, offsetOf } = encodeBtfWithTexts(types, textsOf(plan), plan.byteOrder);
  const programs = plan.programs.map(program =>
    program.lineInfo === null
      ? program
      : { ...program, lineInfo: encodeLineInfo(program.lines, offsetOf, plan.byteOrder) },
  );
  return { ...plan, btf: bytes, programs };
}

/** Texts of line records, which are among the strings of the types. */
function textsOf({ programs }: LoadPlan): string[] {
  return programs.flatMap(program => program.lines.flatMap(line => [line.file, line.text]));
}

function sinceOf(lack: Lack): string {
  return lack === 'functionAddresses' ? FUNCTION_ADDRESS_SINCE : FEATURES[lack];
}

const WORDS = new Map<Lack, string>([
  ['btf', 'no types are loaded'],
  ['btfFunctions', 'types of functions are left out'],
  ['btfGlobalFunctions', 'global functions are verified as static ones'],
  ['globalPointers', 'global functions with pointers are verified as static ones'],
  ['btfDataSections', 'types of variables are left out'],
  ['btfFloat', 'floating point types are replaced'],
  ['btfDeclTag', 'declaration tags are left out'],
  ['btfTypeTag', 'type tags are left out'],
  ['btfEnum64', 'enumerations of 64 bits are replaced'],
  ['objectNames', 'maps and programs have no names'],
  ['mappableArrays', 'globals are not mapped into memory'],
  ['expectedAttachType', 'attach types are not checked'],
  [
    'operationsLink',
    'struct_ops maps have no link: they can be registered and unregistered, but not replaced',
  ],
  ['contextTags', 'global functions that take a context by its tag have a type for each kind of program'],
  ['probeReadKernel', 'bpf_probe_read_kernel() is bpf_probe_read()'],
  ['functionAddresses', 'the address of each kernel function is 1: whether it exists can be tested, no more'],
]);

function requireNoGlobals(plan: LoadPlan): void {
  const globals = plan.maps.find(map => globalsKind(map.name) !== undefined);
  if (globals === undefined) return;
  throw platformError(
    'load-kernel-too-old',
    [plan.source],
    `section ${quote(globals.name)} needs Linux ${FEATURES.globalData}`,
    {
      hint: 'this kernel has no global variables for BPF programs',
    },
  );
}

function requireNoCallbacks(plan: LoadPlan): void {
  for (const program of plan.programs) {
    const callback = functionPointerOf(program, plan);
    if (callback === undefined) continue;
    throw platformError(
      'load-kernel-too-old',
      [plan.source, `program ${quote(program.name)}`],
      `function ${quote(callback)} as a callback needs Linux ${FEATURES.functionPointers}`,
      { hint: 'on older kernels loops are unrolled or bounded, and functions called directly' },
    );
  }
}

function requireNoJumpTables(plan: LoadPlan): void {
  for (const program of plan.programs) {
    if (program.jumpTables.length === 0) continue;
    throw platformError(
      'load-kernel-too-old',
      [plan.source, `program ${quote(program.name)}`],
      `jumps through a table (gotox), which needs Linux ${FEATURES.jumpTables}`,
      { hint: 'compile without jump tables (-fno-jump-tables)' },
    );
  }
}

function limitTypes(types: Btf | null, lacks: Lacks): Btf | null {
  if (types === null || lacks.has('btf')) return null;
  const support: BtfSupport = {
    functions: !lacks.has('btfFunctions'),
    globalFunctions: !lacks.has('btfGlobalFunctions'),
    globalPointers: !lacks.has('globalPointers'),
    dataSections: !lacks.has('btfDataSections'),
    float: !lacks.has('btfFloat'),
    declTag: !lacks.has('btfDeclTag'),
    typeTag: !lacks.has('btfTypeTag'),
    enum64: !lacks.has('btfEnum64'),
  };
  return sanitizeBtf(types, support);
}

function limitMap(map: MapPlan, typed: boolean, lacks: Lacks): MapPlan {
  const mappable = Math.floor(map.flags / BPF_F_MMAPABLE) % 2 === 1;
  const unmapped = mappable && lacks.has('mappableArrays') ? BPF_F_MMAPABLE : 0;
  const unlinked = isLinkedTable(map) && lacks.has('operationsLink') ? BPF_F_LINK : 0;
  return {
    ...map,
    kernelName: lacks.has('objectNames') ? '' : map.kernelName,
    flags: map.flags - unmapped - unlinked,
    typed: typed && map.typed,
    inner: map.inner === null ? null : limitMap(map.inner, typed, lacks),
  };
}

function limitProgram(
  program: ProgramPlan,
  plan: LoadPlan,
  offsetOf: ((text: string) => number) | null,
  lacks: Lacks,
): ProgramPlan {
  const recorded = offsetOf !== null && !lacks.has('btfFunctions');
  const funcInfo = recorded ? encodeFuncInfo(program.functions, plan.byteOrder) : null;
  const addressed = lacks.has('functionAddresses') ? withoutAddresses(program, plan) : program;
  const withoutAttachType = lacks.has('expectedAttachType') && program.type.attachTypeOptional;
  return {
    ...addressed,
    kernelName: lacks.has('objectNames') ? '' : program.kernelName,
    type: withoutAttachType ? { ...program.type, expectedAttachType: 0 } : program.type,
    code: lacks.has('probeReadKernel') ? withOldProbeReads(addressed.code, plan) : addressed.code,
    funcInfo,
    lineInfo:
      funcInfo === null || offsetOf === null ? null : encodeLineInfo(program.lines, offsetOf, plan.byteOrder),
  };
}

/** 1 instead of each address of a kernel function, which then still differs from NULL. */
function withoutAddresses(program: ProgramPlan, plan: LoadPlan): ProgramPlan {
  const code = program.code.slice();
  const view = new CodeView(code, plan.byteOrder);
  for (const at of program.functionAddresses) setImm64(view, at, 1n);
  const isGone = isModuleSymbolAt(new Set(program.functionAddresses));
  return {
    ...program,
    code,
    fixups: program.fixups.filter(fixup => !isGone(fixup)),
    functionAddresses: [],
  };
}

/** bpf_probe_read_kernel(), _user() and their string forms were one helper each before. */
const OLD_HELPERS = new Map([
  [112, 4],
  [113, 4],
  [114, 45],
  [115, 45],
]);

function withOldProbeReads(code: Uint8Array, plan: LoadPlan): Uint8Array {
  const copy = code.slice();
  const view = new CodeView(copy, plan.byteOrder);
  for (let at = 0; at < view.length; at += view.width(at)) {
    if (view.opcode(at) !== OP_CALL || view.src(at) !== 0) continue;
    view.setImm(at, OLD_HELPERS.get(view.imm(at)) ?? view.imm(at));
  }
  return copy;
}
