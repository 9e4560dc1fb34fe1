import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleCommand } from '../testing.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-tests-'));
const command = path.join(directory, 'rootlet.mjs');
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, body: string): void {
  const file = path.join(directory, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(
    file,
    `import { test } from 'node:test';\ntest('${path.basename(name)}', () => {${body}});\n`,
  );
}

beforeAll(() => {
  mkdirSync(path.join(directory, 'temporary'));
  bundleCommand(command);
  write('good/a.bpf.test.mjs', '');
  write('good/deep/b.bpf.test.mjs', '');
  write('dash/--version.bpf.test.mjs', 'throw new Error("it ran")');
  write('good/node_modules/c.bpf.test.mjs', 'throw new Error("not mine")');
  write('good/.hidden/d.bpf.test.mjs', 'throw new Error("not mine")');
  write('good/e.test.mjs', 'throw new Error("not mine")');
  write('bad/f.bpf.test.mjs', 'throw new Error("the verdict differs")');
  write('none/g.mjs', '');
});

function run(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'test', ...words], {
    encoding: 'utf8',
    cwd: directory,
    env: { ...process.env, TMPDIR: path.join(directory, 'temporary') },
  });
  return { status, stdout, stderr };
}

test('runs what is below a directory, but for packages and hidden directories', () => {
  const { status, stdout, stderr } = run('good', '--json');
  expect(JSON.parse(stdout)).toEqual({
    schemaVersion: 1,
    ok: true,
    files: ['good/a.bpf.test.mjs', 'good/deep/b.bpf.test.mjs'],
  });
  expect(stderr).toMatch(/pass 2/);
  expect(status).toBe(0);
});

test('fails where a test does, and shows what the runner prints', () => {
  const { status, stdout } = run('good', 'bad/f.bpf.test.mjs');
  expect(stdout).toContain('the verdict differs');
  expect(stdout).toMatch(/pass 2/);
  expect(status).toBe(1);
});

test('takes a name that looks like an option for a name', () => {
  const { status, stdout } = spawnSync(process.execPath, [command, 'test'], {
    encoding: 'utf8',
    cwd: path.join(directory, 'dash'),
  });
  expect(stdout).toContain('it ran');
  expect(status).toBe(1);
});

const LIBRARY = path.join(import.meta.dirname, '../../src/api/test.ts');
const OBJECT = path.join(import.meta.dirname, '../../src/load/testdata/obj/el/typed.bpf.o');

/** A file of tests that runs the program of an object a number of times, each in a machine of its own. */
function writeRuns(name: string, object: string, runs: number): void {
  const file = path.join(directory, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(
    file,
    `import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createMachine, readObject } from ${JSON.stringify(path.join(directory, 'library.mjs'))};
const object = readObject({ name: 'typed.bpf.o', bytes: readFileSync(${JSON.stringify(object)}) });
for (let run = 0; run < ${runs}; run++)
  test('run ' + run, () => void createMachine(object, { program: 'watch' }).run(new Uint8Array(64)));
`,
  );
}

test('--coverage adds up what all machines of all files ran', () => {
  buildSync({
    entryPoints: [LIBRARY],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: path.join(directory, 'library.mjs'),
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(LIBRARY).href) },
  });
  writeRuns('counted/a.bpf.test.mjs', OBJECT, 2);
  writeRuns('counted/b.bpf.test.mjs', OBJECT, 3);
  const { status, stdout } = run('counted', '--coverage', 'lcov.info');
  expect([status, /^coverage: \d+ of \d+ lines ran$/m.test(stdout)]).toEqual([0, true]);
  const text = readFileSync(path.join(directory, 'lcov.info'), 'utf8');
  expect(text).toMatch(/^TN:rootlet_test\nSF:typed.bpf.c\n/);
  expect(text).toContain('FNDA:5,watch\n');
  const document = JSON.parse(run('counted', '--coverage', 'lcov.info', '--json').stdout);
  expect(document).toMatchObject({ ok: true, coverage: { lines: expect.any(Number) } });
  expect(readdirSync(path.join(directory, 'temporary'))).toEqual([]);
});

test('--coverage of tests that fail is written; without lines it is refused', () => {
  const { status, stdout } = run('counted', 'bad', '--coverage', '-');
  expect([status, stdout.startsWith('TN:rootlet_test\n')]).toEqual([1, true]);
  expect(JSON.parse(run('good', '--coverage', 'none.info', '--json').stdout)).toMatchObject({
    problems: [{ code: 'run-no-lines' }],
  });
  expect(JSON.parse(run('good', '--coverage', 'good/a.bpf.test.mjs', '--json').stdout)).toMatchObject({
    problems: [{ code: 'usage-same-output' }],
  });
});

test('finds nothing, or what is not there', () => {
  expect(JSON.parse(run('none', '--json').stdout)).toMatchObject({ problems: [{ code: 'usage-tests' }] });
  expect(JSON.parse(run('gone', '--json').stdout)).toMatchObject({ problems: [{ code: 'file-read' }] });
});

test('a tracefile of run --coverage is alone on stdout', () => {
  const object = path.join(import.meta.dirname, '../../src/load/testdata/obj/el/typed.bpf.o');
  const words = ['run', object, '--prog-name', 'watch', '--packet', '00'.repeat(64), '--coverage', '-'];
  const { stdout, stderr } = spawnSync(process.execPath, [command, ...words], { encoding: 'utf8' });
  expect(stdout).toMatch(/^TN:watch\n[\s\S]*\nend_of_record\n$/);
  expect(stderr).toMatch(/^coverage: \d+ of \d+ lines ran$/m);
});
