/**
 * What must be true of every object that we write, whatever was linked: the symbol table is in the order that ELF asks
 * for, BTF and ELF agree on where variables are, local type ids in code are those of the types, and reading and writing
 * once more changes nothing.
 */

import { expect } from 'vitest';
import { parseBtf } from '../../src/btf/binary/parse.ts';
import type { Btf, BtfDataSec } from '../../src/btf/model/types.ts';
import { viewOf } from '../../src/bytes/cursor.ts';
import { SHT_SYMTAB, STB_LOCAL, STT_SECTION } from '../../src/elf/constants.ts';
import type { ElfFile } from '../../src/elf/model.ts';
import { parseElf } from '../../src/elf/parse.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { BPF_CORE_TYPE_ID_LOCAL, BPF_CORE_TYPE_ID_TARGET } from '../../src/uapi/core-relocations.ts';

/** Checks the bytes and gives the object that is in them. */
export function checkWritten(bytes: Uint8Array): BpfObject {
  const elf = parseElf({ name: 'written.o', bytes });
  checkSymbolOrder(elf);
  const section = elf.sections.find(candidate => candidate.name === '.BTF');
  if (section !== undefined) checkDataSections(elf, parseBtf(section.bytes, elf.byteOrder));
  const object = readObject({ name: 'written.o', bytes });
  checkTypeIds(object);
  expect(Buffer.from(writeObject(object)).equals(bytes), 'writing what was read gives the same bytes').toBe(
    true,
  );
  return object;
}

/** gABI: all local symbols come first, and sh_info is the index of the first that is not. */
function checkSymbolOrder(elf: ElfFile): void {
  const firstGlobal = elf.symbols.findIndex((symbol, index) => index > 0 && symbol.binding !== STB_LOCAL);
  const locals = firstGlobal < 0 ? elf.symbols.length : firstGlobal;
  const late = elf.symbols.slice(locals).filter(symbol => symbol.binding === STB_LOCAL);
  expect(late, 'local symbols behind global ones').toEqual([]);
  expect(elf.sections.find(section => section.type === SHT_SYMTAB)?.info, 'sh_info').toBe(locals);
}

interface Placed {
  readonly name: string;
  readonly offset: number;
}

/** Every defined variable of a DATASEC is where its ELF symbol is, entries are sorted and do not overlap. */
function checkDataSections(elf: ElfFile, btf: Btf): void {
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind !== 'datasec') continue;
    const index = elf.sections.findIndex(section => section.name === type.name);
    if (index < 0) continue;
    expect(type.size, `size of DATASEC ${type.name}`).toBe(elf.sections[index]?.size);
    const symbols = elf.symbols
      .filter(symbol => symbol.section === index && symbol.type !== STT_SECTION)
      .map((symbol): Placed => ({ name: symbol.name, offset: symbol.value }));
    for (const variable of definedVariables(btf, type))
      expect(symbols, `symbols of section ${type.name}`).toContainEqual(variable);
    checkOrder(type);
  }
}

function definedVariables(btf: Btf, section: BtfDataSec): Placed[] {
  return section.vars.flatMap(entry => {
    const variable = btf.type(entry.type);
    if (variable.kind !== 'var' || variable.linkage === 'extern') return [];
    return [{ name: variable.name, offset: entry.offset }];
  });
}

function checkOrder(section: BtfDataSec): void {
  let end = 0;
  for (const entry of section.vars) {
    expect(entry.offset, `offsets in DATASEC ${section.name}`).toBeGreaterThanOrEqual(end);
    end = entry.offset + entry.size;
  }
  expect(end, `end of DATASEC ${section.name}`).toBeLessThanOrEqual(section.size);
}

/** `bpf_core_type_id_local()` is a number in the code; it must be the id that its type has now. */
function checkTypeIds(object: BpfObject): void {
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'function') continue;
    const view = viewOf(symbol.code);
    for (const record of symbol.coreRecords) {
      if (record.kind !== BPF_CORE_TYPE_ID_LOCAL && record.kind !== BPF_CORE_TYPE_ID_TARGET) continue;
      const imm = view.getInt32(record.insnIndex * 8 + 4, object.byteOrder === 'little');
      expect(imm, `type id at instruction ${record.insnIndex} of ${symbol.name}`).toBe(record.type);
    }
  }
}
