/** The code that is shipped, as text: for tests of its shape. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the root of the checkout, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** All code that is shipped: no tests, and nothing that only tests import. */
export function shippedFiles(): SourceFile[] {
  return ['src', 'cli']
    .flatMap(directory =>
      readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' }).map(
        name => `${directory}/${name}`,
      ),
    )
    .map(name => name.replaceAll(path.sep, '/'))
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('/testing.ts'))
    .sort()
    .map(name => ({ path: name, text: readFileSync(path.join(ROOT, name), 'utf8') }));
}
