/** Errors whose message is known at compile time. */

import type { CodeOf } from '../../../diag/index.ts';
import type { FunctionEmitter } from './emitter.ts';

/** Ends the run at this instruction; what comes after it is not reached. */
export function emitWordsFault(
  f: FunctionEmitter,
  slot: number,
  code: CodeOf<'input'>,
  message: string,
  hint?: string,
): void {
  const words = { kind: 'words', unit: f.unit, slot, code, message } as const;
  f.fault(f.plan.sites.add(hint === undefined ? words : { ...words, hint }));
}
