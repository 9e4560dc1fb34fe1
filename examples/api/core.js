// rootlet/core: an object made right for the types of a kernel. The example objects need nothing of it, which is what
// needsCore() finds; with CO-RE relocations, `answers` has a row for each.
import { readFileSync } from 'node:fs';
import { BtfBuilder } from 'rootlet/btf';
import { needsCore, relocateCore, TypeFinder } from 'rootlet/core';
import { readObject } from 'rootlet/object';

const name = 'first.bpf.o';
const object = readObject({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });
// types of the target: of a kernel, parseBtf(readFileSync('/sys/kernel/btf/vmlinux'), 'little')
const types = new TypeFinder(new BtfBuilder().build());

const result = relocateCore(object, { main: { name: 'vmlinux', types }, modules: () => [] });
console.log(needsCore(object), result.answers.length, result.object === object);
//> false 0 true
