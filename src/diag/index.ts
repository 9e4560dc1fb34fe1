/** Problems as data, and `RootletError`. */

export { argumentError, isBytes, requireList, requireOptions, requireRecord, requireText } from './arguments.ts';
export { type CodeOf, PROBLEM_CODES, type ProblemClass, type ProblemCode } from './codes.ts';
export { EXIT, type Problem, type ProblemExtras, RootletError, addFrame, bugError, distinctProblems, exitCodeOf, formatProblem, inputError, platformError, printable, problem, quote, recoded, sameProblem, usageError, within } from './problem.ts';
export { type Result, failed, ok } from './result.ts';
export { available, didYouMean, nearestNames, quoteAll, suggestion } from './suggest.ts';
