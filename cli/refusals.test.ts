/** One command line for each code of a refusal that needs nothing but the command line and files. */

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { isProblemCode } from '../src/diag/codes.ts';
import { writeObject } from '../src/object/write/write.ts';
import { objectOf, type SymbolSpec } from '../test/support/objects.ts';
import { main } from './main.ts';

const program = (name: string): SymbolSpec => ({ name, kind: 'function', section: 'xdp' });
const OBJECTS = {
  'a.o': objectOf('a.o', [program('pass')]),
  'two.o': objectOf('two.o', [program('one'), program('two')]),
} as const;
const examples = join(import.meta.dirname, '../examples/obj/el');

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rootlet-refusals-'));
  for (const [name, object] of Object.entries(OBJECTS))
    writeFileSync(join(directory, name), writeObject(object));
  copyFileSync(join(examples, 'rootlet.bpf.o'), join(directory, 'host.o'));
  writeFileSync(join(directory, 'words'), 'link "a.o');
  writeFileSync(join(directory, 'empty.a'), '!<arch>\n');
  writeFileSync(join(directory, 'nested'), `@${join(directory, 'nested')}`);
});
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => {
  process.exitCode = 0;
});

/** Words with `DIR/` for the directory of the inputs; codes of the problems that the command reports as JSON. */
async function codesOf(line: string): Promise<string[]> {
  const texts: string[] = [];
  const stream = { write: (text: string) => void texts.push(text) };
  await main(line.replaceAll('DIR', directory).split(' '), { stdout: stream, stderr: stream });
  const { problems = [] }: { problems?: { code: string }[] } = JSON.parse(texts.join(''));
  return problems.map(({ code }) => code);
}

test.each([
  ['usage-command', 'lnk --json'],
  ['usage-option', 'link --json --no-such-option'],
  ['usage-response-file', 'link --json @DIR/words -o DIR/x.o'],
  ['usage-response-file', 'link --json @DIR/nested -o DIR/x.o'],
  ['usage-no-output', 'link --json DIR/a.o'],
  ['usage-same-output', 'link --json DIR/a.o -o DIR/x.o --Map DIR/x.o'],
  ['usage-same-output', 'link --json DIR/a.o -o DIR/x.o --Map DIR/a.o'],
  ['usage-debug', 'link --json DIR/a.o -o DIR/x.o --keep-debug --strip-debug'],
  ['usage-gc', 'link --json DIR/a.o -o DIR/x.o --keep f'],
  ['usage-optimize', 'link --json DIR/a.o -o DIR/x.o -O7'],
  ['usage-optimize', 'link --json DIR/a.o -o DIR/x.o -O1 --inline most'],
  ['usage-optimize', 'link --json DIR/a.o -o DIR/x.o --no-inline f'],
  ['usage-pair', 'link --json DIR/a.o -o DIR/x.o --redefine-sym f'],
  ['file-library', 'link --json DIR/a.o -o DIR/x.o -L DIR -l none'],
  ['file-read', 'link --json DIR/none.o -o DIR/x.o'],
  ['link-nothing', 'link --json DIR/empty.a -o DIR/x.o'],
  ['usage-bind', 'relink --json DIR/host.o --bind word -o DIR/x.o'],
  ['usage-rootlet', 'relink --json slot=DIR/a.o -o DIR/x.o'],
  ['usage-no-packets', 'run --json DIR/a.o'],
  ['usage-packet', 'run --json DIR/a.o --packet 012'],
  ['usage-packet', 'run --json DIR/a.o --packet 0x0g'],
  ['usage-memory', 'run --json DIR/a.o --packet 00 --memory much'],
  ['usage-verifier-log', 'run --json DIR/a.o --packet 00 --verifier-log DIR/log'],
  ['usage-machine-flag', 'run --json DIR/a.o --packet 00 --kernel --seed 1'],
  ['run-which-program', 'run --json DIR/two.o --packet 00'],
  ['usage-no-input', 'apply --json'],
  ['usage-arguments', 'apply --json --install-unit'],
] as const)('%s: rootlet %s', async (code, line) => {
  expect(isProblemCode(code)).toBe(true);
  expect(await codesOf(line)).toEqual([code]);
});
