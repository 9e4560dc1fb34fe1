/** What the optimizer would do to a new version, for dry runs: nothing is planned or loaded. */

import type { OptimizeReport } from '../../link/index.ts';
import { firstVariant, NOT_OPTIMIZED, type OptimizeSetting } from '../../load/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { plainExterns } from '../bind/index.ts';

/** What a dry run reports. */
export interface OptimizationOutlook {
  readonly optimization: OptimizeReport | null;
  /** One sentence each. */
  readonly notes: readonly string[];
}

/** `isLoaded`: whether a program of the object would be loaded. */
export function optimizationOutlook(
  object: BpfObject,
  setting: OptimizeSetting = NOT_OPTIMIZED,
  isLoaded: (program: string) => boolean = () => true,
): OptimizationOutlook {
  if (setting.level === 0) return { optimization: null, notes: [] };
  if (plainExterns(object).length > 0) return { optimization: null, notes: [UNBOUND] };
  const { report, notes } = firstVariant(object, setting, isLoaded);
  if (report === null) return { optimization: null, notes };
  const programs = report.programs.filter(({ program }) => isLoaded(program));
  return { optimization: { ...report, programs }, notes };
}

const UNBOUND =
  'what would be optimized is not known before the externs are bound: code that is bound by copy is optimized, too';
