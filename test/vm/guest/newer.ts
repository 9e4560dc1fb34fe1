/**
 * Tests that use something that the oldest kernels here do not have and do not say so themselves: those that also run
 * outside, on whatever kernel is there, and those whose objects cannot be loaded whole by Linux 5.10. The release that has
 * it is here, by file and a part of the name.
 */

import { since } from './kernel.ts';

/** Exported for the test that its files and names exist. */
export const NEEDS: readonly (readonly [file: string, name: string, series: string])[] = [
  ['src/kernel/hooks/hooks.test.ts', 'tcx', '6.6'],
  ['src/kernel/hooks/order.test.ts', 'the order of tcx programs', '6.6'],
  ['src/kernel/hooks/hooks.test.ts', 'socket look-ups of a namespace, netfilter', '6.4'],
  ['src/hooks/attach-kinds.test.ts', 'on_many', '6.6'],
  ['src/hooks/kinds/attach.test.ts', 'TC programs by both methods', '6.6'],
  ['src/load/externs.test.ts', '', '6.4'], // all of it: kernel functions for packets
  // its objects have a map of every type, those of tasks' cgroups (6.2) among them
  ['src/load/kernel.test.ts', 'obj/el/maps.bpf.o', '6.2'],
  ['src/load/maps.test.ts', 'every type of map', '6.2'],
  ['src/load/maps.test.ts', 'arrays of programs and of maps', '6.2'],
  ['src/load/maps.test.ts', 'programs that an array holds', '6.2'],
  ['src/load/maps.test.ts', 'directories for pins are made', '6.2'],
  ['src/load/maps.test.ts', 'a pinned map is found again', '6.2'],
  ['src/load/maps.test.ts', 'a map of the caller', '6.2'],
  ['src/load/maps.test.ts', 'typed maps', '6.2'],
  ['src/kernel/objects/program.test.ts', 'a program is loaded, run and gone again', '5.18'], // refuses short packets
  ['src/kernel/objects/program.test.ts', 'metadata of XDP', '5.15'], // test runs with a context
  // what older kernels refuse in types is replaced by other code, and they refuse more
  ['src/load/mend/mend.test.ts', '', '6.1'],
  ['src/load/mend/mend.test.ts', 'section with any characters', '6.12'],
  ['src/load/mend/execute.test.ts', 'repaired types are noted', '6.1'],
  ['src/load/mend/execute.test.ts', 'a dry run reports the same', '6.1'],
  ['src/hooks/attach-kinds.test.ts', '', '5.15'], // cookies
  // pointers into global functions are verified
  ['src/load/verifier.test.ts', 'in_global_function', '5.12'],
  ['src/load/verifier.test.ts', 'the message has place', '5.12'],
  ['test/vm/cgroups.vm.ts', 'lsm_bind', '6.0'],
  // functions of the kernel in struct_ops maps
  ['test/vm/congestion.vm.ts', 'a connection uses it', '5.13'],
  ['test/vm/congestion.vm.ts', 'where it can have no link', '5.13'],
  ['test/vm/devices.vm.ts', 'one with frags', '5.18'],
  ['test/vm/devices.vm.ts', 'one without is refused by the device', '5.18'],
  ['test/vm/iterators.vm.ts', 'those of one process', '6.1'],
  ['test/vm/iterators.vm.ts', 'memory that has to be waited for', '5.18'],
  ['test/vm/iterators.vm.ts', 'their areas of memory', '5.12'],
  ...['self', 'descendants', 'ancestors'].map(name => ['test/vm/iterators.vm.ts', name, '6.1'] as const),
  // bpf_loop()
  ['test/vm/loader.vm.ts', 'relink-tail-calls', '5.17'],
  ['test/vm/loader.vm.ts', 'static-callback', '5.17'],
  // types of modules
  ['test/vm/module.vm.ts', 'CO-RE against a type', '5.11'],
  ['test/vm/module.vm.ts', 'at exit, with', '5.11'],
  ['test/vm/module.vm.ts', 'at entry', '5.11'],
  ['test/vm/module-functions.vm.ts', '', '5.18'],
  ['test/vm/fallbacks.vm.ts', 'takes the context of its caller', '5.15'], // cookies
  ['test/vm/storage.vm.ts', '', '6.1'], // its object has a map for records from user space
  ['test/vm/tracing.vm.ts', 'a program refuses', '5.11'], // Debian's 5.10 has BPF not among its security modules
  ['test/vm/watching.vm.ts', 'a program that is called', '5.14'],
  ['test/vm/watching.vm.ts', 'cookie_', '6.0'],
  ['test/vm/watching.vm.ts', 'sleep_', '6.0'],
  ['test/vm/storage.vm.ts', '', '5.16'], // a map of every kind in one object
];

/** Why this kernel is too old for a test; undefined when it is not. Without a name, why for the whole file. */
export function whyTooOld(file: string, name?: string): string | undefined {
  const needs = NEEDS.filter(([path, part]) => {
    if (!file.endsWith(path)) return false;
    return part === '' || name?.includes(part) === true;
  });
  return needs.map(([, , series]) => since(series)).find(reason => reason !== undefined);
}
