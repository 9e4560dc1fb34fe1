/**
 * Global variables by name: where they are, of which type, and how their values are read and written. For variables
 * of loaded objects, of machines, and of objects that are yet to be loaded, which differ only in where the bytes are.
 */

import { type Btf, type BtfId, type BtfValue, decodeData, encodeValue } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { available, counted, quote, usageError, within } from '../../diag/index.ts';

/** A variable in a section of globals. */
export interface GlobalPlace {
  readonly name: string;
  readonly section: string;
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly size: number;
  /** VAR type; 0 when there is none. */
  readonly type: BtfId;
}

/** What kind of globals a section holds, or undefined if it does not become a map. */
export function globalsKind(section: string): 'data' | 'rodata' | 'bss' | undefined {
  for (const kind of ['data', 'rodata', 'bss'] as const) {
    if (section === `.${kind}` || section.startsWith(`.${kind}.`)) return kind;
  }
  return undefined;
}

/**
 * The variable called `name`, or `SECTION:NAME` where several are. Throws `load-no-global`, naming what there
 * is.
 */
export function findGlobal<Place extends Pick<GlobalPlace, 'name' | 'section'>>(
  globals: readonly Place[],
  name: string,
): Place {
  const matching = globals.filter(
    global => global.name === name || `${global.section}:${global.name}` === name,
  );
  const [only, other] = matching;
  if (only !== undefined && other === undefined) return only;
  if (other !== undefined) {
    const sections = matching.map(global => `${global.section}:${global.name}`).join(', ');
    throw usageError(
      'load-global-ambiguous',
      `there are ${matching.length} variables ${quote(name)}: ${sections}`,
    );
  }
  throw usageError(
    'load-no-global',
    `there is no variable ${quote(name)}; ${available(
      'there are',
      globals.map(global => global.name),
    )}`,
  );
}

/** The value in the bytes of the whole section; bytes where the type is not known. */
export function readGlobal(
  global: GlobalPlace,
  btf: Btf | null,
  order: ByteOrder,
  bytes: Uint8Array,
): BtfValue | Uint8Array {
  if (btf === null || global.type === 0) return bytes.slice(global.offset, global.offset + global.size);
  return decodeData({ btf, order }, global.type, bytes, global.offset);
}

/** A value of the variable's type, or its raw bytes. `bytes` is the value of the whole map. */
export function writeGlobal(
  global: GlobalPlace,
  btf: Btf | null,
  order: ByteOrder,
  value: unknown,
  bytes: Uint8Array,
): void {
  if (btf !== null && global.type !== 0 && !isRaw(value, global)) {
    encodeValue({ btf, order }, global.type, value, bytes, global.offset);
    return;
  }
  const raw = isRaw(value, global) ? value : untypedBytes(value, global.size, order);
  if (raw === undefined) throw untypedMismatch(global.size);
  bytes.set(raw, global.offset);
}

/**
 * A whole number as the bytes of a variable without a type, of which only the size is known: signed or
 * unsigned, as long as it fits. Undefined for other values, and for sizes that no integer has.
 */
export function untypedBytes(value: unknown, size: number, order: ByteOrder): Uint8Array | undefined {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value)))
    return undefined;
  if (![1, 2, 4, 8].includes(size)) return undefined;
  const number = BigInt(value);
  const fits = number === BigInt.asIntN(size * 8, number) || number === BigInt.asUintN(size * 8, number);
  if (!fits) return undefined;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, number), order === 'little');
  return order === 'little' ? bytes.subarray(0, size) : bytes.subarray(8 - size);
}

function untypedMismatch(size: number): Error {
  const integer = [1, 2, 4, 8].includes(size) ? `a whole number of ${counted(size, 'byte')}, or ` : '';
  return usageError(
    'value-mismatch',
    `has no BTF, so its value is ${integer}exactly ${counted(size, 'byte')}`,
  );
}

/** Bytes of exactly the variable's size are taken as they are. */
function isRaw(value: unknown, global: GlobalPlace): value is Uint8Array {
  return value instanceof Uint8Array && value.length === global.size;
}

/** Variables that are read and written by name. */
export interface NamedGlobals {
  readonly names: readonly string[];
  get(name: string): unknown;
  /** Throws where the value does not fit. */
  set(name: string, value: unknown): void;
}

/** Variables of a section in memory that reads and writes as a whole. */
export class SectionGlobals<Place extends GlobalPlace> implements NamedGlobals {
  readonly places: readonly Place[];
  readonly #btf: Btf | null;
  readonly #order: ByteOrder;
  readonly #sectionOf: (place: Place) => SectionBytes;

  constructor(
    places: readonly Place[],
    btf: Btf | null,
    order: ByteOrder,
    sectionOf: (place: Place) => SectionBytes,
  ) {
    this.places = places;
    this.#btf = btf;
    this.#order = order;
    this.#sectionOf = sectionOf;
  }

  get names(): readonly string[] {
    return [...new Set(this.places.map(({ name }) => name))];
  }

  /** Throws `load-no-global`. */
  get(name: string): BtfValue | Uint8Array {
    const place = findGlobal(this.places, name);
    return readGlobal(place, this.#btf, this.#order, this.#sectionOf(place).read());
  }

  /** Throws `value-mismatch` for values that do not fit, and what the section refuses. */
  set(name: string, value: unknown): void {
    const place = findGlobal(this.places, name);
    within(`variable ${quote(name)}`, () => {
      this.#sectionOf(place).write(bytes => writeGlobal(place, this.#btf, this.#order, value, bytes));
    });
  }
}

/** The bytes of one section of globals. */
export interface SectionBytes {
  read(): Uint8Array;
  /** Lets `change` write into the bytes. Throws for constants. */
  write(change: (bytes: Uint8Array) => void): void;
}

/**
 * The globals as properties: `globals.limit = 100`. Reading a name that is not a variable throws, except by
 * `in`.
 */
export function globalsAsProperties(globals: NamedGlobals): Record<string, unknown> {
  return new Proxy<Record<string, unknown>>(Object.create(null), {
    get: (_, name) => (typeof name === 'string' ? globals.get(name) : undefined),
    set(_, name, value) {
      if (typeof name !== 'string') return false;
      globals.set(name, value);
      return true;
    },
    has: (_, name) => typeof name === 'string' && globals.names.includes(name),
    ownKeys: () => [...globals.names],
    getOwnPropertyDescriptor: (_, name) =>
      typeof name === 'string' && globals.names.includes(name)
        ? { configurable: true, enumerable: true, writable: true, value: undefined }
        : undefined,
  });
}
