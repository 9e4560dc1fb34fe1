/**
 * The command line: routes to commands and exit codes, nothing else. Only the command that is called is
 * loaded.
 */

import {
  buildApplication,
  buildRouteMap,
  type Command,
  type CommandContext,
  ExitCode,
  type RouteMap,
  run,
  type StricliProcess,
} from '@stricli/core';
import { EXIT } from '../src/diag/index.ts';
import { chainWords } from './flags/chain-words.ts';
import { splitLevels } from './flags/optimize.ts';
import { splitLinkWords } from './flags/search.ts';
import type { Catalog } from './help/catalog.ts';
import { groupUsage, optionNames, shortUsage, showCommand, showGroup } from './help/show.ts';
import { type Context, guarded, printJson, tellProblem } from './io/context.ts';
import { loadGroup, type Routes } from './io/routes.ts';
import { type Output, STDERR, STDOUT } from './io/stdio.ts';
import { listenToParser, type Usage } from './parser-text.ts';

type TopLoader = () => Promise<Command<Context> | Routes>;

const COMMANDS: Readonly<Record<string, TopLoader>> = {
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
  link: async () => (await import('./commands/link.ts')).linkCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  test: async () => (await import('./commands/test.ts')).testCommand,
  types: async () => (await import('./commands/types.ts')).typesCommand,
  load: async () => (await import('./commands/load.ts')).loadCommand,
  unload: async () => (await import('./commands/unload.ts')).unloadCommand,
  attach: async () => (await import('./commands/attach.ts')).attachCommand,
  detach: async () => (await import('./commands/detach.ts')).detachCommand,
  ps: async () => (await import('./commands/ps.ts')).psCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  show: async () => (await import('./commands/show.ts')).showCommand,
  set: async () => (await import('./commands/set.ts')).setCommand,
  events: async () => (await import('./commands/events.ts')).eventsCommand,
  trace: async () => (await import('./commands/trace.ts')).traceCommand,
  top: async () => (await import('./commands/top.ts')).topCommand,
  metrics: async () => (await import('./commands/metrics.ts')).metricsCommand,
  explain: async () => (await import('./commands/explain.ts')).explainCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  replace: async () => (await import('./commands/replace.ts')).replaceCommand,
  plan: async () => (await import('./commands/plan.ts')).planCommand,
  apply: async () => (await import('./commands/apply.ts')).applyCommand,
  export: async () => (await import('./commands/export.ts')).exportCommand,
  fleet: async () => (await import('./commands/fleet.ts')).fleetRoutes,
  agent: async () => (await import('./commands/agent.ts')).agentCommand,
  push: async () => (await import('./commands/push.ts')).pushCommand,
  pull: async () => (await import('./commands/pull.ts')).pullCommand,
  relink: async () => (await import('./commands/relink.ts')).relinkCommand,
  xdp: async () => (await import('./commands/xdp.ts')).xdpRoutes,
  map: async () => (await import('./commands/map.ts')).mapRoutes,
  tc: async () => (await import('./commands/tc.ts')).tcRoutes,
  help: async () => (await import('./help/command.ts')).helpCommand(loadCatalog),
  completion: async () => (await import('./help/command.ts')).completionCommand(loadCatalog),
};

/** All commands with their pages. */
export async function loadCatalog(): Promise<Catalog> {
  const { catalogOf } = await import('./help/catalog.ts');
  return catalogOf(await loadAll());
}

/** A command line as the parser expects it, with what it may call. */
interface Called {
  readonly words: readonly string[];
  readonly routes: Record<string, Route>;
  /** The command or group that is called, if it exists. */
  readonly target?: Target;
}

interface Target {
  /** `link`, `xdp`, `xdp load`. */
  readonly name: string;
  readonly route: Route;
}

type Route = Command<Context> | RouteMap<CommandContext & Context>;

/** The called command alone, or all of them for help and for "did you mean". */
async function loadCalled(argv: readonly string[]): Promise<Called> {
  const [name = '', ...rest] = argv;
  const loader = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const called = await loader?.();
  if (called === undefined) return { words: argv, routes: await loadAll() };
  if (!isGroup(called))
    return { words: splitWords(argv), routes: { [name]: called }, target: { name, route: called } };
  const words = chainWords(splitLevels(rest), Object.keys(called.commands));
  const route = await loadGroup(called, words[0]);
  return { words: [name, ...words], routes: { [name]: route }, target: targetIn(name, route, words[0]) };
}

function targetIn(group: string, route: RouteMap<CommandContext & Context>, word = ''): Target {
  const command = route.getRoutingTargetForInput(word);
  return command === undefined ? { name: group, route } : { name: `${group} ${word}`, route: command };
}

async function loadAll(): Promise<Called['routes']> {
  const loaded = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, loader]) => {
      const called = await loader();
      return [name, isGroup(called) ? await loadGroup(called, undefined) : called] as const;
    }),
  );
  return Object.fromEntries(loaded);
}

function isGroup(called: Command<Context> | Routes): called is Routes {
  return 'commands' in called;
}

function splitWords(argv: readonly string[]): readonly string[] {
  return argv[0] === 'link' || argv[0] === 'relink' ? splitLinkWords(argv) : splitLevels(argv);
}

/** Where a command line prints. */
export interface Streams {
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Runs one command line; sets `process.exitCode`. */
export async function main(
  argv: readonly string[],
  streams: Streams = { stdout: STDOUT, stderr: STDERR },
): Promise<void> {
  const context: Context = { process: { ...streams, env: process.env, exitCode: null } };
  await guarded(context, false, () => runWords(argv, context));
  process.exitCode = exitCode(Number(context.process.exitCode ?? EXIT.ok), argv[0]);
}

/** Sets the exit code of `context`. */
async function runWords(argv: readonly string[], context: Context): Promise<void> {
  const called = await loadCalled(argv);
  if (await showedHelp(argv, called, context)) return;
  const parser = listenToParser(usageOf(called));
  const routes = buildRouteMap<string, CommandContext & Context>({
    routes: called.routes,
    docs: { brief: 'Link, re-link, run and load BPF objects' },
  });
  const app = buildApplication(routes, {
    name: 'rootlet',
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { useAliasInUsageLine: true },
    localization: { text: parser.text },
  });
  const { stdout, stderr } = context.process;
  /** The parser would report errors of its help with its own text. */
  let failure: { readonly error: unknown } | undefined;
  const host: StricliProcess = {
    ...context.process,
    stdout: {
      write(text) {
        try {
          stdout.write(text);
        } catch (error) {
          failure ??= { error };
          throw error;
        }
      },
    },
    stderr: {
      write(text) {
        if (failure === undefined && parser.problem() === undefined) stderr.write(text);
      },
    },
  };
  await run(app, called.words, { process: host });
  if (failure !== undefined) throw failure.error;
  context.process.exitCode = host.exitCode ?? null; // the parser sets it only if it is not set
  const refused = parser.problem();
  if (refused === undefined) return;
  // as commands report theirs
  if (hasOption(argv, '--json')) printJson(context, { ok: false, problems: [refused] });
  else tellProblem(context, refused);
}

/** Help is printed by rootlet itself: the parser knows no sections, examples and widths. */
async function showedHelp(argv: readonly string[], called: Called, context: Context): Promise<boolean> {
  const { target, words } = called;
  if (target === undefined) {
    const isHelp = words.length === 0 || words.every(word => HELP_OPTIONS.includes(word));
    if (isHelp) (await import('./help/command.ts')).printHelp(context, await loadCatalog(), []);
    return isHelp;
  }
  const isBareGroup = 'getAllEntries' in target.route && called.words.length === 1;
  if (!isBareGroup && !HELP_OPTIONS.some(option => hasOption(argv, option)) && !asksByWord(called))
    return false;
  if ('getAllEntries' in target.route) showGroup(context, target.name, target.route);
  else showCommand(context, target.name, target.route);
  return true;
}

const HELP_OPTIONS = ['--help', '-h', '--help-all', '--helpAll'];

/** `rootlet xdp help load` is `rootlet xdp load --help`. */
function asksByWord({ words }: Called): boolean {
  return words.at(-1) === '--help';
}

/** What a refusal of arguments ends with, where nothing better is known. */
function usageOf({ target }: Called): () => Usage {
  return () => {
    if (target === undefined)
      return { names: Object.keys(COMMANDS), hint: 'rootlet help lists the commands' };
    const { name, route } = target;
    if ('getAllEntries' in route) return groupUsage(name, route);
    return { names: optionNames(route), hint: shortUsage(name, route) };
  };
}

/** Whether the arguments before `--` have the option; the parse error is what must be reported. */
function hasOption(argv: readonly string[], option: string): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(option);
}

/** The parser's own codes are negative. `plan` has another meaning for the exit code of usage errors. */
function exitCode(code: number, command: string | undefined): number {
  const isUsage = code === ExitCode.UnknownCommand || code === ExitCode.InvalidArgument;
  if (isUsage) return command === 'plan' ? EXIT.input : EXIT.usage;
  return code < 0 ? EXIT.bug : code;
}
