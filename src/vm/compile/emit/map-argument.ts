/** Which map a helper call means, when that is known while compiling. */

import type { Helper } from '../../helpers/index.ts';
import type { FunctionEmitter, MapPlan } from './emitter.ts';

/**
 * The map that the call's map argument is; undefined when the helper takes none or it is known only at run
 * time.
 */
export function mapOf(f: FunctionEmitter, helper: Helper): MapPlan | undefined {
  const position = helper.args.indexOf('map');
  if (position < 0) return undefined;
  const value = f.value(position + 1);
  return value.kind === 'const' ? f.plan.mapAt(value.value) : undefined;
}
