import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
