/**
 * Pictures of all objects that are checked in: Graphviz draws each of them without a complaint, the same text each time;
 * and of objects whose names are hostile. The command without the package that draws.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { instance } from '@viz-js/viz';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { RootletError } from '../../../src/diag/problem.ts';
import { callPicture } from '../../../src/object/pictures/call-picture.ts';
import { flowPicture } from '../../../src/object/pictures/flow-picture.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { dotOf } from '../../../src/picture/dot.ts';
import type { Picture } from '../../../src/picture/model.ts';
import { HOSTILE } from '../../../src/picture/testing.ts';
import { objectOf } from '../../support/objects.ts';

vi.setConfig({ testTimeout: 60_000 });

const graphviz = await instance();
const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-pictures-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Compiled objects of the repository, in order. */
function objectFiles(): string[] {
  return ['examples', 'src', 'test']
    .flatMap(top => readdirSync(top, { recursive: true, encoding: 'utf8' }).map(name => path.join(top, name)))
    .filter(name => /[\\/]obj[\\/]el[\\/].*\.o$/.test(name))
    .sort();
}

/** Widths are known of ASCII characters; said once in a process. */
const WIDTH = /^Warning: no value for width of non-ASCII character/;

/** Errors of reading DOT, and warnings about what is in it. */
function complaints(picture: Picture): string[] {
  const result = graphviz.render(dotOf(picture), { format: 'svg', engine: 'dot' });
  return result.errors.map(({ message }) => message).filter(message => !WIDTH.test(message));
}

describe('every object', () => {
  test('is here', () => {
    expect(objectFiles().length).toBeGreaterThan(100);
  });

  test.for(objectFiles())('%s', name => {
    const object = readObject({ name, bytes: readFileSync(name) });
    const calls = callPicture(object);
    expect(complaints(calls)).toEqual([]);
    expect(dotOf(callPicture(readObject({ name, bytes: readFileSync(name) })))).toBe(dotOf(calls));
    for (const symbol of object.symbols)
      if (symbol.kind === 'function') expect(complaints(flowPicture(object, symbol.name))).toEqual([]);
  });
});

test.for(HOSTILE.filter(name => name !== '' && name.length < 1000))('an object with the name %j', name => {
  const object = objectOf(`${name}.o`, [
    { name, kind: 'function', section: 'xdp', calls: [`${name}2`], uses: [`${name}3`] },
    { name: `${name}2`, kind: 'function' },
    { name: `${name}3`, kind: 'variable' },
  ]);
  expect(complaints(callPicture(object))).toEqual([]);
  expect(complaints(flowPicture(object, name))).toEqual([]);
});

test('the largest picture that is drawn takes seconds, not minutes', () => {
  // every function calls some others: about as many edges as a real program has, in the worst order
  const count = 200;
  const names = Array.from({ length: count }, (_, at) => `function_${at}`);
  const object = objectOf(
    'large.o',
    names.map((name, at) => ({
      name,
      kind: 'function',
      section: at === 0 ? 'xdp' : '.text',
      calls: [3, 7].flatMap(step => names[at + step] ?? []),
    })),
  );
  const picture = callPicture(object);
  expect(picture.nodes.length + picture.edges.length).toBeGreaterThan(580);
  const before = performance.now();
  expect(complaints(picture)).toEqual([]);
  expect(performance.now() - before).toBeLessThan(30_000);
});

describe('the command without the package that draws', () => {
  const words = (...rest: readonly string[]): string[] => [
    path.join(directory, 'bin/rootlet.js'),
    'inspect',
    path.resolve('examples/obj/el/second_firewall.bpf.o'),
    '--graph',
    ...rest,
  ];
  const run = (...rest: readonly string[]) =>
    spawnSync(process.execPath, words(...rest), { encoding: 'utf8', cwd: directory });

  test('refuses SVG with its name, and writes DOT', () => {
    mkdirSync(path.join(directory, 'dist'));
    cpSync('bin', path.join(directory, 'bin'), { recursive: true });
    cpSync('dist/command', path.join(directory, 'dist/command'), { recursive: true });
    writeFileSync(path.join(directory, 'package.json'), '{ "type": "module", "version": "0.0.0" }');
    const { status, stderr } = run('a.svg');
    expect([status, stderr]).toEqual([3, expect.stringContaining('@viz-js/viz, which is not installed')]);
    expect(run('a.dot')).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(path.join(directory, 'a.dot'), 'utf8')).toMatch(/^digraph rootlet \{/);
  });
});

test('a damaged object is refused as everywhere', () => {
  const bytes = writeObject(objectOf('a.o', [{ name: 'main', kind: 'function', section: 'xdp' }]));
  expect(() => callPicture(readObject({ name: 'a.o', bytes: bytes.subarray(0, 60) }))).toThrow(RootletError);
});
