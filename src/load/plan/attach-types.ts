/**
 * Types of the kernel that programs attach to: functions for fentry, hooks for LSM, tracepoints, iterators.
 *
 * The section specifies the name, the attach type its form in the kernel's BTF. Mirrors
 * libbpf_find_vmlinux_btf_id().
 */

import { inputError, platformError, quote } from '../../diag/index.ts';
import { type BpfObject, type ProgramType, sectionTextOf } from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import type { KernelTypes } from '../externs/index.ts';
import type { AttachPlan } from './plan.ts';
import { type ProgramOptions, wantedPrograms } from './programs.ts';
import type { Operations } from './struct-ops.ts';

/**
 * Looks up the targets of all programs that will be loaded and have none in `operations` or of their own
 * (`targets`).
 */
export function findAttachTypes(
  object: BpfObject,
  types: KernelTypes,
  operations: Operations,
  options: ProgramOptions & { readonly targets?: ReadonlyMap<string, unknown> },
): Map<string, AttachPlan> {
  const { targets = new Map<string, unknown>() } = options;
  const found = new Map<string, AttachPlan>(operations.programs);
  for (const { program, type } of wantedPrograms(object, operations, options)) {
    if (type === undefined) continue;
    if (!needsTarget(type) || found.has(program.name) || targets.has(program.name)) continue;
    const where = [object.name, `program ${quote(program.name)}`];
    found.set(program.name, findAttachType(types, type, where, program.name));
  }
  return found;
}

function needsTarget(type: ProgramType): boolean {
  return type.attachBtf || type.progType === uapi.BPF_PROG_TYPE_STRUCT_OPS;
}

function findAttachType(
  types: KernelTypes,
  type: ProgramType,
  where: readonly string[],
  program: string,
): AttachPlan {
  if (type.progType === uapi.BPF_PROG_TYPE_EXT) {
    throw inputError('load-no-target', where, 'replaces a function of a loaded program, and none is given', {
      hint:
        'the option "targets" of loadObject() specifies the function; ' +
        '"rootlet replace NAME SLOT=FILE" replaces functions of a rootlet that is attached',
    });
  }
  if (type.progType === uapi.BPF_PROG_TYPE_STRUCT_OPS) {
    throw inputError('load-no-target', where, 'is a struct_ops program, but not in a struct_ops map', {
      hint: 'name it in a variable in SEC(".struct_ops.link"), or mark it SEC("?struct_ops/…")',
    });
  }
  const { extra, section } = sectionTextOf(type);
  if (extra === '') {
    throw inputError(
      'load-no-target',
      where,
      `section ${quote(section)} does not specify what to attach to`,
      {
        hint: `write SEC("${section}/NAME"), or give --type ${program}=${section}/NAME`,
      },
    );
  }
  const { prefix, kind } = formOf(type.expectedAttachType);
  const name = prefix + extra;
  const vmlinux = types.vmlinux();
  for (const target of [
    vmlinux,
    ...(vmlinux.types.exact(name, kind).length > 0 ? [] : types.modules(name)),
  ]) {
    const [btfId] = target.types.exact(name, kind);
    if (btfId !== undefined) return { btfId, btfObject: target.btfObject };
  }
  throw platformError('load-target-absent', where, `this kernel has no ${quote(extra)} to attach to`, {
    hint: `looked for ${name} in the types of the kernel and its modules`,
  });
}

function formOf(attachType: number): { prefix: string; kind: number } {
  switch (attachType) {
    case uapi.BPF_TRACE_RAW_TP:
      return { prefix: 'btf_trace_', kind: BTF_KIND.TYPEDEF };
    case uapi.BPF_LSM_MAC:
    case uapi.BPF_LSM_CGROUP:
      return { prefix: 'bpf_lsm_', kind: BTF_KIND.FUNC };
    case uapi.BPF_TRACE_ITER:
      return { prefix: 'bpf_iter_', kind: BTF_KIND.FUNC };
    default:
      return { prefix: '', kind: BTF_KIND.FUNC };
  }
}
