/** Programs of other projects that tests compare with; a test without its program is skipped and says so. */

import { execFileSync, spawnSync } from 'node:child_process';

/** The first of `names` that can be started, or undefined. */
export function findTool(...names: readonly string[]): string | undefined {
  return names.find(name => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

/** Standard output and standard error of a run that has to succeed. */
export function runTool(tool: string, args: readonly string[]): string {
  const result = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout + result.stderr;
}

/** Standard output only. */
export function outputOf(tool: string, args: readonly string[]): string {
  return execFileSync(tool, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
