/**
 * Which program and map types this kernel supports, probed with the smallest program and map of each.
 *
 * Three results, as for features; for types that need a target, an error that proves that the type is known
 * counts as supported, as in libbpf's probes.
 */

import { BtfBuilder, encodeBtf, INT } from '../../btf/index.ts';
import { EXIT, encodeInsns, move } from '../../isa/index.ts';
import * as types from '../../uapi/index.ts';
import { BPF_LINK_CREATE, EACCES, EBADF, EINVAL, ENODEV, ENOTSUPP, EPERM } from '../../uapi/index.ts';
import {
  type MapSpec,
  type ProgramSpec,
  tryCreateMap,
  tryLoadBtf,
  tryLoadProgram,
} from '../objects/index.ts';
import { bpf, encodeU32s, pageSize, type Sys } from '../sys/index.ts';
import { encodeAttr, HOST_ORDER, LinkCreateAttr } from '../uapi/index.ts';
import { answerOf, type FeatureAnswer, unanswered } from './features.ts';

/** r0 = 0; exit */
const RETURN_0 = encodeInsns([move(0, 0), EXIT], HOST_ORDER);

/** What a probe of a program type needs beyond two instructions. */
type ProgramExtras = Partial<ProgramSpec> & {
  /** A refusal with this errno and text in the log proves that the type is known. */
  readonly proof?: { readonly errno: number; readonly text: string };
};

const NEEDS_FUNCTION = { errno: EINVAL, text: 'attach_btf_id 1 is not a function' };

const PROGRAM_EXTRAS: ReadonlyMap<number, ProgramExtras> = new Map<number, ProgramExtras>([
  [types.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, { expectedAttachType: types.BPF_CGROUP_INET4_CONNECT }],
  [types.BPF_PROG_TYPE_CGROUP_SOCKOPT, { expectedAttachType: types.BPF_CGROUP_GETSOCKOPT }],
  [types.BPF_PROG_TYPE_SK_LOOKUP, { expectedAttachType: types.BPF_SK_LOOKUP }],
  [types.BPF_PROG_TYPE_NETFILTER, { expectedAttachType: types.BPF_NETFILTER }],
  [types.BPF_PROG_TYPE_SYSCALL, { flags: types.BPF_F_SLEEPABLE }],
  [
    types.BPF_PROG_TYPE_TRACING,
    { expectedAttachType: types.BPF_TRACE_FENTRY, attachBtfId: 1, proof: NEEDS_FUNCTION },
  ],
  [types.BPF_PROG_TYPE_LSM, { expectedAttachType: types.BPF_LSM_MAC, attachBtfId: 1, proof: NEEDS_FUNCTION }],
  [
    types.BPF_PROG_TYPE_EXT,
    { attachBtfId: 1, proof: { errno: EINVAL, text: 'Cannot replace kernel functions' } },
  ],
  [types.BPF_PROG_TYPE_STRUCT_OPS, { attachBtfId: 1, proof: { errno: ENOTSUPP, text: '' } }],
]);

/** Whether programs of a type can be loaded. */
export function probeProgramType(sys: Sys, progType: number): FeatureAnswer {
  const { proof, ...extras } = PROGRAM_EXTRAS.get(progType) ?? {};
  const spec: ProgramSpec = { name: '', type: progType, code: RETURN_0, license: 'GPL', ...extras };
  const result = tryLoadProgram(sys, spec, proof === undefined ? 0 : 1, proof === undefined ? 0 : 4096);
  if (result.kind === 'loaded') {
    result.fd.close();
    return { state: 'yes' };
  }
  if (proof !== undefined && result.errno === proof.errno && result.log.includes(proof.text))
    return { state: 'yes' };
  return answerOf(sys, -result.errno);
}

const STORAGE: Partial<MapSpec> = { maxEntries: 0, flags: types.BPF_F_NO_PREALLOC };

const MAP_EXTRAS: ReadonlyMap<number, Partial<MapSpec>> = new Map<number, Partial<MapSpec>>([
  [types.BPF_MAP_TYPE_STACK_TRACE, { valueSize: 8 }],
  [types.BPF_MAP_TYPE_LPM_TRIE, { keySize: 8, valueSize: 8, flags: types.BPF_F_NO_PREALLOC }],
  [types.BPF_MAP_TYPE_CGROUP_STORAGE, { keySize: 16, valueSize: 8, maxEntries: 0 }],
  [types.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, { keySize: 16, valueSize: 8, maxEntries: 0 }],
  [types.BPF_MAP_TYPE_QUEUE, { keySize: 0 }],
  [types.BPF_MAP_TYPE_STACK, { keySize: 0 }],
  [types.BPF_MAP_TYPE_BLOOM_FILTER, { keySize: 0 }],
  [types.BPF_MAP_TYPE_RINGBUF, { keySize: 0, valueSize: 0, maxEntries: pageSize() }],
  [types.BPF_MAP_TYPE_USER_RINGBUF, { keySize: 0, valueSize: 0, maxEntries: pageSize() }],
  [types.BPF_MAP_TYPE_SK_STORAGE, STORAGE],
  [types.BPF_MAP_TYPE_INODE_STORAGE, STORAGE],
  [types.BPF_MAP_TYPE_TASK_STORAGE, STORAGE],
  [types.BPF_MAP_TYPE_CGRP_STORAGE, STORAGE],
  [types.BPF_MAP_TYPE_ARENA, { keySize: 0, valueSize: 0, maxEntries: 1, flags: types.BPF_F_MMAPABLE }],
  [types.BPF_MAP_TYPE_INSN_ARRAY, { valueSize: 16 }],
  [types.BPF_MAP_TYPE_STRUCT_OPS, { vmlinuxValueTypeId: 1 }],
]);

/** Whether maps of a type can be created. */
export function probeMapType(sys: Sys, mapType: number): FeatureAnswer {
  const extras = MAP_EXTRAS.get(mapType) ?? {};
  const base: MapSpec = { name: '', type: mapType, keySize: 4, valueSize: 4, maxEntries: 1, ...extras };
  if (extras === STORAGE)
    return withTypes(sys, btfFd =>
      answerOf(sys, tryCreateMap(sys, { ...base, btfFd, keyTypeId: 1, valueTypeId: 1 })),
    );
  if (mapType === types.BPF_MAP_TYPE_ARRAY_OF_MAPS || mapType === types.BPF_MAP_TYPE_HASH_OF_MAPS) {
    return withInner(sys, innerMapFd => answerOf(sys, tryCreateMap(sys, { ...base, innerMapFd })));
  }
  const result = tryCreateMap(sys, base);
  // Type 1 of the kernel is not one of its operations: known, but not this one.
  if (mapType === types.BPF_MAP_TYPE_STRUCT_OPS && result === -ENOTSUPP) return { state: 'yes' };
  return answerOf(sys, result);
}

function withTypes(sys: Sys, body: (btfFd: number) => FeatureAnswer): FeatureAnswer {
  const builder = new BtfBuilder();
  builder.add(INT);
  return withFd(sys, tryLoadBtf(sys, encodeBtf(builder.build(), HOST_ORDER)), body);
}

function withInner(sys: Sys, body: (innerFd: number) => FeatureAnswer): FeatureAnswer {
  const inner = { name: '', type: types.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1 };
  return withFd(sys, tryCreateMap(sys, inner), body);
}

function withFd(sys: Sys, fd: number, body: (fd: number) => FeatureAnswer): FeatureAnswer {
  if (fd < 0) return unanswered(-fd);
  try {
    return body(fd);
  } finally {
    sys.syscall('close', fd);
  }
}

/**
 * Whether functions of loaded programs can be replaced: a program is loaded and its own entry "replaced" (not
 * attached). "Not permitted" counts as unsupported here, with a reason: some kernels refuse it even with all
 * privileges.
 */
export function probeReplacement(sys: Sys): FeatureAnswer {
  const builder = new BtfBuilder();
  builder.add(INT);
  const context = builder.add({
    kind: 'struct',
    name: 'xdp_md',
    size: 4,
    members: [{ name: 'data', type: 1, bitOffset: 0, bitSize: 0 }],
  });
  const pointer = builder.add({ kind: 'ptr', type: context });
  const proto = builder.add({ kind: 'func_proto', returns: 1, params: [{ name: 'ctx', type: pointer }] });
  const func = builder.add({ kind: 'func', name: 'entry', type: proto, linkage: 'global' });
  const bytes = encodeBtf(builder.build(), HOST_ORDER);
  return withFd(sys, tryLoadBtf(sys, bytes), btfFd => {
    const funcInfo = encodeU32s([0, func]);
    const common = { name: 'entry', code: RETURN_0, license: 'GPL', btfFd, funcInfo };
    const target = tryLoadProgram(sys, { ...common, type: types.BPF_PROG_TYPE_XDP });
    if (target.kind === 'refused') return unanswered(target.errno);
    const spec = { ...common, type: types.BPF_PROG_TYPE_EXT, attachBtfId: func, attachFd: target.fd.number };
    const result = tryLoadProgram(sys, spec);
    target.fd.close();
    if (result.kind === 'refused') return answerOf(sys, -result.errno);
    result.fd.close();
    return { state: 'yes' };
  });
}

/**
 * Kinds of attachments that can be distinguished by a refusal: the kernel names what is wrong with the
 * target.
 */
const LINK_PROBES = {
  cgroup: {
    attachType: types.BPF_CGROUP_INET_EGRESS,
    progType: types.BPF_PROG_TYPE_CGROUP_SKB,
    target: 0xffffffff,
    proof: EBADF,
  },
  perfEvent: {
    attachType: types.BPF_PERF_EVENT,
    progType: types.BPF_PROG_TYPE_TRACEPOINT,
    target: 0xffffffff,
    proof: EBADF,
  },
  tcx: {
    attachType: types.BPF_TCX_INGRESS,
    progType: types.BPF_PROG_TYPE_SCHED_CLS,
    target: 0x7fffffff,
    proof: ENODEV,
  },
  netkit: {
    attachType: types.BPF_NETKIT_PRIMARY,
    progType: types.BPF_PROG_TYPE_SCHED_CLS,
    target: 0x7fffffff,
    proof: ENODEV,
  },
} as const;

export type LinkProbe = keyof typeof LINK_PROBES;
export const LINK_PROBE_NAMES = Object.keys(LINK_PROBES) as readonly LinkProbe[]; // the keys of a constant

/** Whether a kind of attachment exists; nothing is attached. */
export function probeLink(sys: Sys, kind: LinkProbe): FeatureAnswer {
  const { attachType, progType, target, proof } = LINK_PROBES[kind];
  const isTc = progType === types.BPF_PROG_TYPE_SCHED_CLS;
  const spec = {
    name: '',
    type: progType,
    code: RETURN_0,
    license: 'GPL',
    expectedAttachType: isTc ? attachType : 0,
  };
  const program = tryLoadProgram(sys, spec);
  if (program.kind === 'refused') return answerOf(sys, -program.errno);
  const attr = encodeAttr(LinkCreateAttr, {
    prog_fd: program.fd.number,
    target_fd: target,
    attach_type: attachType,
  });
  const result = bpf(sys, BPF_LINK_CREATE, attr);
  program.fd.close();
  if (result === -proof) return { state: 'yes' };
  return result === -EPERM || result === -EACCES ? unanswered(-result) : answerOf(sys, result);
}
