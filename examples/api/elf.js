// rootlet/elf: sections and symbols of an object; an archive; what a file is.
import { readFileSync } from 'node:fs';
import { identify, parseElf, writeElf } from 'rootlet/elf';

const name = 'first.bpf.o';
const bytes = readFileSync(new URL(`../obj/el/${name}`, import.meta.url));

console.log(identify(bytes).kind);
//> bpf-object
const elf = parseElf({ name, bytes });
console.log(
  elf.byteOrder,
  elf.sections.some(section => section.name === '.maps'),
);
//> little true

// an object of one section, written and read again
const written = writeElf({
  byteOrder: 'little',
  flags: 0,
  sections: [
    {
      name: 'license',
      type: 1,
      flags: 3,
      align: 1,
      entsize: 0,
      bytes: Uint8Array.of(71, 80, 76, 0),
      size: 4,
    },
  ],
  symbols: [],
  relocations: new Map(),
});
console.log(
  parseElf({ name: 'made.o', bytes: written }).sections.some(section => section.name === 'license'),
);
//> true
