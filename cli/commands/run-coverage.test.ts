import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { main } from '../main.ts';

const OBJECT = path.join(import.meta.dirname, '../../src/load/testdata/obj/el/typed.bpf.o');
const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-coverage-'));
const file = path.join(directory, 'lcov.info');
afterAll(() => rmSync(directory, { recursive: true }));

async function run(...words: readonly string[]): Promise<string> {
  return runOn(OBJECT, ...words);
}

async function runOn(object: string, ...words: readonly string[]): Promise<string> {
  let out = '';
  const sink = {
    write(text: string) {
      out += text;
    },
  };
  const line = ['run', object, '--prog-name', 'watch', '--packet', '00'.repeat(64), ...words];
  await main(line, { stdout: sink, stderr: sink });
  process.exitCode = 0;
  return out;
}

test('run --coverage writes a tracefile and prints how many lines ran', async () => {
  expect(await run('--coverage', file)).toMatch(/^coverage: \d+ of \d+ lines ran$/m);
  expect(readFileSync(file, 'utf8')).toMatch(/^TN:watch\nSF:typed.bpf.c\n/);
  const document = JSON.parse(await run('--coverage', file, '--json'));
  expect(document.coverage).toEqual({ lines: expect.any(Number), run: expect.any(Number) });
  expect(JSON.parse(await run('--json'))).not.toHaveProperty('coverage');
});

test('the kernel counts nothing, and an input is not overwritten', async () => {
  expect(JSON.parse(await run('--coverage', file, '--kernel', '--json'))).toMatchObject({
    problems: [{ code: 'usage-machine-flag' }],
  });
  expect(JSON.parse(await run('--coverage', OBJECT, '--json'))).toMatchObject({
    problems: [{ code: 'usage-same-output' }],
  });
});

test('an object without lines is refused', async () => {
  const plain = path.join(directory, 'plain.o');
  const object = readObject({ name: 'plain.o', bytes: readFileSync(OBJECT) });
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' ? { ...symbol, lines: [] } : symbol,
  );
  writeFileSync(plain, writeObject({ ...object, symbols }));
  expect(JSON.parse(await runOn(plain, '--coverage', file, '--json'))).toMatchObject({
    problems: [{ code: 'run-no-lines' }],
  });
});
