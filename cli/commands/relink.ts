/** `rootlet relink`: components into the slots of a rootlet, or of a chain made for them. */

import { existsSync } from 'node:fs';
import { buildCommand } from '@stricli/core';
import { encodeText } from '../../src/bytes/index.ts';
import { quote, RootletError, usageError } from '../../src/diag/index.ts';
import {
  assignInOrder,
  type BindRequest,
  type ChainComponent,
  parseTarget,
  type RelinkOptions,
  type RelinkReport,
  type RelinkResult,
  relink,
  relinkChain,
  type SlotAssignment,
} from '../../src/link/index.ts';
import { readObject, writeObject } from '../../src/object/index.ts';
import {
  type NamedComponent,
  parseAssignment,
  parseChainComponent,
  parseComponent,
  words,
} from '../components.ts';
import { type Context, guarded, print, printJson, tell } from '../context.ts';
import {
  type NamedBytes,
  readInputs,
  requireDistinct,
  requireNoInput,
  requireOutput,
  writeOutput,
} from '../files.ts';
import { formatLinkMap } from '../format/link-map.ts';

interface Flags {
  readonly output?: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly map?: string;
  readonly order?: string;
  readonly chain: boolean;
  readonly on?: string;
  readonly final?: string;
  readonly program?: string;
  readonly ownState?: readonly string[];
  readonly share?: readonly string[];
  readonly private?: readonly string[];
  readonly bind?: readonly string[];
  readonly limits: boolean;
}

const text = { kind: 'parsed', parse: String, optional: true } as const;
const texts = { ...text, variadic: true } as const;

export const relinkCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Plug programs into the slots of a rootlet: the result is one ordinary object',
    fullDescription:
      'ROOTLET is an object whose weak functions are slots. SLOT=FILE[:PROGRAM] puts a program of another object in the ' +
      'place of a slot; PROGRAM may be left out when the object has one program. Components keep their own functions, ' +
      'maps and globals, even when their names are the same. With --chain there is no ROOTLET: one is made with a slot ' +
      'for each FILE[:PROGRAM][@VERDICT,...], where the verdicts are those that go on to the next component.',
  },
  parameters: {
    flags: {
      output: { ...text, brief: 'Where the result goes (- for stdout)', placeholder: 'OUT' },
      order: {
        ...text,
        brief: 'Fill the slots in order with these components',
        placeholder: 'FILE[:PROGRAM],...',
      },
      chain: { kind: 'boolean', default: false, brief: 'Make a rootlet with a slot for each component' },
      on: {
        ...text,
        brief: 'With --chain: verdicts that go on to the next component (pass)',
        placeholder: 'VERDICT,...',
      },
      final: {
        ...text,
        brief: 'With --chain: verdict when the last one goes on (last: its own)',
        placeholder: 'VERDICT',
      },
      program: { ...text, brief: 'With --chain: name of the program (chain)', placeholder: 'NAME' },
      ownState: {
        ...texts,
        brief: 'Give the component in SLOT functions and state of its own',
        placeholder: 'SLOT',
      },
      share: {
        ...texts,
        brief: 'Let all components use one map or global NAME (*: all maps)',
        placeholder: 'NAME',
      },
      private: { ...texts, brief: 'Except NAME from --share', placeholder: 'NAME' },
      bind: {
        ...texts,
        brief: "Give one object's extern another object's definition",
        placeholder: 'FILE:EXTERN=FILE:NAME',
      },
      limits: { kind: 'boolean', default: true, brief: 'Say here what a kernel would refuse' },
      map: { ...text, brief: 'Write the link map to FILE', placeholder: 'FILE' },
      json: { kind: 'boolean', default: false, brief: 'Report as JSON on stdout' },
      quiet: { kind: 'boolean', default: false, brief: 'Do not print the chain' },
    },
    aliases: { o: 'output', q: 'quiet' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'The rootlet, then SLOT=FILE[:PROGRAM] ...; with --chain only components',
        parse: String,
        placeholder: 'ROOTLET|SLOT=FILE',
      },
    },
  },
  async func(flags, ...args) {
    await guarded(this, flags.json, () => {
      const output = requireOutput(flags.output);
      requireDistinct([output, flags.map, flags.json ? '-' : undefined]);
      const options = optionsOf(flags, output);
      const result = flags.chain ? chainOf(flags, args, options) : fill(flags, args, options);
      if (!result.ok) throw new RootletError(result.problems);
      writeOutput(output, writeObject(result.object));
      if (flags.map !== undefined) writeOutput(flags.map, encodeText(formatLinkMap(result.report)));
      if (flags.json) printJson(this, { ok: true, output, report: result.report });
      else if (!flags.quiet && output !== '-') printChain(this, output, result.report);
      if (!flags.json) for (const note of result.report.notes) tell(this, `rootlet: note: ${note}`);
    });
  },
});

function optionsOf(flags: Flags, output: string): RelinkOptions {
  return {
    name: output,
    checkLimits: flags.limits,
    share: flags.share ?? [],
    private: flags.private ?? [],
    bind: (flags.bind ?? []).map(parseBind),
  };
}

/** `FILE:EXTERN=[FILE:]NAME`. */
export function parseBind(word: string): BindRequest {
  const equals = word.indexOf('=');
  const colon = word.lastIndexOf(':', equals);
  if (equals < 0 || colon <= 0) throw usageError('usage-bind', `"${word}" is not FILE:EXTERN=FILE:NAME`);
  return {
    consumer: word.slice(0, colon),
    extern: word.slice(colon + 1, equals),
    ...parseTarget(word.slice(equals + 1)),
  };
}

function chainOf(flags: Flags, args: readonly string[], options: RelinkOptions): RelinkResult {
  if (flags.order !== undefined || flags.ownState !== undefined) {
    throw usageError(
      'usage-chain',
      '--chain takes the components in order; --order and --own-state do not go with it',
    );
  }
  const named = args.map(parseChainComponent);
  requireNoInput(
    flags.map,
    named.map(entry => entry.file),
  );
  const components = loadComponents(named);
  return relinkChain(components, {
    ...options,
    ...(flags.on === undefined ? {} : { continueOn: words(flags.on) }),
    ...(flags.final === undefined ? {} : { final: flags.final }),
    ...(flags.program === undefined ? {} : { program: flags.program }),
  });
}

function fill(flags: Flags, args: readonly string[], options: RelinkOptions): RelinkResult {
  const [rootletPath = '', ...rest] = args;
  requireRootlet(rootletPath);
  if (flags.on !== undefined || flags.final !== undefined || flags.program !== undefined) {
    throw usageError('usage-chain', '--on, --final and --program go with --chain');
  }
  const named = rest.map(parseAssignment);
  const ordered = words(flags.order ?? '').map(parseComponent);
  const paths = [rootletPath, ...named.map(entry => entry.file), ...ordered.map(entry => entry.file)];
  requireNoInput(flags.map, paths);
  const [rootlet, ...files] = readInputs(paths);
  if (rootlet === undefined) throw usageError('usage-rootlet', 'give a rootlet');
  const own = new Set(flags.ownState ?? []);
  for (const slot of own) {
    if (!named.some(entry => entry.slot === slot)) {
      throw usageError(
        'usage-own-state',
        `--own-state "${slot}" names no slot that is filled with SLOT=FILE`,
      );
    }
  }
  const explicit = named.map(
    (entry, position): SlotAssignment => ({
      slot: entry.slot,
      component: files[position] ?? rootlet,
      ...(entry.program === undefined ? {} : { program: entry.program }),
      ...(own.has(entry.slot) ? { instance: entry.slot } : {}),
    }),
  );
  if (ordered.length === 0) return relink(rootlet, explicit, options);
  const object = readObject(rootlet.bytes, rootlet.name);
  const inOrder = assignInOrder(
    object,
    ordered.map((entry, position) => componentOf(entry, files[named.length + position] ?? rootlet)),
  );
  if ('code' in inOrder) return { ok: false, problems: [inOrder] };
  return relink(object, [...explicit, ...inOrder], options);
}

/** `SLOT=FILE` in the rootlet's place is an assignment whose rootlet was forgotten, unless it is a file's name. */
function requireRootlet(path: string): void {
  if (path.includes('=') && !existsSync(path))
    throw usageError(
      'usage-rootlet',
      `${quote(path)} stands where the rootlet must: relink ROOTLET SLOT=FILE ...`,
    );
}

function loadComponents(named: readonly NamedComponent[]): ChainComponent[] {
  const files = readInputs(named.map(entry => entry.file));
  return named.flatMap((entry, position) => {
    const file = files[position];
    return file === undefined ? [] : [componentOf(entry, file)];
  });
}

function componentOf({ program, continueOn }: NamedComponent, file: NamedBytes): ChainComponent {
  return {
    component: file,
    ...(program === undefined ? {} : { program }),
    ...(continueOn === undefined ? {} : { continueOn }),
  };
}

function printChain(context: Context, output: string, report: RelinkReport): void {
  const lines = report.slots.map(slot =>
    slot.component === null
      ? `  ${slot.slot}  keeps its default`
      : `  ${slot.slot} = ${slot.component}:${slot.program}${slot.program === slot.function ? '' : ` (now ${slot.function})`}`,
  );
  const renames = report.renames.map(rename => `  ${rename.file}: ${rename.from} -> ${rename.to}`);
  const parts = [
    `${output}:`,
    ...lines,
    ...(renames.length === 0 ? [] : ['renamed, because the name was taken:', ...renames]),
  ];
  print(context, parts.join('\n'));
}
