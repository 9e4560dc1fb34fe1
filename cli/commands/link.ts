/** `rootlet link`: several objects become one. */

import { buildCommand } from '@stricli/core';
import { RootletError } from '../../src/diag/index.ts';
import { link } from '../../src/link/index.ts';
import { writeObject } from '../../src/object/index.ts';
import { type Context, guarded, printJson, tell } from '../context.ts';
import { expandResponseFiles, readInputs, requireOutput, writeOutput } from '../files.ts';

interface Flags {
  readonly output?: string;
  readonly relocatable: boolean;
  readonly json: boolean;
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
      const inputs = readInputs(expandResponseFiles(paths));
      const result = link(inputs, { name: output, partial: flags.relocatable });
      if (!result.ok) throw new RootletError(result.problems);
      writeOutput(output, writeObject(result.object));
      if (flags.json) printJson(this, { ok: true, output, report: result.report });
      else for (const note of result.report.notes) tell(this, `rootlet: note: ${note}`);
    });
  },
});
