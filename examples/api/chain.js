// rootlet/chain: two firewalls on one interface, in one order and in the other. Needs Linux and root.
//   node examples/api/chain.js INTERFACE
import { readFileSync } from 'node:fs';
import { changeChain, findChainHook, readChain } from 'rootlet/chain';
import { openSys } from 'rootlet/kernel';
import { Store } from 'rootlet/store';

const sys = openSys();
const context = { sys, store: Store.open(sys), time: null };
const hook = findChainHook(sys, process.argv[2] ?? 'vnet0', 'xdp');
const file = name => ({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });
const show = () =>
  console.log(
    readChain(context, hook)
      .members.map(({ name }) => name)
      .join(', '),
  );

const members = [
  { file: file('first_firewall.bpf.o') },
  { file: file('second_firewall.bpf.o'), priority: 60 },
];
changeChain(context, hook, { kind: 'load', members });
show();
//> first_firewall, second_firewall
changeChain(context, hook, { kind: 'order', names: ['second_firewall', 'first_firewall'] });
show();
//> second_firewall, first_firewall
changeChain(context, hook, { kind: 'unload', members: 'all' });
console.log(readChain(context, hook).kind);
//> none
