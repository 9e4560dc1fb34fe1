/** `rootlet types`: an object as TypeScript. */

import { buildCommand } from '@stricli/core';
import { encodeText } from '../../src/bytes/index.ts';
import { asLines, quote, usageError } from '../../src/diag/index.ts';
import { declareObject } from '../../src/object/index.ts';
import { off, text } from '../flags/kinds.ts';
import { type Context, guarded, print, printJson, tellNotes } from '../io/context.ts';
import { readObjectFile, requireNoInput, writeOutput } from '../io/files.ts';

interface Flags {
  readonly output?: string;
  readonly record?: readonly string[];
  readonly json: boolean;
}

export const typesCommand = buildCommand<Flags, [string], Context>({
  docs: {
    brief: 'Write TypeScript types of an object',
    fullDescription:
      'Write declarations of the programs, maps and variables of FILE, and of all C types that they need, for ' +
      'loadObject<Types>() and createMachine<Types>(). The same object gives the same declarations.',
  },
  parameters: {
    flags: {
      output: { ...text, brief: 'Write the declarations to FILE (default: stdout)', placeholder: 'FILE' },
      record: {
        ...text,
        variadic: true,
        brief: 'Records of a ring buffer or perf event array have this type',
        placeholder: 'MAP=TYPE',
      },
      json: { ...off, brief: 'Output JSON' },
    },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [{ brief: 'Object file', parse: String, placeholder: 'FILE' }] },
  },
  async func(flags, path) {
    await guarded(this, flags.json, () => {
      requireNoInput(flags.output, [path]);
      const { text: declarations, untyped } = declareObject(readObjectFile(path).object, {
        records: recordsOf(flags.record),
      });
      const notes = untyped.map(
        map =>
          `the type of records of map ${quote(map)} is not known: --record gives it, or __type(value, …)`,
      );
      if (flags.output !== undefined) writeOutput(flags.output, encodeText(declarations));
      if (flags.json) printJson(this, { ok: true, output: flags.output ?? null, declarations, notes });
      else {
        tellNotes(this, notes);
        if (flags.output === undefined) print(this, asLines(declarations));
      }
    });
  },
});

/** `ring=struct event` */
function recordsOf(words: readonly string[] = []): ReadonlyMap<string, string> {
  return new Map(
    words.map(word => {
      const at = word.indexOf('=');
      if (at > 0 && at < word.length - 1) return [word.slice(0, at), word.slice(at + 1)];
      throw usageError('usage-pair', `--record ${quote(word)} is not MAP=TYPE`);
    }),
  );
}
