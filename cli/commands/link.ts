/** `rootlet link`: links several objects into one. */

import { buildCommand } from '@stricli/core';
import { encodeText, given } from '../../src/bytes/index.ts';
import { type Lines, line, RootletError, usageError } from '../../src/diag/index.ts';
import {
  type LinkInput,
  type LinkReport,
  type LinkSuccess,
  link,
  linkPicture,
} from '../../src/link/index.ts';
import { encodeObject } from '../../src/object/index.ts';
import type { Picture } from '../../src/picture/index.ts';
import { parseBind } from '../flags/components.ts';
import {
  EDIT_FLAGS,
  type EditFlags,
  editOptions,
  LICENSE_FLAG,
  listFlag,
  tracedSymbols,
} from '../flags/edit.ts';
import { graphFlag } from '../flags/graph.ts';
import { LINK_LIMITS, type LimitFlags, limitsFlag, parseLimits } from '../flags/limits.ts';
import { type OptimizeFlags, optimizeFlags, parseOptimize } from '../flags/optimize.ts';
import { findInputs, readMember } from '../flags/search.ts';
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
  requireDistinct,
  requireNoInput,
  requireOutput,
  writeOutput,
} from '../io/files.ts';
import { openPicture } from '../io/picture.ts';

interface Flags extends EditFlags, OptimizeFlags, LimitFlags {
  readonly output?: string;
  readonly relocatable: boolean;
  readonly json: boolean;
  readonly Map?: string;
  readonly graph?: string;
  readonly traceSymbol?: readonly string[];
  readonly explain?: readonly string[];
  readonly trace: boolean;
  readonly library?: readonly string[];
  readonly libraryPath?: readonly string[];
  readonly wholeArchive?: readonly string[];
  readonly gcSections: boolean;
  readonly printGcSections: boolean;
  readonly keep?: readonly string[];
  readonly whyLive?: readonly string[];
  readonly foldIdentical: boolean;
  readonly keepDebug: boolean;
  readonly stripDebug: boolean;
  readonly foldText: boolean;
  readonly bind?: readonly string[];
  readonly license?: string;
}

export const linkCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Link BPF objects into one',
    fullDescription:
      'Link BPF objects (clang -target bpf -g) into one: externs are resolved by name. IN is an object, an archive (.a) ' +
      'whose members are linked if they are needed, - for stdin, or @FILE for a list of inputs.',
  },
  parameters: {
    flags: {
      output: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Write the object to OUT (- for stdout)',
        placeholder: 'OUT',
      },
      relocatable: {
        kind: 'boolean',
        default: false,
        brief: 'Produce an object that can be linked again: externs may stay undefined',
      },
      Map: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Write the link map to FILE',
        placeholder: 'FILE',
      },
      graph: graphFlag('which file gave what'),
      explain: { ...listFlag('SYM', 'Same as --trace-symbol'), hidden: true },
      traceSymbol: listFlag(
        'SYM',
        'Print which definition of SYM was chosen, which were discarded, and where it is referenced',
      ),
      trace: {
        kind: 'boolean',
        default: false,
        brief: 'Print each input file, and the symbol that pulled in each archive member',
      },
      library: listFlag('NAME', 'Search libNAME.a (:NAME is the file name itself) in the directories of -L'),
      libraryPath: listFlag('DIR', 'Add DIR to the search path for libraries'),
      wholeArchive: listFlag('FILE', 'Link all members of the archive FILE'),
      gcSections: {
        kind: 'boolean',
        default: false,
        brief: 'Discard functions, variables, maps and types that no program needs',
      },
      printGcSections: { kind: 'boolean', default: false, brief: 'List what was discarded, and why' },
      keep: listFlag('SYM', 'With --gc-sections: keep SYM and what it references'),
      whyLive: listFlag('SYM', 'With --gc-sections: print the path that keeps SYM'),
      ...optimizeFlags('-O0'),
      ...EDIT_FLAGS,
      bind: listFlag('FILE:EXTERN=FILE:NAME', 'Bind EXTERN of one file to the definition NAME of another'),
      license: LICENSE_FLAG,
      foldIdentical: {
        kind: 'boolean',
        default: false,
        brief: 'Merge identical definitions of several files',
      },
      keepDebug: { kind: 'boolean', default: false, brief: 'Keep debug info (DWARF)' },
      stripDebug: { kind: 'boolean', default: false, brief: 'Strip debug info (default)' },
      foldText: {
        kind: 'boolean',
        default: false,
        brief: 'Move functions in unknown code sections to .text',
      },
      ...limitsFlag(LINK_LIMITS),
      json: { kind: 'boolean', default: false, brief: 'Output JSON' },
    },
    aliases: {
      o: 'output',
      r: 'relocatable',
      l: 'library',
      L: 'libraryPath',
      t: 'trace',
      y: 'traceSymbol',
      O: 'optimize',
    },
    positional: {
      kind: 'array',
      parameter: { brief: 'Objects and archives to link', parse: String, placeholder: 'IN' },
    },
  },
  async func(flags, ...paths) {
    await guarded(this, flags.json, async () => {
      const output = requireOutput(flags.output);
      checkFlags(flags);
      requireDistinct([output, flags.Map, flags.graph, flags.json ? '-' : undefined]);
      const write = flags.graph === undefined ? undefined : await openPicture(flags.graph);
      const inputs = findInputs({
        paths: expandResponseFiles(paths),
        libraries: flags.library ?? [],
        directories: flags.libraryPath ?? [],
        whole: flags.wholeArchive ?? [],
      });
      if (inputs.length === 0) throw usageError('usage-no-input', 'no input file');
      const names = inputs.map(input => input.name);
      for (const beside of [flags.Map, flags.graph]) requireNoInput(beside, names);
      if (flags.trace) for (const input of inputs) tellLine(this, input.name);
      const trace = (text: Lines): void => tell(this, text);
      const linked = linkFiles(inputs, output, flags, flags.trace ? trace : undefined);
      const picture = pictureOf(linked, output, flags);
      writeOutput(output, encodeObject(linked.object));
      if (flags.Map !== undefined && linked.report !== null)
        writeOutput(flags.Map, encodeText(formatLinkMap(linked.report)));
      if (picture !== undefined) write?.(this, picture);
      tellOutcome(this, output, flags, linked);
    });
  },
});

function checkFlags(flags: Flags): void {
  if (flags.keepDebug && flags.stripDebug)
    throw usageError('usage-debug', 'give --keep-debug or --strip-debug, not both');
  if (flags.gcSections) return;
  if ((flags.keep ?? []).length > 0) throw usageError('usage-gc', '--keep needs --gc-sections');
  if ((flags.whyLive ?? []).length > 0) throw usageError('usage-gc', '--why-live needs --gc-sections');
}

/** Drawn before anything is written, because it may be refused. */
function pictureOf({ report }: Linked, output: string, flags: Flags): Picture | undefined {
  if (flags.graph === undefined || report === null) return undefined;
  return linkPicture(output, report, parseLimits(flags, LINK_LIMITS));
}

type Linked = Pick<
  LinkSuccess,
  'object' | 'optimization' | 'notes' | 'renames' | 'merged' | 'explanations' | 'pulled' | 'livePaths'
> & {
  readonly report: LinkReport | null;
};

/** Without the result itself, which references all inputs for the report: the writer can then free them. */
function linkFiles(
  inputs: readonly LinkInput[],
  output: string,
  flags: Flags,
  trace?: (text: Lines) => void,
): Linked {
  const edits = editOptions(flags, inputs);
  const result = link(inputs, {
    name: output,
    partial: flags.relocatable,
    keepDebug: flags.keepDebug,
    foldText: flags.foldText,
    foldIdentical: flags.foldIdentical,
    gcSections: flags.gcSections,
    keep: flags.keep ?? [],
    whyLive: flags.whyLive ?? [],
    explain: tracedSymbols(flags),
    bind: (flags.bind ?? []).map(parseBind),
    readMember,
    optimize: parseOptimize(flags, '0'),
    ...given({ edits, license: flags.license, limits: parseLimits(flags, LINK_LIMITS) }),
  });
  if (trace !== undefined) for (const member of result.pulled) trace(formatPulled(member));
  if (!result.ok) throw new RootletError(result.problems);
  const { object, optimization, notes, renames, merged, explanations, pulled, livePaths } = result;
  const isWanted = flags.json || flags.printGcSections || (flags.Map ?? flags.graph) !== undefined;
  const report = isWanted ? result.report : null;
  return { object, optimization, notes, renames, merged, explanations, pulled, livePaths, report };
}

/** On stdout, unless the object itself goes there. */
function tellOutcome(context: Context, output: string, flags: Flags, linked: Linked): void {
  const { report, optimization, explanations, pulled, livePaths, notes } = linked;
  const say = output === '-' ? tell : print;
  if (flags.json) {
    printJson(context, { ok: true, output, report, explanations, pulled, livePaths });
    return;
  }
  for (const text of formatNames(linked)) say(context, line(text));
  if (optimization !== null) say(context, formatOutcome(optimization, flags));
  for (const explanation of explanations) say(context, formatExplanation(explanation));
  if (flags.printGcSections && report !== null) say(context, formatDiscarded(report.discarded));
  for (const path of livePaths) say(context, formatLivePath(path));
  tellNotes(context, notes);
}
