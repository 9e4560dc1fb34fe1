/** `rootlet relink`: fills the slots of a rootlet, or of a generated chain, with components. */

import { existsSync } from 'node:fs';
import { buildCommand } from '@stricli/core';
import { encodeText, given, type InputFile } from '../../src/bytes/index.ts';
import {
  joinLines,
  type Limits,
  type Lines,
  line,
  quote,
  RootletError,
  usageError,
} from '../../src/diag/index.ts';
import {
  type ChainComponent,
  type FilledSlot,
  isArchive,
  linkPicture,
  type RelinkOptions,
  type RelinkReport,
  type RelinkResult,
  type RelinkSuccess,
  relink,
  relinkChain,
  type SlotAssignment,
} from '../../src/link/index.ts';
import { writeObject } from '../../src/object/index.ts';
import {
  type NamedComponent,
  parseAssignment,
  parseBind,
  parseChainComponent,
  parseComponent,
  words,
} from '../flags/components.ts';
import {
  EDIT_FLAGS,
  type EditFlags,
  editOptions,
  LICENSE_FLAG,
  listFlag,
  tracedSymbols,
} from '../flags/edit.ts';
import { graphFlag } from '../flags/graph.ts';
import { text } from '../flags/kinds.ts';
import { LINK_LIMITS, type LimitFlags, limitsFlag, parseLimits } from '../flags/limits.ts';
import { type OptimizeFlags, optimizeFlags, parseOptimize } from '../flags/optimize.ts';
import { findInputs, readMember } from '../flags/search.ts';
import { parseTypes, TYPE_FLAG } from '../flags/types.ts';
import {
  formatDiscarded,
  formatExplanation,
  formatLinkMap,
  formatLivePath,
  formatNames,
  formatPulled,
} from '../format/link-map.ts';
import { formatOutcome } from '../format/optimization.ts';
import { type Context, guarded, print, printJson, tell, tellLine, tellNotes } from '../io/context.ts';
import {
  expandResponseFiles,
  readObjectFiles,
  requireDistinct,
  requireNoInput,
  requireOutput,
  writeOutput,
} from '../io/files.ts';
import { openPicture } from '../io/picture.ts';

interface Flags extends EditFlags, OptimizeFlags, LimitFlags {
  readonly output?: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly Map?: string;
  readonly graph?: string;
  readonly order?: string;
  readonly chain: boolean;
  readonly on?: string;
  readonly final?: string;
  readonly chainName?: string;
  readonly ownState?: readonly string[];
  readonly share?: readonly string[];
  readonly private?: readonly string[];
  readonly bind?: readonly string[];
  readonly type?: readonly string[];
  readonly library?: readonly string[];
  readonly libraryPath?: readonly string[];
  readonly license?: string;
  readonly noLimits: boolean;
  readonly gcSections: boolean;
  readonly printGcSections: boolean;
  readonly keep?: readonly string[];
  readonly whyLive?: readonly string[];
  readonly traceSymbol?: readonly string[];
  readonly explain?: readonly string[];
  readonly trace: boolean;
}

export const relinkCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Fill the slots of a rootlet: the result is one object',
    fullDescription:
      'Fill the slots of ROOTLET, which are its weak functions. SLOT=FILE[:PROGRAM] fills SLOT with a program of another ' +
      'object, the component; PROGRAM is optional if the object has one program. Components keep their own functions, ' +
      'maps and globals, even if their names are the same. With --chain there is no ROOTLET: one is generated with a ' +
      'slot for each FILE[:PROGRAM][@VERDICT,...]; these verdicts continue with the next component. @FILE reads ' +
      'arguments from FILE.',
  },
  parameters: {
    flags: {
      output: { ...text, brief: 'Write the object to OUT (- for stdout)', placeholder: 'OUT' },
      order: {
        ...text,
        brief: 'Fill the slots in order with these components',
        placeholder: 'FILE[:PROGRAM],...',
      },
      chain: { kind: 'boolean', default: false, brief: 'Generate a rootlet with a slot for each component' },
      on: {
        ...text,
        brief: 'With --chain: verdicts that continue with the next component (default: as on the hook)',
        placeholder: 'VERDICT,...',
      },
      final: {
        ...text,
        brief: 'With --chain: verdict if the last component continues (last: the verdict of that component)',
        placeholder: 'VERDICT',
      },
      chainName: {
        ...text,
        brief: 'With --chain: name of the generated program (default: chain)',
        placeholder: 'NAME',
      },
      ownState: listFlag('SLOT', 'Give the component in SLOT its own copy of functions and state'),
      share: listFlag(
        'NAME',
        'Share the map, global or function NAME between components (*: all maps; a library: all of it)',
      ),
      private: listFlag('NAME', 'Exclude NAME from --share'),
      bind: listFlag('FILE:EXTERN=FILE:NAME', 'Bind EXTERN of one file to the definition NAME of another'),
      type: {
        ...TYPE_FLAG,
        brief: 'Type of PROGRAM (or FILE:PROGRAM; else of all programs), whatever its section is: xdp, tc, …',
      },
      library: listFlag(
        'NAME',
        'Resolve externs of components in libNAME.a (:NAME is the file name itself) too',
      ),
      libraryPath: listFlag('DIR', 'Add DIR to the search path for libraries'),
      license: LICENSE_FLAG,
      noLimits: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Do not check verifier limits before writing',
      },
      ...limitsFlag(LINK_LIMITS),
      ...optimizeFlags('-O1 with --chain, else -O0'),
      ...EDIT_FLAGS,
      gcSections: {
        kind: 'boolean',
        default: true,
        brief: 'Discard functions, variables, maps and types that the rootlet does not need',
      },
      printGcSections: { kind: 'boolean', default: false, brief: 'List what was discarded, and why' },
      keep: listFlag('SYM', 'Keep SYM and what it references'),
      whyLive: listFlag('SYM', 'Print the path that keeps SYM'),
      explain: { ...listFlag('SYM', 'Same as --trace-symbol'), hidden: true },
      traceSymbol: listFlag(
        'SYM',
        'Print which definition of SYM each component uses, which were discarded, and where it is referenced',
      ),
      trace: {
        kind: 'boolean',
        default: false,
        brief: 'Print each input file, and the symbol that pulled in each archive member',
      },
      Map: { ...text, brief: 'Write the link map to FILE', placeholder: 'FILE' },
      graph: graphFlag('which file gave what'),
      json: { kind: 'boolean', default: false, brief: 'Output JSON' },
      quiet: { kind: 'boolean', default: false, brief: 'Do not print the slots and their components' },
    },
    aliases: {
      o: 'output',
      q: 'quiet',
      l: 'library',
      L: 'libraryPath',
      t: 'trace',
      y: 'traceSymbol',
      O: 'optimize',
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'Rootlet, then SLOT=FILE[:PROGRAM]...; with --chain, components only; archives may follow',
        parse: String,
        placeholder: 'ROOTLET|SLOT=FILE',
      },
    },
  },
  async func(flags, ...given) {
    await guarded(this, flags.json, async () => {
      const output = requireOutput(flags.output);
      requireDistinct([output, flags.Map, flags.graph, flags.json ? '-' : undefined]);
      const write = flags.graph === undefined ? undefined : await openPicture(flags.graph);
      checkFlags(flags);
      const args = expandResponseFiles(given);
      const limits = parseLimits(flags, LINK_LIMITS);
      const files = flags.chain ? readChain(args, limits) : readSlots(flags, args, limits);
      const libraries = [...files.libraries, ...readLibraries(flags)];
      const names = [...files.names, ...libraries.map(({ name }) => name)];
      for (const beside of [flags.Map, flags.graph]) requireNoInput(beside, names);
      if (flags.trace) for (const name of new Set(names)) tellLine(this, name);
      const options = optionsOf(flags, output, names, libraries);
      const result = files.relink(options, flags);
      if (flags.trace) for (const member of result.pulled) tell(this, formatPulled(member));
      if (!result.ok) throw new RootletError(result.problems);
      const picture = flags.graph === undefined ? undefined : linkPicture(output, result.report, limits);
      writeOutput(output, writeObject(result.object));
      if (flags.Map !== undefined) writeOutput(flags.Map, encodeText(formatLinkMap(result.report)));
      if (picture !== undefined) write?.(this, picture);
      tellOutcome(this, output, flags, result);
    });
  },
});

function checkFlags(flags: Flags): void {
  if (flags.chain && flags.order !== undefined)
    throw usageError(
      'usage-chain',
      '--chain takes the components in order; --order cannot be combined with it',
    );
  if (!flags.chain && (flags.on ?? flags.final ?? flags.chainName) !== undefined)
    throw usageError('usage-chain', '--on, --final and --chain-name need --chain');
  if (flags.gcSections) return;
  if ((flags.keep ?? []).length > 0)
    throw usageError('usage-gc', '--keep has no effect with --no-gc-sections: everything is kept');
  if ((flags.whyLive ?? []).length > 0)
    throw usageError('usage-gc', '--why-live has no effect with --no-gc-sections: everything is kept');
}

function optionsOf(
  flags: Flags,
  output: string,
  inputs: readonly string[],
  libraries: readonly InputFile[],
): RelinkOptions {
  const edits = editOptions(
    flags,
    [...new Set(inputs)].map(name => ({ name })),
  );
  return {
    name: output,
    checkLimits: !flags.noLimits,
    share: flags.share ?? [],
    private: flags.private ?? [],
    bind: (flags.bind ?? []).map(parseBind),
    ownState: flags.ownState ?? [],
    types: parseTypes(flags.type),
    libraries,
    readMember,
    optimize: parseOptimize(flags, flags.chain ? '1' : '0'),
    gcSections: flags.gcSections,
    keep: flags.keep ?? [],
    whyLive: flags.whyLive ?? [],
    explain: tracedSymbols(flags),
    ...given({ edits, license: flags.license, limits: parseLimits(flags, LINK_LIMITS) }),
  };
}

/** On stdout, unless the object itself goes there. */
function tellOutcome(context: Context, output: string, flags: Flags, result: RelinkSuccess): void {
  const { report, optimization, explanations, pulled, livePaths } = result;
  if (flags.json) {
    printJson(context, { ok: true, output, report, explanations, pulled, livePaths });
    return;
  }
  const say = output === '-' ? tell : print;
  if (!flags.quiet && output !== '-') print(context, formatChain(output, report));
  if (!flags.quiet) for (const text of formatNames(report)) say(context, line(text));
  if (optimization !== null && (flags.reportInlining || !flags.quiet))
    say(context, formatOutcome(optimization, flags));
  for (const explanation of explanations) say(context, formatExplanation(explanation));
  if (flags.printGcSections) say(context, formatDiscarded(report.discarded));
  for (const path of livePaths) say(context, formatLivePath(path));
  tellNotes(context, report.notes);
}

// --- files --------------------------------------------------------------------------------------------------------

interface RelinkFiles {
  /** All of them, as they were given. */
  readonly names: readonly string[];
  /** Archives among the arguments. */
  readonly libraries: readonly InputFile[];
  readonly relink: (options: RelinkOptions, flags: Flags) => RelinkResult;
}

function readChain(args: readonly string[], limits: Limits | undefined): RelinkFiles {
  const named = args.map(parseChainComponent);
  const files = readObjectFiles(
    named.map(entry => entry.file),
    limits,
  );
  const libraries = files.filter(isArchiveFile);
  const components = named.flatMap((entry, position) => {
    const file = files[position];
    return file === undefined || isArchiveFile(file) ? [] : [componentOf(entry, file)];
  });
  if (components.length === 0) throw usageError('usage-chain', 'a chain needs at least one component');
  return {
    names: named.map(entry => entry.file),
    libraries,
    relink: (options, flags) =>
      relinkChain(components, {
        ...options,
        ...given({
          continueOn: flags.on === undefined ? undefined : words(flags.on),
          final: flags.final,
          program: flags.chainName,
        }),
      }),
  };
}

function readSlots(flags: Flags, args: readonly string[], limits: Limits | undefined): RelinkFiles {
  const [rootletPath, ...rest] = args;
  if (rootletPath === undefined) throw usageError('usage-rootlet', 'give a rootlet');
  requireRootlet(rootletPath);
  const archives = rest.filter(word => !word.includes('='));
  const named = rest.filter(word => word.includes('=')).map(parseAssignment);
  const ordered = words(flags.order ?? '').map(parseComponent);
  const names = [rootletPath, ...[...named, ...ordered].map(entry => entry.file), ...archives];
  const [rootlet, ...files] = readObjectFiles(names, limits);
  if (rootlet === undefined) throw usageError('usage-rootlet', 'give a rootlet');
  const libraries = files.slice(named.length + ordered.length);
  for (const file of libraries) requireArchive(file);
  const slots = named.map(
    ({ slot, ...entry }, position): SlotAssignment => ({
      slot,
      ...componentOf(entry, files[position] ?? rootlet),
    }),
  );
  const order = ordered.map((entry, position) =>
    componentOf(entry, files[named.length + position] ?? rootlet),
  );
  return { names, libraries, relink: options => relink(rootlet, slots, { ...options, order }) };
}

function isArchiveFile(file: InputFile): boolean {
  return isArchive(file.bytes);
}

/** A component without its slot is a common mistake. */
function requireArchive(file: InputFile): void {
  if (!isArchiveFile(file))
    throw usageError(
      'usage-assignment',
      `${quote(file.name)} is not SLOT=FILE or SLOT=FILE:PROGRAM, and the file is not an archive`,
    );
}

function readLibraries(flags: Flags): InputFile[] {
  const found = findInputs({
    paths: [],
    libraries: flags.library ?? [],
    directories: flags.libraryPath ?? [],
    whole: [],
  });
  return found.map(({ name, bytes }) => ({ name, bytes }));
}

/** `SLOT=FILE` in place of the rootlet: the rootlet is missing, unless it is the name of a file. */
function requireRootlet(path: string): void {
  if (path.includes('=') && !existsSync(path))
    throw usageError(
      'usage-rootlet',
      `${quote(path)} is given where the rootlet is expected: relink ROOTLET SLOT=FILE ...`,
    );
}

function componentOf({ program, continueOn }: NamedComponent, file: InputFile): ChainComponent {
  return { component: file, ...given({ program, continueOn }) };
}

/** What became of the program in a slot, where it is not a function of its own name. */
function becameOf(slot: FilledSlot): string {
  if (slot.inlined) return ' (inlined)';
  return slot.program === slot.function ? '' : ` (now ${slot.function})`;
}

/** What is in which slot, and what several have in common. */
function formatChain(output: string, report: RelinkReport): Lines {
  const lines = report.slots.map(slot =>
    slot.component === null
      ? `  ${slot.slot}  keeps its default`
      : `  ${slot.slot} = ${slot.id}:${slot.program}${becameOf(slot)}`,
  );
  const shared = [...report.maps, ...report.globals]
    .filter(state => state.shared && state.section !== 'license')
    .map(({ name, usedBy }) =>
      [
        '  ',
        name,
        usedBy.length === 0 ? '' : ': ',
        usedBy.map(user => user ?? 'the rootlet').join(', '),
      ].join(''),
    );
  return joinLines([`${output}:`, ...lines, ...(shared.length === 0 ? [] : ['shared:', ...shared])]);
}
