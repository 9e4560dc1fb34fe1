// rootlet/load: an object in the kernel, its maps and variables by their C types. Needs Linux and root.
import { readFileSync } from 'node:fs';
import { openSys } from 'rootlet/kernel';
import { loadObject } from 'rootlet/load';
import { readObject } from 'rootlet/object';

const name = 'second_firewall.bpf.o';
const object = readObject({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });
const loaded = loadObject(object, openSys(), { pinRoot: null, globals: { first_port: 80, last_port: 90 } });

const packet = new Uint8Array(64);
packet.set([0x08, 0x00, 0x45], 12); // IPv4
packet[23] = 17; // UDP
packet[37] = 85; // to a port that is closed
console.log(loaded.testRun('xdp_prog2', packet).verdict); // XDP_DROP
//> 1
const rules = loaded.typedMap('rules');
rules.update(5, { allow: 1, hits: 0 });
console.log(JSON.stringify(rules.lookup(5)));
//> {"allow":1,"hits":0}
loaded.close();
