import { expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { Elf64Shdr, Elf64Sym, SHT_NOBITS, SHT_PROGBITS, SHT_SYMTAB } from '../../elf/constants.ts';
import { parseElf } from '../../elf/parse.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { renameSections } from '../edit/sections.ts';
import { link } from '../link.ts';

/** An object file whose only variable has that many zeros. */
function withZeros(size: number): Uint8Array {
  const bytes = writeObject(objectOf('a.o', [{ name: 'huge', kind: 'variable', section: '.bss', size: 8 }]));
  const { sections, symbols } = parseElf({ name: 'a.o', bytes });
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const headers = Number(view.getBigUint64(40, true));
  const bss = sections.findIndex(({ type }) => type === SHT_NOBITS);
  view.setBigUint64(headers + bss * Elf64Shdr.size + 32, BigInt(size), true);
  const table = sections.find(({ type }) => type === SHT_SYMTAB)?.fileOffset ?? 0;
  const symbol = symbols.findIndex(({ name }) => name === 'huge');
  view.setBigUint64(table + symbol * Elf64Sym.size + 16, BigInt(size), true);
  return bytes;
}

test.each([0x80000000, 0xfffffff8])('a section of %i zeros is refused, with its size', size => {
  const result = link([{ name: 'a.o', bytes: withZeros(size) }], {});
  expect(result.ok ? [] : result.problems).toMatchObject([
    {
      code: 'link-section-size',
      where: ['section ".bss"'],
      message: `would have ${size} bytes, more than a map or a file can hold`,
    },
  ]);
});

test('zeros that are written out are limited, by the option too', () => {
  const zeros = { name: 'a.o', bytes: withZeros(4096) };
  const written = objectOf('b.o', [{ name: 'own', kind: 'variable', section: '.bss', value: 7 }]);
  const bss = written.sections.findIndex(({ name }) => name === '.bss');
  const mixed = {
    ...written,
    sections: written.sections.map((shell, at) => (at === bss ? { ...shell, type: SHT_PROGBITS } : shell)),
  };
  expect(link([zeros, mixed], {}).ok).toBe(true);
  const result = link([zeros, mixed], { limits: { zeros: 4095 } });
  expect(result.ok ? [] : result.problems).toMatchObject([
    {
      code: 'link-section-size',
      where: ['section ".bss"'],
      message: expect.stringContaining('more than 4095 bytes are not written out'),
      hint: 'raise the limit: --limits zeros=8190 (option limits)',
    },
  ]);
  const renamed = (limit: number) =>
    renameSections(readObject(zeros), [{ from: '.bss', to: '.data' }], { zeros: limit }).problems;
  expect(renamed(4096)).toEqual([]);
  expect(renamed(4095)).toMatchObject([
    { code: 'link-section-size', hint: 'raise the limit: --limits zeros=8190 (option limits)' },
  ]);
});
