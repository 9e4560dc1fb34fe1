/** Problems as data, and `RootletError`. */

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
export { ProblemList } from './problem-list.ts';
