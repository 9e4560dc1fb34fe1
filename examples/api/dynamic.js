// rootlet/dynamic: an object bound to another one that is loaded already, on its state. Needs Linux and root.
import { readFileSync } from 'node:fs';
import { describeBinding, load } from 'rootlet/dynamic';

const file = name => ({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });

const first = load([file('first.bpf.o')], { pinRoot: null });
const second = load([file('second.bpf.o')], { against: [first], via: 'copy', pinRoot: null });
for (const binding of second.bindings) console.log(describeBinding(binding).split(' (')[0]);
//> foo = first:foo by copy
//> minimum = first:minimum in place
//> counters = first:counters in place
second.close();
first.close();
