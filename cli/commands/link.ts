/** `rootlet link`: several objects become one. */

import { buildCommand } from '@stricli/core';
import { encodeText, given } from '../../src/bytes/index.ts';
import { RootletError, usageError } from '../../src/diag/index.ts';
import { type LinkInput, type LinkReport, type LinkSuccess, link } from '../../src/link/index.ts';
import { writeObject } from '../../src/object/index.ts';
import { parseBind } from '../flags/components.ts';
import { listFlag, SURGERY_FLAGS, type SurgeryFlags, surgeryOptions } from '../flags/edit.ts';
import { findInputs, readMember } from '../flags/search.ts';
import {
  formatDiscarded,
  formatExplanation,
  formatLinkMap,
  formatLivePath,
  formatNames,
  formatPulled,
} from '../format/link-map.ts';
import { type Context, guarded, print, printJson, tell } from '../io/context.ts';
import {
  expandResponseFiles,
  requireDistinct,
  requireNoInput,
  requireOutput,
  writeOutput,
} from '../io/files.ts';

interface Flags extends SurgeryFlags {
  readonly output?: string;
  readonly relocatable: boolean;
  readonly json: boolean;
  readonly map?: string;
  readonly explain?: readonly string[];
  readonly trace: boolean;
  readonly library?: readonly string[];
  readonly libraryPath?: readonly string[];
  readonly wholeArchive?: readonly string[];
  readonly gcSections: boolean;
  readonly printGc: boolean;
  readonly keep?: readonly string[];
  readonly whyLive?: readonly string[];
  readonly foldIdentical: boolean;
  readonly keepDebug: boolean;
  readonly stripDebug: boolean;
  readonly foldText: boolean;
  readonly bind?: readonly string[];
}

export const linkCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Link BPF objects: externs find their definitions by name',
    fullDescription:
      'Links BPF objects (clang -target bpf -g) into one. IN is an object or an archive (.a), whose members are taken as ' +
      'they are needed, - for stdin, or @FILE for a list of inputs.',
  },
  parameters: {
    flags: {
      output: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Where the result goes (- for stdout)',
        placeholder: 'OUT',
      },
      relocatable: {
        kind: 'boolean',
        default: false,
        brief: 'Leave unresolved externs open, to be linked again',
      },
      map: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Write the link map to FILE',
        placeholder: 'FILE',
      },
      explain: listFlag('SYM', 'Say who defines SYM, who lost, and who uses it'),
      trace: {
        kind: 'boolean',
        default: false,
        brief: 'Name every input, and for members of archives the name that they were taken for',
      },
      library: listFlag('NAME', 'Search libNAME.a (:NAME is the file itself) in the folders of -L'),
      libraryPath: listFlag('DIR', 'Search libraries in DIR'),
      wholeArchive: listFlag('FILE', 'Take all members of an archive'),
      gcSections: {
        kind: 'boolean',
        default: false,
        brief: 'Drop functions, variables, maps and types that no program needs',
      },
      printGc: { kind: 'boolean', default: false, brief: 'List what is not in the result, and why' },
      keep: listFlag('SYM', 'With --gc-sections: keep SYM and what it needs'),
      whyLive: listFlag('SYM', 'With --gc-sections: print the path that keeps SYM'),
      ...SURGERY_FLAGS,
      bind: listFlag('FILE:EXTERN=FILE:NAME', "Give one object's extern another object's definition"),
      foldIdentical: {
        kind: 'boolean',
        default: false,
        brief: 'Make one of equal definitions of several files',
      },
      keepDebug: { kind: 'boolean', default: false, brief: 'Keep DWARF' },
      stripDebug: { kind: 'boolean', default: false, brief: 'Drop DWARF (what happens anyway)' },
      foldText: {
        kind: 'boolean',
        default: false,
        brief: 'Move functions of unknown code sections to .text',
      },
      json: { kind: 'boolean', default: false, brief: 'Report as JSON on stdout' },
    },
    aliases: { o: 'output', r: 'relocatable', l: 'library', L: 'libraryPath', t: 'trace' },
    positional: {
      kind: 'array',
      parameter: { brief: 'Objects and archives to link', parse: String, placeholder: 'IN' },
    },
  },
  async func(flags, ...paths) {
    await guarded(this, flags.json, () => {
      const output = requireOutput(flags.output);
      checkFlags(flags);
      requireDistinct([output, flags.map, flags.json ? '-' : undefined]);
      const inputs = findInputs({
        paths: expandResponseFiles(paths),
        libraries: flags.library ?? [],
        folders: flags.libraryPath ?? [],
        whole: flags.wholeArchive ?? [],
      });
      if (inputs.length === 0) throw usageError('usage-no-input', 'say what to link');
      requireNoInput(
        flags.map,
        inputs.map(input => input.name),
      );
      if (flags.trace) for (const input of inputs) tell(this, input.name);
      const trace = (line: string): void => tell(this, line);
      const linked = linkFiles(inputs, output, flags, flags.trace ? trace : undefined);
      writeOutput(output, writeObject(linked.object));
      if (flags.map !== undefined && linked.report !== null)
        writeOutput(flags.map, encodeText(formatLinkMap(linked.report)));
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

type Linked = Pick<
  LinkSuccess,
  'object' | 'notes' | 'renames' | 'merged' | 'explanations' | 'pulled' | 'livePaths'
> & {
  readonly report: LinkReport | null;
};

/** Without the result itself, which holds all inputs for the sake of a report: they are free again for the writer. */
function linkFiles(
  inputs: readonly LinkInput[],
  output: string,
  flags: Flags,
  trace?: (line: string) => void,
): Linked {
  const surgery = surgeryOptions(flags, inputs);
  const result = link(inputs, {
    name: output,
    partial: flags.relocatable,
    keepDebug: flags.keepDebug,
    foldText: flags.foldText,
    foldIdentical: flags.foldIdentical,
    gcSections: flags.gcSections,
    keep: flags.keep ?? [],
    whyLive: flags.whyLive ?? [],
    explain: flags.explain ?? [],
    bind: (flags.bind ?? []).map(parseBind),
    readMember,
    ...given({ surgery }),
  });
  if (trace !== undefined) for (const member of result.pulled) trace(formatPulled(member));
  if (!result.ok) throw new RootletError(result.problems);
  const { object, notes, renames, merged, explanations, pulled, livePaths } = result;
  const report = flags.json || flags.printGc || flags.map !== undefined ? result.report : null;
  return { object, notes, renames, merged, explanations, pulled, livePaths, report };
}

/** On stdout, unless the object itself goes there. */
function tellOutcome(context: Context, output: string, flags: Flags, linked: Linked): void {
  const { report, explanations, pulled, livePaths, notes } = linked;
  const say = output === '-' ? tell : print;
  if (flags.json) {
    printJson(context, { ok: true, output, report, explanations, pulled, livePaths });
    return;
  }
  for (const line of formatNames(linked)) say(context, line);
  for (const explanation of explanations) say(context, formatExplanation(explanation));
  if (flags.printGc && report !== null) say(context, formatDiscarded(report.discarded));
  for (const path of livePaths) say(context, formatLivePath(path));
  for (const note of notes) tell(context, `rootlet: note: ${note}`);
}
