/**
 * C of objects that are compiled against all types of the running kernel, as CO-RE programs are: each one's types are
 * the same few hundred or thousand kernel types and a few of its own. Separate from the chains of templates, whose
 * objects differ in their numbers only.
 */

const COUNT = 100;

/** Structs with large graphs of types, which most kernels have. */
const LARGE = [
  'task_struct',
  'sk_buff',
  'net_device',
  'sock',
  'tcp_sock',
  'file',
  'inode',
  'dentry',
  'super_block',
  'mm_struct',
  'vm_area_struct',
  'page',
  'cgroup',
  'nsproxy',
  'cred',
  'pid',
  'module',
  'rq',
  'bio',
  'request',
  'block_device',
];

/** Names of C files with their text. `header` is the text of vmlinux.h. */
export type Sources = ReadonlyMap<string, string>;

/** 100 objects, each with the graphs of four structs: about 800 types. */
export function objectsWithSomeTypes(header: string): Sources {
  const large = LARGE.filter(name => header.includes(`\nstruct ${name} {`));
  const random = randomOf(7);
  return numbered(index => objectOf(index, pick(large, 4, random).map(programOfStruct(index))));
}

/** 100 objects, each with the graphs of two hundred structs: about 2,900 types. */
export function objectsWithManyTypes(header: string): Sources {
  const large = LARGE.filter(name => header.includes(`\nstruct ${name} {`));
  const names = [...header.matchAll(/^struct (\w+) \{/gm)].flatMap(([, name = '']) =>
    name.startsWith('__') || large.includes(name) ? [] : [name],
  );
  const random = randomOf(11);
  return numbered(index => objectOf(index, [programOfSizes(index, [...large, ...pick(names, 180, random)])]));
}

/** One object with 20,000 functions, and one that calls it. */
export function objectWithManyFunctions(): Sources {
  const functions = Array.from(
    { length: 20_000 },
    (_, n) =>
      `__noinline int fn_${n}(int a) { g[${n % 64}] += a; return a * ${(n % 97) + 3} + g[${(n * 7) % 64}]; }`,
  );
  const head =
    '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nchar _license[] SEC("license") = "GPL";\n';
  const first = `${head}int g[64];\n${functions.join('\n')}\n${xdpProgram('first', 'fn_0')}`;
  const second = `${head}extern int fn_1(int a);\n${xdpProgram('second', 'fn_1')}`;
  return new Map([
    ['first.bpf.c', first],
    ['second.bpf.c', second],
  ]);
}

function xdpProgram(name: string, called: string): string {
  return `SEC("xdp") int ${name}(struct xdp_md *context) { return ${called}(1) & 3; }\n`;
}

function numbered(source: (index: number) => string): Sources {
  return new Map(
    Array.from({ length: COUNT }, (_, index) => [`k${String(index).padStart(3, '0')}.bpf.c`, source(index)]),
  );
}

/** Object `index` of a chain: a map with a value of its own, and a function that calls that of the next object. */
function objectOf(index: number, programs: readonly string[]): string {
  const isLast = index === COUNT - 1;
  return [
    '#include "vmlinux.h"',
    '#include <bpf/bpf_helpers.h>',
    '#include <bpf/bpf_core_read.h>',
    'char _license[] SEC("license") = "GPL";',
    `struct event_${index} { u32 pid; u64 time; char name[16]; u32 count_${index}; };`,
    'struct {',
    '\t__uint(type, BPF_MAP_TYPE_HASH);',
    '\t__uint(max_entries, 1024);',
    '\t__type(key, u32);',
    `\t__type(value, struct event_${index});`,
    `} events_${index} SEC(".maps");`,
    ...(isLast ? [] : [`extern int work_${index + 1}(struct task_struct *task, int depth);`]),
    `__noinline int work_${index}(struct task_struct *task, int depth)`,
    '{',
    '\tu32 key = depth;',
    `\tstruct event_${index} *event = bpf_map_lookup_elem(&events_${index}, &key);`,
    '\tif (event)',
    `\t\tevent->count_${index} += BPF_CORE_READ(task, pid);`,
    `\treturn ${isLast ? 'depth' : `work_${index + 1}(task, depth + 1)`};`,
    '}',
    ...programs,
    '',
  ].join('\n');
}

/** A program with CO-RE records of every common kind for one struct. */
function programOfStruct(index: number): (name: string, number: number) => string {
  return (name, number) =>
    [
      `SEC("raw_tp/sched_switch") int program_${index}_${number}(u64 *context)`,
      '{',
      `\tstruct ${name} *other = (void *)context[1];`,
      '\tstruct task_struct *task = (void *)bpf_get_current_task();',
      '\tif (bpf_core_field_exists(struct task_struct, pid))',
      `\t\treturn work_${index}(task, bpf_core_type_size(struct ${name}));`,
      `\treturn other ? bpf_core_type_id_kernel(struct ${name}) : 0;`,
      '}',
    ].join('\n');
}

function programOfSizes(index: number, names: readonly string[]): string {
  return [
    `SEC("raw_tp/sched_switch") int program_${index}(u64 *context)`,
    '{',
    '\tint size = 0;',
    ...names.map(name => `\tsize += bpf_core_type_size(struct ${name});`),
    `\treturn work_${index}((void *)bpf_get_current_task(), size);`,
    '}',
  ].join('\n');
}

/** The same numbers below `limit` in every run. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
}

/** `count` different ones of `names`. */
function pick(names: readonly string[], count: number, random: (limit: number) => number): string[] {
  const left = [...names];
  return Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(random(left.length), 1),
  ).flat();
}
