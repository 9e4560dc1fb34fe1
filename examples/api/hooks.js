// rootlet/hooks: a program on an interface, replaced in one step and taken off again. Needs Linux and root.
//   node examples/api/hooks.js INTERFACE
import { readFileSync } from 'node:fs';
import { attachProgram } from 'rootlet/hooks';
import { openSys } from 'rootlet/kernel';
import { loadObject } from 'rootlet/load';
import { readObject } from 'rootlet/object';

const sys = openSys();
const load = name => {
  const bytes = readFileSync(new URL(`../obj/el/${name}`, import.meta.url));
  return loadObject(readObject({ name, bytes }), sys, { pinRoot: null });
};
const first = load('first_firewall.bpf.o');
const second = load('second_firewall.bpf.o');

const hook = attachProgram(first, 'xdp_prog1', { interface: process.argv[2] ?? 'vnet0' });
console.log(hook.occupantId() === first.program('xdp_prog1').info().id);
//> true
hook.update(second.program('xdp_prog2'), first.program('xdp_prog1')); // only if the first one is there
console.log(hook.occupantId() === second.program('xdp_prog2').info().id);
//> true
hook.detach(null);
hook.close();
second.close();
first.close();
