/** Options that optimize: of `link` and `relink` the result, of commands that load what the kernel gets. */

import { given } from '../../src/bytes/index.ts';
import { quote, usageError } from '../../src/diag/index.ts';
import type { OptimizeOptions } from '../../src/link/index.ts';
import { INLINE_SCOPES, isInlineScope } from '../../src/link/index.ts';
import type { OptimizeSetting } from '../../src/load/index.ts';
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

// --- when code is loaded ------------------------------------------------------------------------------------------

/** Of commands that load. */
export interface LoadOptimizeFlags extends Omit<OptimizeFlags, 'reportInlining'> {
  readonly verifyBudget?: boolean;
}

/** `standard`: the level without the option, as text. */
export function loadOptimizeFlags(standard: string) {
  const { optimize, noInline } = optimizeFlags(standard);
  return {
    optimize: {
      ...optimize,
      brief: `Optimize the programs as far as the verifier accepts it: -O1, or -O0 (default: ${standard})`,
    },
    inline: {
      ...text,
      brief: 'With -O1: inline at first all, single (default) or members; less where the verifier refuses it',
      placeholder: 'SCOPE',
    },
    noInline,
    verifyBudget: {
      kind: 'boolean',
      optional: true,
      brief:
        'With -O1: also optimize less where the verifier processes more than 1.2 times the instructions of -O0 plus 100',
    },
  } as const;
}

/** Undefined where no option is given. Without `-O`, the others mean level 1. Throws `usage-optimize`. */
export function parseLoadOptimize(flags: LoadOptimizeFlags): OptimizeSetting | undefined {
  const { optimize, inline, noInline, verifyBudget } = flags;
  if ([optimize, inline, noInline, verifyBudget].every(one => one === undefined)) return undefined;
  if (verifyBudget === true && optimize === '0')
    throw usageError('usage-optimize', '--verify-budget needs -O1');
  const parsed = parseOptimize({ ...flags, reportInlining: false }, '1');
  if (typeof parsed === 'boolean') return { level: 0 };
  if (parsed.inline === 'none')
    throw usageError('usage-optimize', '--inline none leaves nothing to try', {
      hint: '-O0 does not optimize',
    });
  return { level: 1, ...given({ inline: parsed.inline, noInline, verifyBudget }) };
}

/** Arguments as the parser expects them: `-O1` as two words. */
export function splitLevels(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const [options, rest] = end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end)];
  return [...options.flatMap(word => (/^-O./.test(word) ? ['-O', word.slice(2)] : [word])), ...rest];
}
