/** Problems as data, and `RootletError`. */

export {
  argumentError,
  isBytes,
  requireList,
  requireOptions,
  requireRecord,
  requireText,
} from './arguments.ts';
export {
  addFrame,
  bugError,
  EXIT,
  exitCodeOf,
  formatProblem,
  inputError,
  type Problem,
  type ProblemClass,
  platformError,
  printable,
  quote,
  RootletError,
  usageError,
  within,
} from './problem.ts';
