import { expect, test } from 'vitest';
import { inEachForm } from '../../image/testing.ts';
import { SHF_ALLOC, SHT_LOOS, SHT_NOBITS, SHT_NOTE, SHT_PROGBITS, SHT_REL, SHT_RELA } from '../constants.ts';
import * as names from './names.kernel.ts';

/** Name, type, flags; 1: it means nothing; 1: also where DWARF is kept. */
const SECTIONS = [
  ['.debug_info', SHT_PROGBITS, 0, 1, 0],
  ['.debug_', SHT_PROGBITS, 0, 1, 0],
  ['.debug', SHT_PROGBITS, 0, 0, 0],
  ['.zdebug_line', SHT_PROGBITS, 0, 1, 1],
  ['.zdebug', SHT_PROGBITS, 0, 0, 0],
  ['.eh_frame', SHT_PROGBITS, 0, 1, 1],
  ['.eh_framex', SHT_PROGBITS, 0, 0, 0],
  ['.eh_fram', SHT_PROGBITS, 0, 0, 0],
  ['.llvm.lto', SHT_PROGBITS, 0, 1, 1],
  ['.llvm.ltp', SHT_PROGBITS, 0, 0, 0],
  ['.text', SHT_PROGBITS, 0, 0, 0],
  ['.debug_info', SHT_NOBITS, 0, 0, 0],
  ['.rel.debug_info', SHT_REL, 0, 1, 0],
  ['.rela.debug_info', SHT_RELA, 0, 1, 1],
  ['.rel.eh_frame', SHT_REL, 0, 1, 1],
  ['.rela.text', SHT_RELA, 0, 0, 0],
  ['.rel', SHT_REL, 0, 0, 0],
  ['', SHT_PROGBITS, 0, 0, 0],
  ['anything', SHT_NOTE, SHF_ALLOC, 1, 1],
  ['.llvm_addrsig', SHT_LOOS, 0, 1, 1],
  ['.llvm_addrsig', SHT_LOOS, SHF_ALLOC, 0, 0],
] as const;

test.each(SECTIONS)('section %s of type %i and flags %i: ignored %i, with DWARF kept %i', (...section) => {
  const [text, type, flags, ignored, kept] = section;
  inEachForm(image => {
    const { isIgnored } = image.run(names);
    const name = image.intern(text);
    const found = [isIgnored(name, type, flags, 0), isIgnored(name, type, flags, 1)];
    expect(found).toEqual([ignored, kept]);
    return found;
  });
});

test('relocations are named after their section', () => {
  inEachForm(image => {
    const { isRelocationsOf } = image.run(names);
    const target = image.intern('.text');
    const found = ['.rel.text', '.rel.texT', '.rel.tex', '.rel.text2', '.rex.text', '.text'].map(text =>
      isRelocationsOf(image.intern(text), target),
    );
    expect(found).toEqual([1, 0, 0, 0, 0, 0]);
    return found;
  });
});

test('sections of types have two names', () => {
  inEachForm(image => {
    const found = ['.BTF', '.BTF.ext', '.BTF.exu', '.BTG', '.BTF.e', ''].map(text =>
      image.run(names).typeSection(image.intern(text)),
    );
    expect(found).toEqual([1, 2, 0, 0, 0, 0]);
    return found;
  });
});
