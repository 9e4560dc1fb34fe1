/** Coverage as a file in the format of lcov, and how much of the source it says that ran. */

import { encodeText } from '../../src/bytes/index.ts';
import { counted, inputError } from '../../src/diag/index.ts';
import type { Coverage } from '../../src/vm/index.ts';
import { writeOutput } from './files.ts';

/** Lines of the source that have code, and those that ran. */
export interface CoverageCount {
  readonly lines: number;
  readonly run: number;
}

/** `test` names what was run; `inputs` are what an error is about. Throws `run-no-lines`. */
export function writeTracefile(
  path: string,
  coverage: Coverage,
  test: string,
  inputs: readonly string[],
): CoverageCount {
  const counts = coverage.files.flatMap(({ lines }) => [...lines.values()]);
  if (counts.length === 0) {
    throw inputError('run-no-lines', inputs, 'has no lines of the source to count', {
      hint: 'compile with -g, and keep .BTF.ext',
    });
  }
  writeOutput(path, encodeText(coverage.lcov(test)));
  return { lines: counts.length, run: counts.filter(count => count > 0).length };
}

export function coverageText({ lines, run }: CoverageCount): string {
  return `coverage: ${run} of ${counted(lines, 'line')} ran`;
}
