// rootlet/btf: make types, write them as a .BTF section, read that again and print it as C.
import { BtfBuilder, encodeBtf, formatDefinition, parseBtf, sizeOfType } from 'rootlet/btf';

const builder = new BtfBuilder();
const u32 = builder.add({
  kind: 'int',
  name: 'u32',
  size: 4,
  bits: 32,
  bitOffset: 0,
  signed: false,
  char: false,
  bool: false,
});
const key = builder.add({
  kind: 'struct',
  name: 'key',
  size: 8,
  members: [
    { name: 'address', type: u32, bitOffset: 0, bitSize: 0 },
    { name: 'port', type: u32, bitOffset: 32, bitSize: 0 },
  ],
});
const section = encodeBtf(builder.build(), 'little');

const types = parseBtf(section, 'little');
console.log(types.count, sizeOfType(types, key));
//> 2 8
console.log(formatDefinition(types, key));
//> struct key {
//> 	u32 address;
//> 	u32 port;
//> };
