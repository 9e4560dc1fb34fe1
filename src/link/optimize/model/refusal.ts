/**
 * Why a program is left as it is.
 *
 * Thrown by passes and caught by `optimize()`, never seen outside: a program that a pass cannot handle is not an
 * error, it stays unoptimized and the report gives the reason.
 */

export class Refusal extends Error {
  /** Completes a sentence: `not optimized: <reason>`. */
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}
