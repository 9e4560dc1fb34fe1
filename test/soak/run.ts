/**
 * `npm run soak -- [--cycles N] [--minutes M] [--what links|loads|chains|events|machine]`: repeats everything that takes
 * something of the kernel or of memory, in one process, and measures what is left. Prints a table; exit code 1 when
 * something grows with the number of cycles (`growth.ts` has the rule). Needs root, Clang 19 and iproute2.
 *
 * The process starts itself again in network and mount namespaces of its own, with which all ends that it attaches and
 * pins. `--minutes` is for the whole run; each subject has an equal part of it.
 */

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { chainSubjects } from './chains.ts';
import { eventSubjects } from './events.ts';
import { linkSubjects } from './links.ts';
import { loadSubjects } from './loads.ts';
import { machineSubjects } from './machine.ts';
import { LARGE } from './sources.ts';
import { grown, type Outcome, repeat, type Subject } from './subject.ts';
import { headOf, rowOf, textOf } from './table.ts';
import { World } from './world.ts';

const SEPARATED = 'ROOTLET_SOAK';

export interface Settings {
  readonly cycles: number;
  readonly minutes: number;
  readonly what: readonly string[];
  /** Only subjects with this in their name. */
  readonly only: string;
}

export function settingsOf(argv: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      cycles: { type: 'string', default: '10000' },
      minutes: { type: 'string', default: '60' },
      what: { type: 'string', multiple: true, default: ['links', 'loads', 'chains', 'events', 'machine'] },
      only: { type: 'string', default: '' },
    },
  });
  const [cycles, minutes] = [Number(values.cycles), Number(values.minutes)];
  if (!(cycles >= 1 && minutes > 0)) throw new Error('--cycles and --minutes take positive numbers');
  return { cycles, minutes, what: values.what, only: values.only };
}

/** The forms of kernels are those of this build. */
function subjectsOf(world: World, { what, only }: Settings): Subject[] {
  const objects = (name: string) => world.object(name);
  const forms = import.meta.url.endsWith('.js') ? (['wasm', 'js'] as const) : (['js'] as const);
  return [
    ...linkSubjects(objects, LARGE, forms),
    ...machineSubjects(objects),
    ...eventSubjects(world),
    ...loadSubjects(world),
    ...chainSubjects(world),
  ].filter(({ what: kind, name }) => what.includes(kind) && name.includes(only));
}

async function soak(settings: Settings): Promise<number> {
  const world = new World();
  try {
    const subjects = subjectsOf(world, settings);
    const milliseconds = (settings.minutes * 60_000) / subjects.length;
    const outcomes: Outcome[] = [];
    process.stdout.write(`${textOf(headOf())}\n`);
    for (const subject of subjects) {
      const outcome = await repeat(
        subject,
        { cycles: settings.cycles, milliseconds },
        world.sys,
        world.bpffs,
      );
      outcomes.push(outcome);
      process.stdout.write(`${textOf(rowOf(outcome))}\n`);
    }
    return outcomes.some(outcome => grown(outcome).length > 0) ? 1 : 0;
  } finally {
    world.close();
  }
}

/** In namespaces of its own. */
function separated(argv: readonly string[]): number {
  const words = ['--mount', '--net', process.execPath, ...process.execArgv, process.argv[1] ?? '', ...argv];
  const { status, error } = spawnSync('unshare', words, {
    stdio: 'inherit',
    env: { ...process.env, [SEPARATED]: '1' },
  });
  if (error !== undefined) throw error;
  return status ?? 1;
}

/** The command; sets `process.exitCode`. */
export async function run(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.exitCode = process.env[SEPARATED] === '1' ? await soak(settingsOf(argv)) : separated(argv);
}
