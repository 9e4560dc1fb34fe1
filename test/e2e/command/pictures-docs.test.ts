/** docs/pictures.md: its pictures are what its commands draw, and its program prints what the page says. */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { LIMITS } from '../../../src/diag/limits.ts';
import { blocksOf } from '../../support/page.ts';

vi.setConfig({ testTimeout: 60_000 }); // each command is a process

const PICTURES = 'docs/pictures';
const script = pathToFileURL(path.resolve('scripts/pictures.js')).href;
const { drawPictures }: { drawPictures(): ReadonlyMap<string, string> } = await import(script);
const page = readFileSync('docs/pictures.md', 'utf8');

test('its pictures are drawn by its commands', () => {
  const drawn = drawPictures();
  expect([...drawn.keys()]).toEqual(readdirSync(PICTURES).sort());
  for (const [name, text] of drawn) {
    expect(
      text === readFileSync(path.join(PICTURES, name), 'utf8'),
      `node scripts/pictures.js: ${name}`,
    ).toBe(true);
    expect(page).toContain(`](pictures/${name})`);
    expect(statSync(path.join(PICTURES, name)).size).toBeLessThan(32 * 1024);
  }
});

test('it has the limit of pictures', () => {
  expect(page).toContain(`at most ${LIMITS.picture.value} nodes and edges`);
});

test.each(blocksOf('pictures.md', 'js').map(code => ({ code })))('its program', ({ code }) => {
  const expected = code
    .split('\n')
    .flatMap(line => (line.startsWith('//> ') ? [line.slice('//> '.length)] : []));
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  expect([result.stderr, result.stdout.trimEnd().split('\n')]).toEqual(['', expected]);
});
