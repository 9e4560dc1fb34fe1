/**
 * Maps and the variable that watching adds to an object, as a compiler would define them: with types, so that
 * tools show the counters by name.
 */

import { type BtfBuilder, type BtfId, INT } from '../../btf/index.ts';
import { SHF_ALLOC, SHF_WRITE, SHT_NOBITS, SHT_PROGBITS } from '../../elf/index.ts';
import { type MapSymbol, type SectionShell, type VariableSymbol, verdictName } from '../../object/index.ts';
import { BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERF_EVENT_ARRAY } from '../../uapi/index.ts';
import {
  COUNTS_MAP,
  type CounterLayout,
  TRACE_MAP,
  TraceHeader,
  WATCH_SECTION,
  WATCH_VARIABLE,
  WatchWords,
} from './layout.ts';

const MAPS: SectionShell = {
  name: '.maps',
  type: SHT_PROGBITS,
  flags: SHF_ALLOC | SHF_WRITE,
  align: 8,
  entsize: 0,
  role: 'maps',
};

const WORDS: SectionShell = {
  name: WATCH_SECTION,
  type: SHT_NOBITS,
  flags: SHF_ALLOC | SHF_WRITE,
  align: 4,
  entsize: 0,
  role: 'data',
};

/** Makes the symbols of one object; sections that it lacks are added to `sections`. */
export class WatchObjects {
  readonly #btf: BtfBuilder;
  readonly #file: string;
  readonly #sections: SectionShell[];
  #ints: { readonly int: BtfId; readonly u32: BtfId; readonly u64: BtfId } | undefined;

  constructor(btf: BtfBuilder, file: string, sections: SectionShell[]) {
    this.#btf = btf;
    this.#file = file;
    this.#sections = sections;
  }

  /** The counters of a member; `name`: where an object has several. */
  counts(layout: CounterLayout, name: string = COUNTS_MAP): MapSymbol {
    const { u32 } = this.#types();
    return this.#map(name, [
      ['type', this.#number(BPF_MAP_TYPE_PERCPU_ARRAY)],
      ['max_entries', this.#number(1)],
      ['key', this.#btf.add({ kind: 'ptr', type: u32 })],
      ['value', this.#btf.add({ kind: 'ptr', type: this.#value(layout) })],
    ]);
  }

  /** One entry for each CPU, which loaders complete. */
  trace(): MapSymbol {
    return this.#map(TRACE_MAP, [
      ['type', this.#number(BPF_MAP_TYPE_PERF_EVENT_ARRAY)],
      ['key_size', this.#number(4)],
      ['value_size', this.#number(4)],
    ]);
  }

  /** The switch, all off. */
  words(): VariableSymbol {
    const { u32 } = this.#types();
    const members = Object.entries(WatchWords.offsets).map(([name, offset]) => ({
      name,
      type: u32,
      bitOffset: offset * 8,
      bitSize: 0,
    }));
    const { size } = WatchWords;
    const type = this.#btf.add({ kind: 'struct', name: WATCH_VARIABLE, size, members });
    return {
      ...this.#base(WATCH_VARIABLE, WORDS),
      kind: 'variable',
      size,
      align: 4,
      bytes: null,
      references: [],
      btfId: this.#btf.add({ kind: 'var', name: WATCH_VARIABLE, type, linkage: 'global' }),
    };
  }

  #base(name: string, shell: SectionShell) {
    const known = this.#sections.findIndex(section => section.name === shell.name);
    const section = known >= 0 ? known : this.#sections.push(shell) - 1;
    const origin = { file: this.#file, offset: 0 };
    return { name, section, origin, binding: 'global', visibility: 'default' } as const;
  }

  #map(name: string, fields: readonly (readonly [string, BtfId])[]): MapSymbol {
    const members = fields.map(([field, type], at) => ({
      name: field,
      type,
      bitOffset: at * 64,
      bitSize: 0,
    }));
    const size = members.length * 8;
    const type = this.#btf.add({ kind: 'struct', name: '', size, members });
    return {
      ...this.#base(name, MAPS),
      kind: 'map',
      size,
      align: 8,
      bytes: new Uint8Array(size),
      references: [],
      btfId: this.#btf.add({ kind: 'var', name, type, linkage: 'global' }),
    };
  }

  /** `struct rootlet_counts`, with one field for each verdict. */
  #value({ progType, first, known, size, offsets }: CounterLayout): BtfId {
    const { u64, int } = this.#types();
    const names = Array.from({ length: known }, (_, at) => verdictName(progType, first + at).toLowerCase());
    const fields: [string, number][] = [
      ['bytes', offsets.bytes],
      ['time', offsets.time],
      ['timed', offsets.timed],
      ...[...names, 'other'].map((name, at): [string, number] => [name, offsets.verdicts + 8 * at]),
    ];
    const members = fields.map(([name, offset]) => ({ name, type: u64, bitOffset: offset * 8, bitSize: 0 }));
    const record = this.#btf.add({ kind: 'array', element: u64, index: int, length: TraceHeader.size / 8 });
    members.push({ name: 'record', type: record, bitOffset: offsets.record * 8, bitSize: 0 });
    return this.#btf.add({ kind: 'struct', name: COUNTS_MAP, size, members });
  }

  /** `__uint()`. */
  #number(value: number): BtfId {
    const { int } = this.#types();
    const array = this.#btf.add({ kind: 'array', element: int, index: int, length: value });
    return this.#btf.add({ kind: 'ptr', type: array });
  }

  #types() {
    const unsigned = { ...INT, signed: false };
    this.#ints ??= {
      int: this.#btf.add(INT),
      u32: this.#btf.add({ ...unsigned, name: 'unsigned int' }),
      u64: this.#btf.add({ ...unsigned, name: 'unsigned long long', size: 8, bits: 64 }),
    };
    return this.#ints;
  }
}
