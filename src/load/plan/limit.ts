/**
 * A plan for an older kernel: what that kernel does not support is left out, where the programs mean the
 * same without it, and everything that was left out is reported.
 *
 * Separate from planning, because nearly every load succeeds without it: `loadObject` probes the kernel only
 * after a refusal.
 */

import type { Btf } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { platformError, quote } from '../../diag/index.ts';
import { BPF_PSEUDO_FUNC, CodeView, OP_CALL, OP_LD_IMM64 } from '../../isa/index.ts';
import { FEATURES, type Feature, mayHave, type Sys } from '../../kernel/index.ts';
import { BPF_F_LINK, BPF_F_MMAPABLE } from '../../uapi/index.ts';
import { encodeTypes } from './btf.ts';
import { tagsContexts, withContextTypes } from './context-arguments.ts';
import { globalsKind } from './maps.ts';
import type { LoadPlan, MapPlan, ProgramPlan } from './plan.ts';
import { encodeFuncInfo, encodeLineInfo } from './records.ts';
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

/** Features that the kernel certainly lacks. */
export type Lacks = ReadonlySet<Feature>;

/** What the kernel lacks of all that a plan could do without; with a plan, only what it has a use for. */
export function findLacks(sys: Sys, plan?: LoadPlan): Lacks {
  const asked = ASKED.filter(feature => plan === undefined || (USES.get(feature)?.(plan) ?? true));
  return new Set(asked.filter(feature => !mayHave(sys, feature)));
}

/** Whether a plan has a use for a feature; the others are used by nearly all. */
const USES = new Map<Feature, (plan: LoadPlan) => boolean>([
  ['operationsLink', plan => plan.maps.some(isLinkedTable)],
  ['jumpTables', plan => plan.programs.some(program => program.jumpTables.length > 0)],
  ['contextTags', ({ types }) => types !== null && tagsContexts(types)],
  ['globalPointers', ({ types }) => types !== null && hasGlobalPointers(types)],
  ['functionPointers', plan => plan.programs.some(program => callbackOf(program, plan) !== undefined)],
]);

function hasGlobalPointers(types: Btf): boolean {
  for (let id = 1; id <= types.count; id++) {
    const type = types.type(id);
    if (type.kind === 'func' && type.linkage === 'global' && pointsElsewhere(types, type)) return true;
  }
  return false;
}

/** The first function whose address a program takes. */
function callbackOf(program: ProgramPlan, plan: LoadPlan): string | undefined {
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
  const texts = plan.programs.flatMap(program => program.lines.flatMap(line => [line.file, line.text]));
  const encoded = types === null ? null : encodeTypes(types, texts, plan.byteOrder);
  const programs = plan.programs.map(program =>
    limitProgram(program, plan, encoded?.offsetOf ?? null, lacks),
  );
  const maps = plan.maps.map(map => limitMap(map, encoded !== null, lacks));
  return {
    plan: { ...plan, types, btf: encoded?.bytes ?? null, maps, programs },
    notes: [...lacks].sort().map(feature => `${WORDS.get(feature) ?? feature} (Linux ${FEATURES[feature]})`),
  };
}

const WORDS = new Map<Feature, string>([
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
    const callback = callbackOf(program, plan);
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
  const withoutAttachType = lacks.has('expectedAttachType') && program.type.attachTypeOptional;
  return {
    ...program,
    kernelName: lacks.has('objectNames') ? '' : program.kernelName,
    type: withoutAttachType ? { ...program.type, expectedAttachType: 0 } : program.type,
    code: lacks.has('probeReadKernel') ? withOldProbeReads(program.code, plan) : program.code,
    funcInfo,
    lineInfo:
      funcInfo === null || offsetOf === null ? null : encodeLineInfo(program.lines, offsetOf, plan.byteOrder),
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
