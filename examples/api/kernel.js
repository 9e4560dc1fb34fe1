// rootlet/kernel: a map of the kernel. Needs Linux and root.
import { BpfMap, openSys, probeFeature } from 'rootlet/kernel';

const HASH = 1; // BPF_MAP_TYPE_HASH
const sys = openSys();
const map = BpfMap.create(sys, { name: 'example', type: HASH, keySize: 4, valueSize: 8, maxEntries: 16 });
map.update(Uint8Array.of(1, 0, 0, 0), new Uint8Array(8).fill(7));
for (const [key, value] of map.entries()) console.log(key[0], value[0]);
//> 1 7
console.log(map.info().maxEntries, probeFeature(sys, 'btf').state);
//> 16 yes
map.close(); // the last descriptor: the map ends
