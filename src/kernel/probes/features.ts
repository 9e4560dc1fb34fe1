/**
 * Feature probes of this kernel.
 *
 * Version numbers do not suffice: distributions backport. A result is supported, unsupported, or unknown
 * (missing privileges, for example); unknown is never cached and never treated as unsupported.
 */

import { BtfBuilder, type BtfType, encodeBtf, INT } from '../../btf/index.ts';
import {
  add,
  BPF_DW,
  BPF_FUNC_GET_ATTACH_COOKIE,
  BPF_FUNC_KTIME_GET_COARSE_NS,
  BPF_FUNC_PROBE_READ_KERNEL,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_VALUE,
  callFunction,
  callHelper,
  copy,
  EXIT,
  encodeInsns,
  type Insn,
  loadWords,
  move,
  storeImmediate,
} from '../../isa/index.ts';
import * as shared from '../../uapi/index.ts';
import { EACCES, EAGAIN, EMFILE, ENFILE, ENOMEM, ENOTSUPP, EPERM, errnoText } from '../../uapi/index.ts';
import {
  BpfProgram,
  type MapSpec,
  type ProgramSpec,
  tryCreateMap,
  tryLoadBtf,
  tryLoadProgram,
} from '../objects/index.ts';
import type { Sys } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';

/** Whether the kernel has a feature. */
export type FeatureAnswer =
  | { readonly state: 'yes' }
  | { readonly state: 'no' }
  /** The question could not be asked. */
  | { readonly state: 'unknown'; readonly reason: string; readonly errno: number };

/** Everything that can be requested, with the first release of Linux that has it. */
export const FEATURES = {
  btf: '4.18',
  btfFunctions: '5.0',
  btfDataSections: '5.2',
  btfGlobalFunctions: '5.6',
  /** Global functions may have parameters that point to something else than a context. */
  globalPointers: '5.12',
  /** Functions whose address is passed to helpers (callbacks). */
  functionPointers: '5.13',
  btfFloat: '5.13',
  btfDeclTag: '5.16',
  btfTypeTag: '5.17',
  btfEnum64: '6.0',
  objectNames: '4.15',
  globalData: '5.2',
  mappableArrays: '5.5',
  expectedAttachType: '4.17',
  probeReadKernel: '5.5',
  bindMap: '5.10',
  attachCookie: '5.15',
  /** Memory counts for the cgroup, not for RLIMIT_MEMLOCK. */
  cgroupMemory: '5.11',
  ringBuffer: '5.8',
  xdpFrags: '5.18',
  /** struct_ops maps are attached by a link. */
  operationsLink: '6.4',
  /** Parameters of global functions are contexts by their tag, whatever their type. */
  contextTags: '6.8',
  /** Maps of instructions, and `gotox`. */
  jumpTables: '6.19',
} as const;

/** A name of `FEATURES`. */
export type Feature = keyof typeof FEATURES;

const answers = new WeakMap<Sys, Map<Feature, FeatureAnswer>>();

/** Whether the kernel has a feature. Answers other than "unknown" are remembered. */
export function probeFeature(sys: Sys, feature: Feature): FeatureAnswer {
  const known = answers.get(sys)?.get(feature);
  if (known !== undefined) return known;
  const answer = PROBES[feature](sys);
  if (answer.state !== 'unknown') {
    const cache = answers.get(sys) ?? new Map<Feature, FeatureAnswer>();
    cache.set(feature, answer);
    answers.set(sys, cache);
  }
  return answer;
}

/**
 * True unless the kernel certainly lacks it: an unknown feature is used, and the error of its use is
 * reported.
 */
export function mayHave(sys: Sys, feature: Feature): boolean {
  return probeFeature(sys, feature).state !== 'no';
}

/** Errors that are not caused by a missing feature. */
const SILENT: ReadonlySet<number> = new Set([EPERM, EACCES, ENOMEM, EAGAIN, EMFILE, ENFILE]);

/** The question could not be asked: a call failed with this errno. */
export function unanswered(errno: number): FeatureAnswer {
  return { state: 'unknown', reason: errnoText(errno), errno };
}

/** EPERM and the like do not depend on the feature. */
export function answerOf(sys: Sys, result: number): FeatureAnswer {
  if (result >= 0) {
    sys.syscall('close', result);
    return { state: 'yes' };
  }
  const errno = -result;
  return !SILENT.has(errno) ? { state: 'no' } : unanswered(errno);
}

const RETURN_0 = [move(0, 0), EXIT];

function program(insns: readonly Insn[], fields: Partial<ProgramSpec> = {}): ProgramSpec {
  return {
    name: '',
    type: shared.BPF_PROG_TYPE_SOCKET_FILTER,
    license: 'GPL',
    code: encodeInsns(insns, HOST_ORDER),
    ...fields,
  };
}

function tryProgram(sys: Sys, insns: readonly Insn[], fields: Partial<ProgramSpec> = {}): FeatureAnswer {
  const result = tryLoadProgram(sys, program(insns, fields));
  if (result.kind === 'refused') return answerOf(sys, -result.errno);
  result.fd.close();
  return { state: 'yes' };
}

function tryMap(sys: Sys, fields: Partial<MapSpec>): FeatureAnswer {
  const spec = {
    name: '',
    type: shared.BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: 4,
    maxEntries: 1,
    ...fields,
  };
  return answerOf(sys, tryCreateMap(sys, spec));
}

function tryTypes(sys: Sys, types: readonly BtfType[]): FeatureAnswer {
  const builder = new BtfBuilder();
  for (const type of types) builder.add(type);
  return answerOf(sys, tryLoadBtf(sys, encodeBtf(builder.build(), HOST_ORDER)));
}

const PROTO: BtfType = { kind: 'func_proto', returns: 0, params: [{ name: 'a', type: 1 }] };
const VAR: BtfType = { kind: 'var', name: 'x', type: 1, linkage: 'static' };

/** A program that reads a map value directly, as globals are read. */
function probeGlobalData(sys: Sys): FeatureAnswer {
  const map = tryCreateMap(sys, {
    name: '',
    type: shared.BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: 32,
    maxEntries: 1,
  });
  if (map < 0) return unanswered(-map);
  try {
    return tryProgram(sys, [
      ...loadWords(1, BPF_PSEUDO_MAP_VALUE, map, 16),
      storeImmediate(BPF_DW, 1, 0, 42),
      ...RETURN_0,
    ]);
  } finally {
    sys.syscall('close', map);
  }
}

function probeBindMap(sys: Sys): FeatureAnswer {
  const map = tryCreateMap(sys, {
    name: '',
    type: shared.BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: 32,
    maxEntries: 1,
  });
  if (map < 0) return unanswered(-map);
  const loaded = tryLoadProgram(sys, program(RETURN_0));
  try {
    if (loaded.kind === 'refused') return unanswered(loaded.errno);
    const result = new BpfProgram(sys, loaded.fd, '', shared.BPF_PROG_TYPE_SOCKET_FILTER).tryBindMap(map);
    return result >= 0 ? { state: 'yes' } : answerOf(sys, result);
  } finally {
    if (loaded.kind === 'loaded') loaded.fd.close();
    sys.syscall('close', map);
  }
}

/** A table of a type that is none: kernels that know the flag look for the type, others refuse the flag. */
function probeOperationsLink(sys: Sys): FeatureAnswer {
  const result = tryCreateMap(sys, {
    name: '',
    type: shared.BPF_MAP_TYPE_STRUCT_OPS,
    keySize: 4,
    valueSize: 4,
    maxEntries: 1,
    flags: shared.BPF_F_LINK,
    vmlinuxValueTypeId: 1,
  });
  return result === -ENOTSUPP ? { state: 'yes' } : answerOf(sys, result);
}

/** bpf_probe_read_kernel(fp - 8, 8, 0) */
const READ_KERNEL = [
  copy(1, 10),
  add(1, -8),
  move(2, 8),
  move(3, 0),
  callHelper(BPF_FUNC_PROBE_READ_KERNEL),
  ...RETURN_0,
];

/** `main`, which takes nothing, and after its instructions `f`, which points somewhere. */
function tryTwoFunctions(sys: Sys, main: readonly Insn[], linkage: 'static' | 'global'): FeatureAnswer {
  const builder = new BtfBuilder();
  const number = builder.add(INT);
  const struct = builder.add({
    kind: 'struct',
    name: 's',
    size: 4,
    members: [{ name: 'm', type: number, bitOffset: 0, bitSize: 0 }],
  });
  const pointer = builder.add({ kind: 'ptr', type: struct });
  const plain = builder.add({ kind: 'func_proto', returns: number, params: [] });
  const pointing = builder.add({
    kind: 'func_proto',
    returns: number,
    params: [{ name: 'p', type: pointer }],
  });
  const first = builder.add({ kind: 'func', name: 'main', type: plain, linkage: 'static' });
  const second = builder.add({ kind: 'func', name: 'f', type: pointing, linkage });
  const btf = tryLoadBtf(sys, encodeBtf(builder.build(), HOST_ORDER));
  if (btf < 0) return answerOf(sys, btf);
  try {
    const funcInfo = new Uint8Array(Uint32Array.of(0, first, main.length, second).buffer);
    return tryProgram(sys, [...main, ...RETURN_0], { btfFd: btf, funcInfo });
  } finally {
    sys.syscall('close', btf);
  }
}

/** f(fp - 8) */
const CALL_WITH_POINTER = [
  storeImmediate(BPF_DW, 10, -8, 0),
  copy(1, 10),
  add(1, -8),
  callFunction(RETURN_0.length),
  ...RETURN_0,
];
/** r1 = f */
const TAKE_ADDRESS = [...loadWords(1, BPF_PSEUDO_FUNC, RETURN_0.length + 1), ...RETURN_0];

/** A global function whose parameter only its tag makes a context. */
function probeContextTags(sys: Sys): FeatureAnswer {
  const builder = new BtfBuilder();
  const number = builder.add(INT);
  const pointer = builder.add({ kind: 'ptr', type: 0 });
  const proto = builder.add({
    kind: 'func_proto',
    returns: number,
    params: [{ name: 'context', type: pointer }],
  });
  const first = builder.add({ kind: 'func', name: 'main', type: proto, linkage: 'static' });
  const second = builder.add({ kind: 'func', name: 'f', type: proto, linkage: 'global' });
  builder.add({ kind: 'decl_tag', name: 'arg:ctx', type: second, component: 0, attribute: false });
  const btf = tryLoadBtf(sys, encodeBtf(builder.build(), HOST_ORDER));
  if (btf < 0) return answerOf(sys, btf);
  try {
    const main = [callFunction(RETURN_0.length), ...RETURN_0];
    const funcInfo = new Uint8Array(Uint32Array.of(0, first, main.length, second).buffer);
    return tryProgram(sys, [...main, ...RETURN_0], { btfFd: btf, funcInfo });
  } finally {
    sys.syscall('close', btf);
  }
}

/** Since which Linux an instruction can hold the address of a kernel function, by its BTF id. */
export const FUNCTION_ADDRESS_SINCE = '6.4';

/** Whether the kernel fills in the address of this function. `btfFd` is 0 for vmlinux, else its module's BTF. */
export function probeFunctionAddress(sys: Sys, btfId: number, btfFd: number): FeatureAnswer {
  return tryProgram(sys, [...loadWords(1, BPF_PSEUDO_BTF_ID, btfId, btfFd), ...RETURN_0]);
}

const PROBES: Readonly<Record<Feature, (sys: Sys) => FeatureAnswer>> = {
  jumpTables: sys => tryMap(sys, { type: shared.BPF_MAP_TYPE_INSN_ARRAY, valueSize: 16 }),
  btf: sys => tryTypes(sys, [INT]),
  btfFunctions: sys => tryTypes(sys, [INT, PROTO, { kind: 'func', name: 'f', type: 2, linkage: 'static' }]),
  btfGlobalFunctions: sys =>
    tryTypes(sys, [INT, PROTO, { kind: 'func', name: 'f', type: 2, linkage: 'global' }]),
  globalPointers: sys => tryTwoFunctions(sys, CALL_WITH_POINTER, 'global'),
  functionPointers: sys => tryTwoFunctions(sys, TAKE_ADDRESS, 'static'),
  btfDataSections: sys =>
    tryTypes(sys, [
      INT,
      VAR,
      { kind: 'datasec', name: '.data', size: 4, vars: [{ type: 2, offset: 0, size: 4 }] },
    ]),
  btfFloat: sys => tryTypes(sys, [{ kind: 'float', name: 'float', size: 4 }]),
  btfDeclTag: sys =>
    tryTypes(sys, [INT, VAR, { kind: 'decl_tag', name: 'tag', type: 2, component: -1, attribute: false }]),
  btfTypeTag: sys =>
    tryTypes(sys, [
      INT,
      { kind: 'type_tag', name: 'tag', type: 1, attribute: false },
      { kind: 'ptr', type: 2 },
    ]),
  btfEnum64: sys => tryTypes(sys, [{ kind: 'enum64', name: '', size: 8, signed: false, values: [] }]),
  objectNames: sys => tryProgram(sys, RETURN_0, { name: 'test' }),
  globalData: probeGlobalData,
  mappableArrays: sys => tryMap(sys, { flags: shared.BPF_F_MMAPABLE }),
  expectedAttachType: sys =>
    tryProgram(sys, RETURN_0, {
      type: shared.BPF_PROG_TYPE_CGROUP_SOCK,
      expectedAttachType: shared.BPF_CGROUP_INET_SOCK_CREATE,
    }),
  probeReadKernel: sys => tryProgram(sys, READ_KERNEL, { type: shared.BPF_PROG_TYPE_TRACEPOINT }),
  bindMap: probeBindMap,
  attachCookie: sys =>
    tryProgram(sys, [callHelper(BPF_FUNC_GET_ATTACH_COOKIE), ...RETURN_0], {
      type: shared.BPF_PROG_TYPE_TRACEPOINT,
    }),
  cgroupMemory: sys => tryProgram(sys, [callHelper(BPF_FUNC_KTIME_GET_COARSE_NS), ...RETURN_0]),
  ringBuffer: sys =>
    tryMap(sys, { type: shared.BPF_MAP_TYPE_RINGBUF, keySize: 0, valueSize: 0, maxEntries: 4096 * 16 }),
  xdpFrags: sys =>
    tryProgram(sys, RETURN_0, { type: shared.BPF_PROG_TYPE_XDP, flags: shared.BPF_F_XDP_HAS_FRAGS }),
  operationsLink: probeOperationsLink,
  contextTags: probeContextTags,
};
