/**
 * Where tests of `show`, `map` and `set` run the real command: a store with loaded objects, of which the command runs in this
 * process. Interfaces are those of a network namespace, where it runs as a process.
 */

import { expect } from 'vitest';
import { main } from '../../../cli/main.ts';
import { type CommandResult, CommandWorld } from '../../../cli/testing.ts';
import { compileInto } from '../../support/compile.ts';
import { type JsonSchema, schemaErrors } from '../../support/json-schema.ts';

export class LookLab {
  readonly world = new CommandWorld();

  /** Paths of objects. */
  compile(sources: Readonly<Record<string, string>>): readonly string[] {
    return compileInto(this.world.directory, sources);
  }

  async run(words: readonly string[]): Promise<CommandResult> {
    const [out, err]: [string[], string[]] = [[], []];
    process.env['ROOTLET_BPFFS'] = this.world.root;
    try {
      await main(words, {
        stdout: { write: text => out.push(text) },
        stderr: { write: text => err.push(text) },
      });
      return { code: Number(process.exitCode), out: out.join(''), err: err.join('') };
    } finally {
      delete process.env['ROOTLET_BPFFS'];
      process.exitCode = 0;
    }
  }

  /** Standard output of a run that has to succeed. */
  async must(...words: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(words);
    if (code !== 0) throw new Error(`rootlet ${words.join(' ')}: exit ${code}\n${out}${err}`);
    return out;
  }

  /** Standard error of a run that has to fail with this exit code. */
  async refused(code: number, ...words: readonly string[]): Promise<string> {
    const run = await this.run(words);
    expect([run.code, run.out]).toEqual([code, '']);
    return run.err;
  }

  /** The JSON of a run, which its schema describes. */
  async json(schema: JsonSchema, ...words: readonly string[]): Promise<Record<string, unknown>> {
    const { out } = await this.run([...words, '--json']);
    const document: Record<string, unknown> = JSON.parse(out);
    expect(schemaErrors(document, schema)).toEqual([]);
    return document;
  }

  close(): void {
    this.world.close();
  }
}
