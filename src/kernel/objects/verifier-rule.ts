/** What one message of the verifier means: the form of the rules in `verifier-causes.ts` and beside it. */

/** Names of the functions of the program, in the order of their instructions: messages have numbers. */
export type FunctionNames = readonly string[];

/** Named groups of a pattern. */
export type Operands = Readonly<Record<string, string | undefined>>;

/** A message that is known. Its pattern matches all of the message. */
export interface CauseRule {
  /** Stable within a version. */
  readonly kind: string;
  readonly pattern: RegExp;
  /** Undefined: the rule does not apply after all. */
  readonly hint: (operands: Operands, functions: FunctionNames) => string | undefined;
}

/** A rule with the same hint for all operands, or one that depends on them. */
export function rule(kind: string, pattern: RegExp, hint: string | CauseRule['hint']): CauseRule {
  return { kind, pattern, hint: typeof hint === 'string' ? () => hint : hint };
}
