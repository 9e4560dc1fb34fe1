/** `rootlet link`: several objects become one. */

import { buildCommand } from '@stricli/core';
import { encodeText } from '../../src/bytes/index.ts';
import { RootletError, usageError } from '../../src/diag/index.ts';
import { type LinkInput, type LinkReport, type LinkSuccess, link } from '../../src/link/index.ts';
import { writeObject } from '../../src/object/index.ts';
import { type Context, guarded, print, printJson, tell } from '../context.ts';
import { expandResponseFiles, lazyInput, requireOutput, writeOutput } from '../files.ts';
import { formatExplanation, formatLinkMap } from '../format/link-map.ts';

interface Flags {
  readonly output?: string;
  readonly relocatable: boolean;
  readonly json: boolean;
  readonly map?: string;
  readonly explain?: readonly string[];
  readonly trace: boolean;
  readonly keepDebug: boolean;
  readonly stripDebug: boolean;
  readonly foldText: boolean;
}

export const linkCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Link BPF objects: externs find their definitions by name',
    fullDescription:
      'Links BPF objects (clang -target bpf -g) into one. IN may be - for stdin or @FILE for a list of inputs.',
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
      explain: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'Say who defines SYM, who lost, and who uses it',
        placeholder: 'SYM',
      },
      trace: { kind: 'boolean', default: false, brief: 'Name every input as it is read' },
      keepDebug: { kind: 'boolean', default: false, brief: 'Keep DWARF' },
      stripDebug: { kind: 'boolean', default: false, brief: 'Drop DWARF (what happens anyway)' },
      foldText: {
        kind: 'boolean',
        default: false,
        brief: 'Move functions of unknown code sections to .text',
      },
      json: { kind: 'boolean', default: false, brief: 'Report as JSON on stdout' },
    },
    aliases: { o: 'output', r: 'relocatable' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Objects to link', parse: String, placeholder: 'IN' },
    },
  },
  async func(flags, ...paths) {
    await guarded(this, flags.json, () => {
      const output = requireOutput(flags.output);
      if (flags.keepDebug && flags.stripDebug)
        throw usageError('usage-debug', 'give --keep-debug or --strip-debug, not both');
      const inputs = expandResponseFiles(paths).map(lazyInput);
      if (flags.trace) for (const input of inputs) tell(this, input.name);
      const { object, notes, report, explanations } = linkFiles(inputs, output, flags);
      writeOutput(output, writeObject(object));
      if (flags.map !== undefined && report !== null)
        writeOutput(flags.map, encodeText(formatLinkMap(report)));
      if (flags.json) printJson(this, { ok: true, output, report, explanations });
      else for (const explanation of explanations) print(this, formatExplanation(explanation));
      if (!flags.json) for (const note of notes) tell(this, `rootlet: note: ${note}`);
    });
  },
});

type Linked = Pick<LinkSuccess, 'object' | 'notes' | 'explanations'> & { readonly report: LinkReport | null };

/** Without the result itself, which holds all inputs for the sake of a report: they are free again for the writer. */
function linkFiles(inputs: readonly LinkInput[], output: string, flags: Flags): Linked {
  const result = link(inputs, {
    name: output,
    partial: flags.relocatable,
    keepDebug: flags.keepDebug,
    foldText: flags.foldText,
    explain: flags.explain ?? [],
  });
  if (!result.ok) throw new RootletError(result.problems);
  const { object, notes, explanations } = result;
  const report = flags.json || flags.map !== undefined ? result.report : null;
  return { object, notes, explanations, report };
}
