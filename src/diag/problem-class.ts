/** Who has to act on a problem. */

/** Who has to act: decides the exit code of the command (see `exitCodeOf`). */
export type ProblemClass = 'input' | 'usage' | 'platform' | 'busy' | 'partial' | 'bug';
