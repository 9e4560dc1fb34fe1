import { expect, test } from 'vitest';
import { dataMapName, kernelName, objectBaseName } from './names.ts';

test.each([
  ['xdp_filter', 'xdp_filter'],
  ['a_name_of_more_than_15', 'a_name_of_more_'],
  ['odd name-$', 'odd_name__'],
  ['ä.b', '_.b'],
])('%s is %s to the kernel', (name, expected) => {
  expect(kernelName(name)).toBe(expected);
});

test.each([
  ['dir/first.bpf.o', 'first'],
  ['plain', 'plain'],
  ['/a.b/c', 'c'],
])('object %s is called %s', (path, expected) => {
  expect(objectBaseName(path)).toBe(expected);
});

// Expected names are those that `bpftool map` shows after loading objects of these names through libbpf.
test.each([
  ['chain', '.rodata', 'chain.rodata'],
  ['my_object_name', '.rodata', 'my_objec.rodata'],
  ['my_object_name', '.bss', 'my_objec.bss'],
  ['my_object_name', '.data', 'my_objec.data'],
  ['my_object_name', '.data.custom', '.data.custom'],
  ['first', '.rodata.str1.1', '.rodata.str1.1'],
  ['first', '.rodata.very.long.name', '.rodata.very.lo'],
])('object %s, section %s: map %s', (object, section, expected) => {
  expect(dataMapName(object, section)).toBe(expected);
});
