/** Problems as data, and `RootletError`. */

export { afterChange, type Happened, notComplete } from './after-change.ts';
export {
  argumentError,
  isBytes,
  requireList,
  requireOptions,
  requireRecord,
  requireText,
} from './arguments.ts';
export { type CodeOf, PROBLEM_CODES, type ProblemCode } from './codes.ts';
export {
  describeLimit,
  LIMITS,
  type LimitName,
  type Limits,
  limitError,
  limitHint,
  limitOf,
  raiseHint,
  requireLimit,
  requireLimitName,
  requireLimits,
  SIZE_UNITS,
  spell,
  WIDEST_LIMITS,
} from './limits.ts';
export {
  asLines,
  bold,
  joinBlocks,
  joinLines,
  jsonLines,
  type Lines,
  line,
  marked,
  problemLines,
} from './lines.ts';
export { oneLine, printable, printableName, printableYaml, quote, shellWord } from './printable.ts';
export {
  addFrame,
  bugError,
  counted,
  EXIT,
  exitCodeOf,
  formatProblem,
  inputError,
  type Problem,
  type ProblemExtras,
  platformError,
  problem,
  RootletError,
  recoded,
  usageError,
  within,
} from './problem.ts';
export type { ProblemClass } from './problem-class.ts';
export { ProblemList } from './problem-list.ts';
export { failed, ok, type Result } from './result.ts';
export { available, didYouMean, nearestNames, quoteAll, suggestion } from './suggest.ts';
