// rootlet/link: two firewalls with the same names in the slots of a rootlet.
import { readFileSync } from 'node:fs';
import { inspect, relink } from 'rootlet/link';

const file = name => ({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });

const result = relink(file('rootlet.bpf.o'), [
  { slot: 'dummy1', component: file('first_firewall.bpf.o') },
  { slot: 'dummy2', component: file('second_firewall.bpf.o') },
]);
if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
for (const { slot, component, program } of result.report.slots) console.log(slot, component, program);
//> dummy1 first_firewall.bpf.o xdp_prog1
//> dummy2 second_firewall.bpf.o xdp_prog2
console.log(
  inspect(result.object)
    .programs.map(program => program.name)
    .join(' '),
);
//> rootlet
