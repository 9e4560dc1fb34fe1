// rootlet/object: an object as atoms and references; a changed copy of it.
import { readFileSync } from 'node:fs';
import { licenseOf, parseMapDefinition, programsOf, readObject, writeObject } from 'rootlet/object';

const name = 'first_firewall.bpf.o';
const object = readObject({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });

console.log(
  licenseOf(object),
  programsOf(object)
    .map(({ program }) => program.name)
    .join(' '),
);
//> Dual MIT/GPL xdp_prog1
for (const symbol of object.symbols) {
  if (symbol.kind !== 'map') continue;
  const { keySize, valueSize, maxEntries } = parseMapDefinition(object, symbol);
  console.log(symbol.name, keySize, valueSize, maxEntries);
}
//> rules 4 16 1024

// objects are never changed: a pass makes a new one
const symbols = object.symbols.map(symbol => (symbol.name === 'foo' ? { ...symbol, name: 'judge' } : symbol));
const bytes = writeObject({ ...object, symbols });
console.log(readObject({ name: 'renamed.o', bytes }).symbols.some(symbol => symbol.name === 'judge'));
//> true
