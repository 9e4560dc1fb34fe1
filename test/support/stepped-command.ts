/**
 * The command as one file that can be stopped between two system calls.
 *
 * Tests start it as a process of its own, as a user does. With ROOTLET_TEST_KILL=N it kills itself before its Nth step;
 * steps are the system calls that change something that outlives the process: pins, links, programs on hooks, elements
 * of maps, and directories of the store. With `outputs`, all file operations of reading inputs and writing outputs.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');

export interface SteppedCommand {
  /** File for `node`. */
  readonly path: string;
  remove(): void;
}

/**
 * It is made inside `node_modules`, where it finds the packages that it needs. `run`: what it does, as source text that
 * imports with absolute paths; default the command.
 */
export async function bundleCommand(run: string = COMMAND, outputs = false): Promise<SteppedCommand> {
  const directory = mkdtempSync(join(ROOT, 'node_modules/.cache-command-'));
  const path = join(directory, 'rootlet.mjs');
  const seen = new Set<string>();
  await build({
    stdin: { contents: STEPS + run, resolveDir: ROOT, sourcefile: 'entry.ts', loader: 'ts' },
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
    plugins: [(outputs ? outputStepsIn : stepsIn)(seen)],
  });
  for (const file of outputs ? OUTPUT_FILES : COUNTED)
    if (!seen.has(file)) throw new Error(`no step is counted in ${file}`);
  return { path, remove: () => rmSync(directory, { recursive: true }) };
}

const STEPS = `
  const last = Number(process.env.ROOTLET_TEST_KILL ?? 0);
  let count = 0;
  globalThis.rootletStep = () => { if (++count === last) process.kill(process.pid, 'SIGKILL'); };
`;

/** The whole command. */
export const COMMAND = `
  import { main } from ${JSON.stringify(join(ROOT, 'cli/main.ts'))};
  await main(process.argv.slice(2));`;

/** Files that must be in the bundle with their steps. */
const COUNTED = ['src/kernel/sys/sys.ts', 'src/kernel/hooks/netlink.ts', 'src/store/directory.ts'];

const OUTPUT_FILES = ['cli/io/files.ts', 'cli/io/stdio.ts', 'cli/io/target.ts'];

const countingIn =
  (filter: RegExp, withSteps: (path: string, text: string) => string) =>
  (seen: Set<string>): Plugin => ({
    name: 'steps',
    setup(made) {
      made.onLoad({ filter }, ({ path }) => {
        seen.add(relative(ROOT, path));
        return { contents: withSteps(path, readFileSync(path, 'utf8')), loader: 'ts' };
      });
    },
  });

/** Commands of bpf(2) that change what outlives a process. */
const CHANGING = {
  BPF_MAP_UPDATE_ELEM: 2,
  BPF_MAP_DELETE_ELEM: 3,
  BPF_OBJ_PIN: 6,
  BPF_PROG_ATTACH: 8,
  BPF_PROG_DETACH: 9,
  BPF_MAP_FREEZE: 22,
  BPF_LINK_CREATE: 28,
  BPF_LINK_UPDATE: 29,
  BPF_LINK_DETACH: 34,
  BPF_PROG_BIND_MAP: 35,
} as const;

const STEP = '(globalThis as any).rootletStep()';

/** Throws when there is nothing to count in a file: a test that stops nowhere would pass. */
function withSteps(path: string, text: string): string {
  if (path.endsWith('/sys.ts'))
    return replaced(path, text, "return holding(buffers, () => sys.syscall('bpf'", call => {
      return `if (${JSON.stringify(Object.values(CHANGING))}.includes(command)) ${STEP};\n  ${call}`;
    });
  if (path.endsWith('/netlink.ts'))
    return replaced(
      path,
      text,
      "this.#sys.syscall('sendto'",
      call => `(${STEP}, this.#sys).${call.slice(10)}`,
    );
  return text.replace(/\b(mkdirSync|renameSync|symlinkSync|unlinkSync|rmdirSync)\(/g, `(${STEP}, $1)(`);
}

function replaced(path: string, text: string, call: string, by: (call: string) => string): string {
  if (!text.includes(call)) throw new Error(`${path} has no ${call} any more`);
  return text.replaceAll(call, by(call));
}

const stepsIn = countingIn(/src\/kernel\/(sys\/sys|hooks\/netlink)\.ts$|src\/store\/[a-z-]+\.ts$/, withSteps);

/** Calls of `node:fs`, also of a file that is only read; not its declarations and imports. */
const outputStepsIn = countingIn(/cli\/io\/(files|stdio|target)\.ts$/, (_, text) =>
  text.replace(/\b([a-z]+Sync)\(/g, `(${STEP}, $1)(`),
);
