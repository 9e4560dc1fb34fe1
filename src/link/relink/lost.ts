/**
 * What components lose as parts of one program, besides verdicts: run configurations of libxdp, and having no
 * license.
 */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import { type BpfObject, licenseOf, runConfigOf, symbolOf } from '../../object/index.ts';
import type { LicenseChoice } from '../passes/index.ts';
import type { RelinkInputs } from './inputs.ts';
import type { Plug } from './slots.ts';

/** Run configurations of programs in slots: the rootlet decides which verdicts continue. */
export function unusedConfigs(objects: readonly BpfObject[], plugs: readonly Plug[]): string[] {
  return plugs.flatMap(({ program }) => {
    const object = elementAt(objects, program.file);
    const symbol = symbolOf(object, program.index);
    if (symbol.kind !== 'function' || runConfigOf(object, symbol) === undefined) return [];
    return [`.xdp_run_config of ${quote(symbol.name)} of ${object.name} is not used: the rootlet decides`];
  });
}

/** Components without a license, which are under that of the others then. */
export function unstatedLicenses({ license }: LicenseChoice, inputs: RelinkInputs): string[] {
  if (license === null) return [];
  const files = inputs.objects.filter((_, at) => at > 0 && at <= inputs.components.length);
  return files
    .filter(object => licenseOf(object) === null)
    .map(object => `${object.name} states no license: its code is under ${quote(license)} in the result`);
}
