/** `rootlet relink`: components into the slots of a rootlet. */

import { buildCommand } from '@stricli/core';
import { RootletError, usageError } from '../../src/diag/index.ts';
import { type RelinkReport, relink, type SlotAssignment } from '../../src/link/index.ts';
import { writeObject } from '../../src/object/index.ts';
import { type Context, guarded, print, printJson, tell } from '../context.ts';
import { type NamedBytes, readInput, readInputs, requireOutput, writeOutput } from '../files.ts';

interface Flags {
  readonly output?: string;
  readonly json: boolean;
  readonly quiet: boolean;
}

export const relinkCommand = buildCommand<Flags, [string, ...string[]], Context>({
  docs: {
    brief: 'Plug programs into the slots of a rootlet: the result is one ordinary object',
    fullDescription:
      'ROOTLET is an object whose weak functions are slots. SLOT=FILE[:PROGRAM] puts a program of another object in the ' +
      'place of a slot; PROGRAM may be left out when the object has one program. Components keep their own functions, ' +
      'maps and globals, even when their names are the same.',
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
      json: { kind: 'boolean', default: false, brief: 'Report as JSON on stdout' },
      quiet: { kind: 'boolean', default: false, brief: 'Do not print the chain' },
    },
    aliases: { o: 'output', q: 'quiet' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'The rootlet, then SLOT=FILE[:PROGRAM] …',
        parse: String,
        placeholder: 'ROOTLET|SLOT=FILE',
      },
    },
  },
  async func(flags, rootletPath, ...words) {
    await guarded(this, flags.json, () => {
      const output = requireOutput(flags.output);
      const wanted = words.map(parseAssignment);
      const rootlet = readInput(rootletPath);
      const files = readComponents(wanted.map(entry => entry.file));
      const assignments = wanted.map((entry): SlotAssignment => {
        const component = files.get(entry.file) ?? rootlet; // every file was read above
        return {
          slot: entry.slot,
          component,
          ...(entry.program === undefined ? {} : { program: entry.program }),
        };
      });
      const result = relink(rootlet, assignments, { name: output });
      if (!result.ok) throw new RootletError(result.problems);
      writeOutput(output, writeObject(result.object));
      if (flags.json) printJson(this, { ok: true, output, report: result.report });
      else if (!flags.quiet && output !== '-') printChain(this, output, result.report);
      if (!flags.json) for (const note of result.report.notes) tell(this, `rootlet: note: ${note}`);
    });
  },
});

interface Wanted {
  readonly slot: string;
  readonly file: string;
  readonly program: string | undefined;
}

/** `SLOT=FILE[:PROGRAM]`; a colon inside FILE (`C:\x.o`) is part of it unless a C name follows. */
function parseAssignment(word: string): Wanted {
  const equals = word.indexOf('=');
  if (equals <= 0 || equals === word.length - 1) {
    throw usageError('usage-assignment', `"${word}" is not SLOT=FILE or SLOT=FILE:PROGRAM`);
  }
  const slot = word.slice(0, equals);
  const rest = word.slice(equals + 1);
  const colon = rest.lastIndexOf(':');
  const program = colon < 0 ? '' : rest.slice(colon + 1);
  if (colon <= 0 || !isName(program)) return { slot, file: rest, program: undefined };
  return { slot, file: rest.slice(0, colon), program };
}

function isName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_.]*$/.test(text);
}

function readComponents(paths: readonly string[]): Map<string, NamedBytes> {
  const distinct = [...new Set(paths)];
  return new Map(readInputs(distinct).map((file, index) => [distinct[index] ?? file.name, file]));
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
