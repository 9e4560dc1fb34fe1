#!/usr/bin/env node
/**
 * Draws the pictures of docs/pictures.md by the commands of the page, into docs/pictures/.
 *
 *   node scripts/pictures.js
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The first block of commands of the page. */
function commands() {
  const text = readFileSync(join(ROOT, 'docs/pictures.md'), 'utf8');
  const [, block = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(text) ?? [];
  return block.trimEnd().split('\n');
}

/**
 * Runs the commands beside the example objects; returns the pictures by name.
 *
 * @returns {Map<string, string>}
 */
export function drawPictures() {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-pictures-'));
  try {
    cpSync(join(ROOT, 'examples/obj/el'), directory, { recursive: true });
    for (const line of commands()) {
      const [, ...words] = line.split(' ');
      const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'bin/rootlet.js'), ...words], {
        cwd: directory,
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${line}: ${stderr}`);
    }
    const names = readdirSync(directory).filter(name => name.endsWith('.svg'));
    return new Map(names.sort().map(name => [name, readFileSync(join(directory, name), 'utf8')]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  mkdirSync(join(ROOT, 'docs/pictures'), { recursive: true });
  for (const [name, text] of drawPictures()) writeFileSync(join(ROOT, 'docs/pictures', name), text);
}
