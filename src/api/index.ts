/**
 * Entry point `rootlet`: problems, and the main functions of what needs no kernel. Works in a browser.
 *
 * @module rootlet
 */

export type { InputFile } from '../bytes/index.ts';
export {
  exitCodeOf,
  formatProblem,
  type Limits,
  PROBLEM_CODES,
  type Problem,
  type ProblemClass,
  type ProblemCode,
  RootletError,
} from '../diag/index.ts';
export {
  type Inspection,
  inspect,
  type LinkInput,
  type LinkOptions,
  type LinkResult,
  link,
  linkToBytes,
  type RelinkOptions,
  type RelinkResult,
  relink,
  relinkChain,
  type SlotAssignment,
} from '../link/index.ts';
export {
  type BpfObject,
  type BpfSymbol,
  type ReadOptions,
  readObject,
  writeObject,
} from '../object/index.ts';
export {
  createMachine,
  createMachineAsync,
  type Machine,
  type MachineMap,
  type MachineOptions,
  type RunContext,
  type RunResult,
} from '../vm/index.ts';
