/**
 * Parts of values that belong to the kernel: locks, timers, lists, trees, counted pointers. The kernel finds them
 * by the types of a map's value, and only the kernel may write them.
 */

import { type Btf, type BtfId, resolvedType } from '../../btf/index.ts';

/** Structs in values whose bytes belong to the kernel. */
const KERNEL_FIELDS: ReadonlySet<string> = new Set([
  'bpf_spin_lock',
  'bpf_res_spin_lock',
  'bpf_timer',
  'bpf_wq',
  'bpf_task_work',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'bpf_refcount',
]);

/** Tags of pointers whose targets the kernel counts. */
const KERNEL_POINTERS: ReadonlySet<string> = new Set(['kptr', 'kptr_untrusted', 'percpu_kptr', 'uptr']);

/** The first thing in a type that only the kernel may write, by name; undefined when there is none. */
export function kernelFieldOf(btf: Btf, id: BtfId): string | undefined {
  const seen = new Set<BtfId>([id]);
  for (const current of seen) {
    const type = resolvedType(btf, current);
    if (type?.kind === 'var') seen.add(type.type);
    else if (type?.kind === 'array') seen.add(type.element);
    else if (type?.kind === 'datasec') for (const entry of type.vars) seen.add(entry.type);
    else if (type?.kind === 'ptr') {
      const target = type.type === 0 ? undefined : btf.type(type.type);
      if (target?.kind === 'type_tag' && KERNEL_POINTERS.has(target.name))
        return `pointer tagged ${target.name}`;
    } else if (type?.kind === 'struct' || type?.kind === 'union') {
      if (KERNEL_FIELDS.has(type.name)) return type.name;
      for (const member of type.members) seen.add(member.type);
    }
  }
  return undefined;
}
