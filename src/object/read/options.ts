/** Options of reading. */

import type { Limits, Problem } from '../../diag/index.ts';
import type { Image } from '../../image/index.ts';

/** Options of `readObject`. */
export interface ReadOptions {
  /** Keep DWARF (`.debug_*` sections). Default false. */
  readonly keepDebug?: boolean;
  /**
   * For tools that show what is in a file: called with what is wrong with a part of it, instead of throwing.
   * The rest is read. An object that was read with problems can be neither linked nor loaded.
   */
  readonly onProblems?: (problems: readonly Problem[]) => void;
  /**
   * Keep functions whose code is faulty in itself (a jump out of the function, a call of no function) instead
   * of throwing, with what is wrong in `FunctionSymbol.faults`, and leave out `.BTF` and `.BTF.ext` that are
   * malformed if nothing in the file needs them (`BpfObject.faults`). Programs that do not need what is faulty
   * can be loaded and run. `link`, `relink` and `writeObject` throw the faults. Default false.
   */
  readonly keepFaults?: boolean;
  /** Limits of input, as `--limits` takes them (docs/robustness.md). Throws `usage-limits` for others. */
  readonly limits?: Limits;
  /**
   * Memory to read into, which the inputs of one link share. Default: memory of its own.
   * @internal
   */
  readonly image?: Image;
}
