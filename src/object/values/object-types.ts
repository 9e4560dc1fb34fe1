/**
 * What a compiler knows of one object: names and types of its programs, maps and variables.
 *
 * `rootlet types` writes it for an object; loaded objects and machines take it as a type parameter. It exists at
 * compile time only, and is separate because the machine and the loader, which do not know each other, both use it.
 */

import type { BtfValue } from '../../btf/index.ts';

/**
 * Names and types of an object, as `rootlet types` writes them, for `loadObject<Types>()` and
 * `createMachine<Types>()`. As a default it is an object of which nothing is known: every name may be there.
 */
export interface ObjectTypes {
  /** Program → the name of its type. */
  readonly programs: { readonly [name: string]: string };
  /**
   * Map → its key and what reading an element or a record returns; `keyInput` and `valueInput` are what is
   * written there.
   */
  readonly maps: {
    readonly [name: string]: {
      readonly key: BtfValue | Uint8Array;
      readonly value: BtfValue | Uint8Array;
      readonly keyInput: unknown;
      readonly valueInput: unknown;
    };
  };
  /** Variable → its value. */
  readonly globals: { [name: string]: unknown };
}

/** Names in one part of the types. */
export type NameIn<Part> = keyof Part & string;
