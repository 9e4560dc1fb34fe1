/**
 * Whole processes, measured from outside: several commands one after the other, so that a change of the machine's speed meets all
 * alike, and the peak of a process's memory.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { median } from './support.ts';

/** A program to start, with its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Beside those of the benchmark. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Runs at most; a command that takes seconds need not run as often as the others. */
  readonly rounds?: number;
  /** After each run, outside the measured time. */
  readonly after?: () => void;
}

/** Node with `args`. */
export function node(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Command {
  return { program: process.execPath, args, environment };
}

/** Node that does nothing: what all other times of Node are taken over. */
export const BARE: Command = node(['-e', '0']);

const OUTPUT = 2 ** 30;

/**
 * What processes get: certificates of this variable are read by Node 20 at each start, which takes 40 ms and is not a
 * part of any command.
 */
function environmentWith(own: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
  return { ...inherited, ...own };
}

/** Runs `command` to its end and returns what it printed. */
export function run({ program, args, environment }: Command): string {
  const env = environmentWith(environment);
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: OUTPUT, env });
  if (result.error !== undefined) throw new Error(`${program} cannot be run: ${result.error.message}`);
  if (result.status !== 0)
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} failed: ${result.stderr}`);
  return result.stdout;
}

function timed(command: Command): number {
  const { program, args, environment, after } = command;
  const env = environmentWith(environment);
  const start = performance.now();
  const result = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const time = (performance.now() - start) / 1000;
  if (result.status !== 0) throw new Error(`${program} ${args.slice(0, 3).join(' ')} failed`);
  after?.();
  return time;
}

/** Median seconds of each command, `rounds` times one after the other. */
export function inTurn(rounds: number, commands: readonly Command[]): number[] {
  const times = commands.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    commands.forEach((command, index) => {
      if (round < (command.rounds ?? rounds)) times[index]?.push(timed(command));
    });
  }
  return times.map(median);
}

/** Peak memory of a Node process in bytes, median of three; it writes the number at its end, to a file in `directory`. */
export function peakOf(command: Command, directory: string): number {
  const [hook, file] = [join(directory, 'peak.cjs'), join(directory, 'peak.txt')];
  const path = JSON.stringify(file);
  writeFileSync(
    hook,
    `process.on('exit', () => require('node:fs').writeFileSync(${path}, String(process.resourceUsage().maxRSS)));\n`,
  );
  const once = (): number => {
    run({ ...command, args: ['--require', hook, ...command.args] });
    return Number(readFileSync(file, 'utf8')) * 1024;
  };
  return median([once(), once(), once()]);
}
