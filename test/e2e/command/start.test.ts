/** The command as it is installed: from the built scripts, with V8's code of earlier runs, and without. */

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const OBJECT = join(ROOT, 'examples/obj/el/first.bpf.o');

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rootlet-start-'));
  for (const part of ['bin', 'package.json', 'dist/command']) {
    cpSync(join(ROOT, part), join(directory, part), {
      recursive: true,
      filter: source => !source.endsWith('cached'),
    });
  }
});
afterEach(() => rmSync(directory, { recursive: true }));

const command = () => join(directory, 'bin/rootlet.js');
const cached = () => join(directory, 'dist/command/cached');
const inspect = () => execFileSync(process.execPath, [command(), 'inspect', OBJECT], { encoding: 'utf8' });

function onlyCache(): string {
  const files = readdirSync(cached());
  expect(files).toEqual([expect.stringMatching(/^inspect-[0-9a-f]{16}-v[0-9.]+-\w+-\w+\.cache$/)]);
  return join(cached(), files[0] ?? '');
}

test('the first run of a command keeps what V8 compiled, the next ones use it', () => {
  const expected = inspect();
  expect(expected).toContain('first.bpf.o');
  const { ino, size } = statSync(onlyCache());
  expect(size).toBeGreaterThan(100_000);
  expect(inspect()).toBe(expected);
  expect(statSync(onlyCache()).ino).toBe(ino);
});

test.each([0, 10, 1000])('%i bytes of a cache are replaced', bytes => {
  const expected = inspect();
  const path = onlyCache();
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, bytes));
  expect(inspect()).toBe(expected);
  expect(statSync(onlyCache()).size).toBeGreaterThan(whole.length / 2);
});

test('a cache of another build is not used', () => {
  inspect();
  const script = join(directory, 'dist/command/inspect.cjs');
  const text = readFileSync(script, 'utf8');
  const [first = ''] = text.split('\n', 1);
  // as long as before, which is all that V8 itself compares
  writeFileSync(script, text.replace(first, `// ${'0'.repeat(16)}`).replaceAll('BPF object', 'bpf OBJECT'));
  expect(inspect()).toContain('bpf OBJECT');
});

test('where nothing can be kept, it runs all the same', () => {
  writeFileSync(cached(), 'not a directory');
  expect(inspect()).toContain('first.bpf.o');
  expect(readFileSync(cached(), 'utf8')).toBe('not a directory');
});

test('help and failures keep nothing', () => {
  execFileSync(process.execPath, [command(), 'inspect', '--help']);
  expect(spawnSync(process.execPath, [command(), 'inspect', 'nothing.o']).status).toBe(1);
  expect(readdirSync(join(directory, 'dist/command'))).not.toContain('cached');
});

test('several at once', async () => {
  const run = promisify(execFile);
  const results = await Promise.all(
    [1, 2, 3, 4].map(() => run(process.execPath, [command(), 'inspect', OBJECT])),
  );
  expect(new Set(results.map(({ stdout }) => stdout)).size).toBe(1);
  onlyCache();
});

test('a checkout that is not built says so', () => {
  rmSync(join(directory, 'dist'), { recursive: true });
  const { status, stderr } = spawnSync(process.execPath, [command(), 'ps'], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([70, 'rootlet: not built yet; run "npm run build" in its directory\n']);
});

describe('link, which is two scripts', () => {
  const link = (...words: readonly string[]) => {
    const args = [command(), 'link', ...words, '-o', join(directory, 'out.o')];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return { status, stderr };
  };
  const names = () => readdirSync(cached()).map(name => name.replace(/-[0-9a-f]{16}-.*/, ''));

  test('the plain way reads the first only', () => {
    rmSync(join(directory, 'dist/command/link-more.cjs'));
    expect(link(OBJECT)).toEqual({ status: 0, stderr: '' });
    expect(names()).toEqual(['link']);
  });

  test('problems that the second reports have their exit codes', () => {
    const broken = join(directory, 'broken.o');
    writeFileSync(broken, readFileSync(OBJECT).subarray(0, 200));
    expect(link(broken)).toEqual({ status: 1, stderr: expect.stringMatching(/^rootlet: .*broken\.o: /) });
    expect(link(OBJECT, OBJECT)).toEqual({
      status: 1,
      stderr: expect.stringContaining('is defined more than once'),
    });
    expect(link(OBJECT, '--prefix-symbols')).toMatchObject({ status: 2 });
    expect(link(OBJECT, '--keep', 'x')).toMatchObject({ status: 2 });
    expect(link(OBJECT, '--bind', 'x')).toMatchObject({ status: 2 });
    expect(link(OBJECT, '--redefine-sym', 'nothing=something')).toMatchObject({ status: 2 });
  });

  test('what the second does', () => {
    expect(link(OBJECT, '-O1', '--gc-sections')).toMatchObject({ status: 0 });
    expect(names()).toEqual(['link', 'link-more']);
  });

  test('long lists of inputs have code of their own, which does not replace that of short ones', () => {
    const list = join(directory, 'list');
    writeFileSync(list, `${OBJECT}\n`.padEnd(1000));
    for (const words of [[OBJECT], [`@${list}`], [OBJECT], [`@${list}`]])
      expect(link(...words)).toMatchObject({ status: 0 });
    const isLong = process.version.startsWith('v20.');
    expect(names().sort()).toEqual(isLong ? ['link', 'link-long'] : ['link']);
  });

  test('kernels as JavaScript are kept, too', () => {
    const args = [command(), 'link', OBJECT, '-o', join(directory, 'out.o')];
    const env = { ...process.env, ROOTLET_CORE: 'js' };
    expect(spawnSync(process.execPath, args, { env }).status).toBe(0);
    expect(names()).toEqual(['kernels-js', 'link']);
  });
});
