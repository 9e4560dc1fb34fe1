// rootlet/store: what the command keeps in the kernel. Needs Linux, root and a bpf file system.
//   node examples/api/store.js [DIRECTORY]
import { openSys } from 'rootlet/kernel';
import { DEFAULT_STORE_ROOT, Store } from 'rootlet/store';

const store = Store.open(openSys(), process.argv[2] ?? DEFAULT_STORE_ROOT);
for (const entry of store.list()) {
  if (entry.kind === 'broken') console.log(entry.name, entry.problems[0]?.message);
  else console.log(entry.kind, entry.name, entry.record.maps.map(({ name }) => name).join(' '));
}
console.log(store.find('hook', 'edge'));
//> undefined
