/** What `inspect` returns. */

import type { Problem } from '../../diag/index.ts';
import type { BpfObject, BpfSymbol } from '../../object/index.ts';

/** What all symbols of an object have. */
export interface InspectedSymbol {
  readonly name: string;
  readonly declaration: string;
  readonly binding: BpfSymbol['binding'];
  readonly visibility: BpfSymbol['visibility'];
  readonly section: string;
}

/** A function or program of an object. */
export interface InspectedFunction extends InspectedSymbol {
  /** Instruction slots. */
  readonly insns: number;
  /** Program type by section name, null for other functions and unknown sections. */
  readonly programType: string | null;
  /** Names of what it refers to, each once, in order of first use. */
  readonly uses: readonly string[];
  readonly lineRecords: number;
  readonly coreRecords: number;
}

/** A global variable of an object: size and offset in its section, in bytes. */
export interface InspectedVariable extends InspectedSymbol {
  readonly size: number;
  readonly offset: number;
}

/** A map of an object. Sizes in bytes; null where its definition cannot be read. */
export interface InspectedMap extends InspectedSymbol {
  readonly type: string | null;
  readonly keySize: number | null;
  readonly valueSize: number | null;
  readonly maxEntries: number | null;
  readonly flags: number | null;
  readonly inner: string | null;
}

/** What is in an object, as `rootlet inspect --json` prints it. Sizes in bytes. */
export interface Inspection {
  readonly name: string;
  readonly byteOrder: BpfObject['byteOrder'];
  readonly license: string | null;
  readonly programs: readonly InspectedFunction[];
  readonly functions: readonly InspectedFunction[];
  readonly maps: readonly InspectedMap[];
  readonly variables: readonly InspectedVariable[];
  readonly externs: readonly InspectedSymbol[];
  readonly sections: readonly {
    readonly name: string;
    readonly size: number;
    readonly align: number;
    readonly atoms: number;
  }[];
  /** BTF kind → number of types. */
  readonly types: Readonly<Record<string, number>>;
  /** What reading changed, such as pins of legacy map definitions; what loaders refuse or ignore, and the way out. */
  readonly notes: readonly string[];
  /** Map definitions that cannot be read. */
  readonly problems: readonly Problem[];
}
