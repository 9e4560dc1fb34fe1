/** What components lose as parts of one object: having no license. */

import { quote } from '../../diag/index.ts';
import { licenseOf } from '../../object/index.ts';
import type { LicenseChoice } from '../passes/index.ts';
import type { RelinkInputs } from './inputs.ts';

/** Components without a license, which are under that of the others then. */
export function unstatedLicenses({ license }: LicenseChoice, inputs: RelinkInputs): string[] {
  if (license === null) return [];
  const files = inputs.objects.filter((_, at) => at > 0 && at <= inputs.components.length);
  return files
    .filter(object => licenseOf(object) === null)
    .map(object => `${object.name} states no license: its code is under ${quote(license)} in the result`);
}
