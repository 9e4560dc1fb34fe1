/** Options of `link` and `relink` that optimize the result. */

import { given } from '../../src/bytes/index.ts';
import { quote, usageError } from '../../src/diag/index.ts';
import type { OptimizeOptions } from '../../src/link/index.ts';
import { INLINE_SCOPES, isInlineScope } from '../../src/link/index.ts';
import { listFlag } from './edit.ts';
import { off, text } from './kinds.ts';

export interface OptimizeFlags {
  readonly optimize?: string;
  readonly inline?: string;
  readonly noInline?: readonly string[];
  readonly reportInlining: boolean;
}

/** `standard`: the level without the option, as text. */
export function optimizeFlags(standard: string) {
  return {
    optimize: {
      ...text,
      brief: `Optimize the programs of the result: -O1, or -O0 (default: ${standard})`,
      placeholder: 'LEVEL',
    },
    inline: {
      ...text,
      brief: 'With -O1: which calls are inlined: all, single (default), members or none',
      placeholder: 'SCOPE',
    },
    noInline: listFlag('NAME', 'With -O1: do not inline the function NAME'),
    reportInlining: { ...off, brief: 'With -O1: list what was inlined, and what was not and why' },
  } as const;
}

/** `optimize` of the library; undefined for its default. `standard`: the level without the option. */
export function parseOptimize(flags: OptimizeFlags, standard: '0' | '1'): boolean | OptimizeOptions {
  const level = flags.optimize ?? standard;
  if (level !== '0' && level !== '1')
    throw usageError('usage-optimize', `-O${level} is not a level of optimization`, {
      hint: '-O1 optimizes, -O0 does not; there are no others',
    });
  const { inline } = flags;
  if (inline !== undefined && !isInlineScope(inline))
    throw usageError('usage-optimize', `--inline ${quote(inline)} is not one of ${INLINE_SCOPES.join(', ')}`);
  if (level === '1') return { ...given({ inline, noInline: flags.noInline }) };
  refuseWithout(flags);
  return false;
}

/** Options that say how to optimize, where nothing is optimized. */
function refuseWithout({ inline, noInline = [], reportInlining }: OptimizeFlags): void {
  const without = (option: string): Error => usageError('usage-optimize', `${option} needs -O1`);
  if (inline !== undefined) throw without('--inline');
  if (noInline.length > 0) throw without('--no-inline');
  if (reportInlining) throw without('--report-inlining');
}
