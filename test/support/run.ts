/** Runs programs of other projects that tests compare with. */

import { spawnSync } from 'node:child_process';

/** Standard output and standard error of a run that has to succeed. */
export function runTool(tool: string, args: readonly string[]): string {
  const { stdout, stderr } = run(tool, args);
  return stdout + stderr;
}

/** Standard output only. */
export function outputOf(tool: string, args: readonly string[]): string {
  return run(tool, args).stdout;
}

function run(tool: string, args: readonly string[]): { readonly stdout: string; readonly stderr: string } {
  const result = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status === 0) return result;
  throw new Error(`${tool} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
}
