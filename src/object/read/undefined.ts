/** Externs and tentative definitions: symbols that are in no section of the file. */

import { inputError, quote } from '../../diag/index.ts';
import {
  type ElfFile,
  type ElfSymbol,
  SHF_ALLOC,
  SHF_WRITE,
  SHN_ABS,
  SHN_COMMON,
  SHN_UNDEF,
  SHT_NOBITS,
  STB_LOCAL,
} from '../../elf/index.ts';
import type { SectionShell } from '../model/index.ts';
import { bindingOf, visibilityOf } from './cutter.ts';
import { type AtomDraft, newDraft } from './draft.ts';

interface UndefinedSink {
  readonly elf: ElfFile;
  readonly shells: SectionShell[];
  readonly drafts: AtomDraft[];
  readonly ofElfSymbol: Int32Array;
}

export function addUndefined(sink: UndefinedSink): void {
  sink.elf.symbols.forEach((symbol, index) => {
    if (index === 0 || symbol.name === '') return;
    if (symbol.section === SHN_UNDEF) addExtern(sink, symbol, index);
    else if (symbol.section === SHN_COMMON) addCommon(sink, symbol, index);
    else if (symbol.section === SHN_ABS && symbol.binding !== STB_LOCAL) {
      throw inputError(
        'object-absolute-symbol',
        [`symbol ${quote(symbol.name)}`],
        'is absolute; BPF code has no absolute addresses',
      );
    }
  });
}

function addExtern(sink: UndefinedSink, symbol: ElfSymbol, index: number): void {
  sink.ofElfSymbol[index] = sink.drafts.length;
  sink.drafts.push(
    newDraft({
      kind: 'extern',
      name: symbol.name,
      binding: bindingOf(symbol),
      visibility: visibilityOf(symbol),
    }),
  );
}

/** `st_value` of a common symbol is its alignment; it is allocated in `.bss`. */
function addCommon(sink: UndefinedSink, symbol: ElfSymbol, index: number): void {
  let shell = sink.shells.findIndex(candidate => candidate.name === '.bss');
  if (shell < 0) {
    shell = sink.shells.length;
    sink.shells.push({
      name: '.bss',
      type: SHT_NOBITS,
      flags: SHF_WRITE | SHF_ALLOC,
      align: 1,
      entsize: 0,
      role: 'data',
    });
  }
  sink.ofElfSymbol[index] = sink.drafts.length;
  sink.drafts.push(
    newDraft({
      kind: 'variable',
      name: symbol.name,
      binding: 'global',
      visibility: visibilityOf(symbol),
      shell,
      size: symbol.size,
      align: Math.max(symbol.value, 1),
      common: true,
    }),
  );
}
