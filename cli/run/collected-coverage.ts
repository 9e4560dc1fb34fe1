/**
 * Coverage of machines in other processes: the runner of tests starts one for each file. Each writes what its machines
 * counted into a file of its own when it ends, in a directory that exists meanwhile.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Coverage, MACHINE_WATCHER, sumOfCoverage } from '../../src/vm/index.ts';

const DIRECTORY = 'ROOTLET_TEST_COVERAGE';

/** Runs first in each process. It keeps the machines, which count until the end. */
const COLLECTOR = `
import { writeFileSync } from 'node:fs';
const directory = process.env.${DIRECTORY};
const machines = [];
globalThis[Symbol.for('${MACHINE_WATCHER}')] = machine => machines.push(machine);
process.on('exit', () => {
  const files = ({ name, lines, functions }) => ({ name, lines: [...lines], functions });
  const found = machines.map(machine => machine.coverage().files.map(files));
  if (found.length > 0) writeFileSync(\`\${directory}/\${process.pid}.json\`, JSON.stringify(found), { flag: 'wx' });
});
`;

interface WrittenFile {
  readonly name: string;
  readonly lines: readonly (readonly [line: number, count: number])[];
  readonly functions: Coverage['files'][number]['functions'];
}

export class CollectedCoverage {
  readonly #directory = mkdtempSync(join(tmpdir(), 'rootlet-coverage-'));
  /** Of Node. */
  readonly options: readonly string[] = ['--import', `data:text/javascript,${encodeURIComponent(COLLECTOR)}`];
  readonly environment: Readonly<Record<string, string>> = { [DIRECTORY]: this.#directory };

  /** What all processes that have ended counted. */
  sum(): Coverage {
    return sumOfCoverage(
      readdirSync(this.#directory)
        .sort()
        .flatMap(name => this.#read(name)),
    );
  }

  #read(name: string): Pick<Coverage, 'files'>[] {
    const machines: readonly (readonly WrittenFile[])[] = JSON.parse(
      readFileSync(join(this.#directory, name), 'utf8'),
    );
    return machines.map(files => ({
      files: files.map(file => ({ ...file, lines: new Map(file.lines) })),
    }));
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}
