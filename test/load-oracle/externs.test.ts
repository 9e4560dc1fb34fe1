/**
 * Externs of the kernel as libbpf binds them: one declaration and one use at a time. Both loaders refuse it, or
 * both give the same values and the same instructions (the tag of the program).
 */

import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { loadObject } from '../../src/load/load.ts';
import { readObject } from '../../src/object/read/read.ts';
import { compileInto, inputFrom } from '../support/compile.ts';
import { missing } from '../support/needs.ts';
import { noOracle, Oracle } from './support-oracle.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const skipped = noOracle('1.1') ?? missing('clang', 'vmlinux-btf') ?? reason;

/**
 * Name → declaration, use (an expression), and what both do. `kernel`: bound by both; kernels without
 * CONFIG_KALLSYMS_ALL refuse it.
 */
const EXTERNS: Readonly<
  Record<string, readonly [declaration: string, use: string, outcome: 'same' | 'refused' | 'kernel']>
> = {
  version: ['extern int LINUX_KERNEL_VERSION __kconfig;', 'LINUX_KERNEL_VERSION', 'same'],
  version_wide: ['extern __u64 LINUX_KERNEL_VERSION __kconfig;', 'LINUX_KERNEL_VERSION', 'same'],
  version_short: ['extern short LINUX_KERNEL_VERSION __kconfig;', 'LINUX_KERNEL_VERSION', 'refused'],
  version_bool: ['extern _Bool LINUX_KERNEL_VERSION __kconfig;', 'LINUX_KERNEL_VERSION', 'refused'],
  version_text: ['extern char LINUX_KERNEL_VERSION[9] __kconfig;', 'LINUX_KERNEL_VERSION[0]', 'refused'],
  cookie: ['extern _Bool LINUX_HAS_BPF_COOKIE __kconfig;', 'LINUX_HAS_BPF_COOKIE', 'same'],
  cookie_int: ['extern int LINUX_HAS_BPF_COOKIE __kconfig __weak;', 'LINUX_HAS_BPF_COOKIE', 'same'],
  cookie_tristate: [
    'extern enum libbpf_tristate LINUX_HAS_BPF_COOKIE __kconfig;',
    'LINUX_HAS_BPF_COOKIE',
    'refused',
  ],
  future: ['extern int LINUX_OF_THE_FUTURE __kconfig;', 'LINUX_OF_THE_FUTURE', 'refused'],
  future_weak: ['extern int LINUX_OF_THE_FUTURE __kconfig __weak;', 'LINUX_OF_THE_FUTURE', 'same'],
  typo: ['extern int CONFG_HZ __kconfig;', 'CONFG_HZ', 'refused'],
  typo_weak: ['extern int CONFG_HZ __kconfig __weak;', 'CONFG_HZ', 'refused'],
  setting: ['extern int CONFIG_HZ __kconfig;', 'CONFIG_HZ', 'same'],
  no_setting: ['extern int CONFIG_NOT_A_SETTING __kconfig;', 'CONFIG_NOT_A_SETTING', 'refused'],
  no_setting_weak: ['extern int CONFIG_NOT_A_SETTING __kconfig __weak;', 'CONFIG_NOT_A_SETTING', 'same'],
  tristate: ['extern enum libbpf_tristate CONFIG_BPF_SYSCALL __kconfig;', 'CONFIG_BPF_SYSCALL', 'same'],
  text_one: ['extern char CONFIG_LOCALVERSION[1] __kconfig __weak;', 'CONFIG_LOCALVERSION[0]', 'same'],
  other_struct: ['struct odd { int x; }; extern struct odd CONFIG_HZ __kconfig;', 'CONFIG_HZ.x', 'refused'],
  other_struct_weak: [
    'struct odd { int x; }; extern struct odd CONFIG_HZ __kconfig __weak;',
    'CONFIG_HZ.x',
    'refused',
  ],
  address: ['extern const void __start_rodata __ksym;', '(__u64)&__start_rodata', 'same'],
  no_address: ['extern const void no_such_symbol __ksym;', '(__u64)&no_such_symbol', 'refused'],
  no_address_weak: ['extern const void no_such_symbol __ksym __weak;', '(__u64)&no_such_symbol', 'same'],
  variable: ['struct rq; extern const struct rq runqueues __ksym;', '(__u64)&runqueues', 'refused'],
  variable_read: [
    'struct rq { int odd; }; extern const struct rq runqueues __ksym;',
    '*(volatile char *)bpf_this_cpu_ptr(&runqueues)',
    'kernel',
  ],
  variable_cpu: [
    'extern const int cpu_number __ksym __weak;',
    '(&cpu_number ? *(int *)bpf_this_cpu_ptr(&cpu_number) : 0)',
    'kernel',
  ],
  variable_type: ['extern const int runqueues __ksym;', '(__u64)&runqueues', 'refused'],
  variable_type_weak: ['extern const int runqueues __ksym __weak;', '(__u64)&runqueues', 'refused'],
  no_variable: ['extern const int no_such_variable __ksym;', '(__u64)&no_such_variable', 'refused'],
  no_variable_weak: ['extern const int no_such_variable __ksym __weak;', '(__u64)&no_such_variable', 'same'],
  function_address: ['extern void bpf_rcu_read_lock(void) __ksym;', '(__u64)bpf_rcu_read_lock', 'same'],
  function_address_weak: [
    'extern void bpf_rcu_read_lock(void) __ksym __weak;',
    '(bpf_rcu_read_lock ? 7 : 8)',
    'same',
  ],
  function_call: [
    'extern void bpf_rcu_read_lock(void) __ksym; extern void bpf_rcu_read_unlock(void) __ksym __weak;',
    '({ bpf_rcu_read_lock(); bpf_rcu_read_unlock(); 1; })',
    'same',
  ],
  no_function: ['extern void no_such_function(void) __ksym;', '(__u64)no_such_function', 'refused'],
  no_function_weak: ['extern void no_such_function(void) __ksym __weak;', '(__u64)no_such_function', 'same'],
  function_type: ['extern int bpf_rcu_read_lock(int x) __ksym;', '(__u64)bpf_rcu_read_lock', 'refused'],
  variable_as_function: ['extern void runqueues(void) __ksym;', '(__u64)runqueues', 'refused'],
  function_as_variable: [
    'extern const int bpf_rcu_read_lock __ksym;',
    '(__u64)&bpf_rcu_read_lock',
    'refused',
  ],
};

const sourceOf = (declaration: string, use: string): string =>
  [
    '#include <linux/bpf.h>',
    '#include <bpf/bpf_helpers.h>',
    declaration,
    'SEC("tc") int prog(struct __sk_buff *skb)',
    '{',
    `\tvolatile __u64 value = ${use};`,
    '\treturn value;',
    '}',
    'char _license[] SEC("license") = "GPL";',
  ].join('\n');

/** What a load came to: values and tags, or the code of the refusal. */
interface Result {
  readonly kconfig: string;
  readonly tags: readonly string[];
}

function ourResult(file: string): Result | string {
  const { name, bytes } = inputFrom(file);
  try {
    using object = loadObject(readObject({ name, bytes }), kernel);
    const contents = object.plan.maps.find(map => map.name === '.kconfig')?.contents ?? [];
    return {
      kconfig: Buffer.from(contents).toString('hex'),
      tags: [...object.programs.values()].map(program => program.info().tag),
    };
  } catch (error) {
    if (error instanceof RootletError) return error.code;
    throw error;
  }
}

describe.skipIf(skipped !== undefined)(`like libbpf${skipped === undefined ? '' : ` (${skipped})`}`, () => {
  const oracle = skipped === undefined ? new Oracle() : undefined;
  afterAll(() => oracle?.close());

  test.each(Object.keys(EXTERNS))('%s', name => {
    const [declaration = '', use = '', outcome] = EXTERNS[name] ?? [];
    if (oracle === undefined) throw new Error('no oracle');
    const [file = ''] = compileInto(oracle.directory, { [name]: sourceOf(declaration, use) });
    const theirs = oracle.load(path.resolve(file));
    const ours = ourResult(file);
    if (outcome !== 'kernel') expect(theirs.error === 0 ? 'same' : 'refused', theirs.log).toBe(outcome);
    if (theirs.error !== 0) expect(ours).toMatch(outcome === 'kernel' ? /^kernel-/ : /^load-/);
    else
      expect(ours).toEqual({
        kconfig: theirs.maps.find(map => map.name.endsWith('.kconfig'))?.value ?? '',
        tags: theirs.programs.map(({ tag }) => tag),
      });
  });
});
