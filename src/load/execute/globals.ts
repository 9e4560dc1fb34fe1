/**
 * Global variables of a loaded object, read and written by name and type.
 *
 * Sections that can be mapped into memory are (a write is one store, seen by the program at once); others are
 * read and written as a whole through the map.
 */

import type { Btf } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { quote, usageError } from '../../diag/index.ts';
import type { BpfMap, Mapping } from '../../kernel/index.ts';
import { type SectionBytes, SectionGlobals } from '../../object/index.ts';
import { BPF_F_MMAPABLE, BPF_MAP_TYPE_ARENA } from '../../uapi/index.ts';
import type { GlobalPlan } from '../plan/index.ts';

const KEY = new Uint8Array(4);

/** The bytes of one section of globals. */
class Section implements SectionBytes {
  readonly #map: BpfMap;
  readonly #constant: boolean;
  #mapping: Mapping | undefined;

  constructor(map: BpfMap, constant: boolean) {
    this.#map = map;
    this.#constant = constant;
  }

  read(): Uint8Array {
    const memory = this.#memory();
    if (memory !== undefined) return memory;
    return this.#map.lookup(KEY) ?? new Uint8Array(this.#map.valueSize);
  }

  write(change: (bytes: Uint8Array) => void): void {
    if (this.#constant) {
      throw usageError('load-global-constant', 'is a constant of the loaded program', {
        hint: 'give its value when loading (option "globals")',
      });
    }
    const memory = this.#memory();
    if (memory !== undefined) {
      change(memory);
      return;
    }
    const bytes = this.read();
    change(bytes);
    this.#map.update(KEY, bytes);
  }

  close(): void {
    this.#mapping?.close();
  }

  #memory(): Uint8Array | undefined {
    if (this.#map.type === BPF_MAP_TYPE_ARENA && !this.#map.fd.closed) return this.#map.arena();
    if (Math.floor(this.#map.flags / BPF_F_MMAPABLE) % 2 === 0 || this.#map.fd.closed) return undefined;
    this.#mapping ??= this.#map.mmap(this.#constant ? 'read' : 'read-write', this.#map.valueSize);
    return this.#mapping.bytes.subarray(0, this.#map.valueSize);
  }
}

/** All globals of an object. Values are as `decodeData` has them; variables without a type are bytes. */
export class Globals extends SectionGlobals<GlobalPlan> {
  readonly #sections: ReadonlyMap<number, Section>;

  constructor(plans: readonly GlobalPlan[], maps: readonly BpfMap[], btf: Btf | null, order: ByteOrder) {
    const sections = new Map<number, Section>();
    for (const { map: index, constant } of plans) {
      const map = maps[index];
      if (map !== undefined && !sections.has(index)) sections.set(index, new Section(map, constant));
    }
    super(plans, btf, order, global => sectionOf(sections, global));
    this.#sections = sections;
  }

  /** Unmaps what was mapped. */
  close(): void {
    for (const section of this.#sections.values()) section.close();
  }
}

function sectionOf(sections: ReadonlyMap<number, Section>, { map, name }: GlobalPlan): Section {
  const section = sections.get(map);
  if (section === undefined) throw usageError('load-no-global', `variable ${quote(name)} has no map`);
  return section;
}
