/** A place for the compiled kernels, which the first test that needs them fills (`src/image/testing.ts`). */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-kernels-'));
  process.env['ROOTLET_TEST_KERNELS'] = join(directory, 'kernels.json');
  return () => rmSync(directory, { recursive: true, force: true });
}
