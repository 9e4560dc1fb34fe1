/**
 * Global variables of a loaded object, read and written by name and type.
 *
 * Sections that can be mapped into memory are (a write is one store, seen by the program at once); others are
 * read and written as a whole through the map.
 */

import { type Btf, type BtfValue, decodeData } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { quote, usageError, within } from '../../diag/index.ts';
import type { BpfMap, Mapping } from '../../kernel/index.ts';
import { BPF_F_MMAPABLE, BPF_MAP_TYPE_ARENA } from '../../uapi/index.ts';
import { findGlobal, type GlobalPlan, writeGlobal } from '../plan/index.ts';

const KEY = new Uint8Array(4);

/** The bytes of one section of globals. */
class Section {
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

  /** Lets `change` write into the bytes. */
  write(change: (bytes: Uint8Array) => void): void {
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
export class Globals {
  readonly plans: readonly GlobalPlan[];
  readonly #btf: Btf | null;
  readonly #order: ByteOrder;
  readonly #sections = new Map<number, Section>();

  constructor(plans: readonly GlobalPlan[], maps: readonly BpfMap[], btf: Btf | null, order: ByteOrder) {
    this.plans = plans;
    this.#btf = btf;
    this.#order = order;
    for (const { map: index, constant } of plans) {
      const map = maps[index];
      if (map !== undefined && !this.#sections.has(index))
        this.#sections.set(index, new Section(map, constant));
    }
  }

  /** Throws `load-no-global`. */
  get(name: string): BtfValue | Uint8Array {
    const global = findGlobal(this.plans, name);
    const bytes = this.#section(global).read();
    if (this.#btf === null || global.type === 0)
      return bytes.slice(global.offset, global.offset + global.size);
    return decodeData({ btf: this.#btf, order: this.#order }, global.type, bytes, global.offset);
  }

  /** Throws `load-global-constant` for constants, `value-mismatch` for values that do not fit. */
  set(name: string, value: unknown): void {
    const global = findGlobal(this.plans, name);
    within(`variable ${quote(name)}`, () => {
      if (global.constant) {
        throw usageError('load-global-constant', 'is a constant of the loaded program', {
          hint: 'give its value when loading (option "globals")',
        });
      }
      this.#section(global).write(bytes => writeGlobal(global, this.#btf, this.#order, value, bytes));
    });
  }

  /** Unmaps what was mapped. */
  close(): void {
    for (const section of this.#sections.values()) section.close();
  }

  #section(global: GlobalPlan): Section {
    const section = this.#sections.get(global.map);
    if (section === undefined)
      throw usageError('load-no-global', `variable ${quote(global.name)} has no map`);
    return section;
  }
}

/**
 * The globals as properties: `globals.limit = 100`. Reading a name that is not a variable throws, except by
 * `in`.
 */
export function globalsAsProperties(globals: Globals): Record<string, unknown> {
  return new Proxy<Record<string, unknown>>(Object.create(null), {
    get: (_, name) => (typeof name === 'string' ? globals.get(name) : undefined),
    set(_, name, value) {
      if (typeof name !== 'string') return false;
      globals.set(name, value);
      return true;
    },
    has: (_, name) => globals.plans.some(plan => plan.name === name),
    ownKeys: () => [...new Set(globals.plans.map(plan => plan.name))],
    getOwnPropertyDescriptor: (_, name) =>
      globals.plans.some(plan => plan.name === name)
        ? { configurable: true, enumerable: true, writable: true, value: undefined }
        : undefined,
  });
}
