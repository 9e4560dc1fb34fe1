/**
 * What is written opens with libbpf as the input did: the same programs and maps. Objects of which rootlet notes that
 * something is left out are no such case: libbpf finds maps by their types, whatever their symbols are. Runs a process for
 * each object, and needs a C compiler and libbpf, so it is run by hand: `npm run fuzz -- --target oracle`.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { link } from '../../src/link/link.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { attempt, promise } from './check.ts';
import type { SeedFile } from './seeds.ts';

/** In the sources, and in what is compiled of them. */
const SOURCE = [new URL('open.c', import.meta.url), new URL('../../../test/fuzz/open.c', import.meta.url)]
  .map(url => fileURLToPath(url))
  .find(file => existsSync(file));

let command: string | undefined;

/** The compiled command; it is compiled where that is newer than the last one. */
function opener(): string {
  if (command !== undefined) return command;
  if (SOURCE === undefined) throw new Error('test/fuzz/open.c is not there');
  const built = path.join(path.dirname(SOURCE), '../../.cache/fuzz/open');
  if (!existsSync(built) || statSync(built).mtimeMs < statSync(SOURCE).mtimeMs) {
    mkdirSync(path.dirname(built), { recursive: true });
    execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-o', built, SOURCE, '-lbpf']);
  }
  command = built;
  return built;
}

interface Opened {
  /** A line for each program and map; undefined where libbpf refuses the object, or crashes. */
  readonly contents: readonly string[] | undefined;
  readonly text: string;
}

function openWithLibbpf(bytes: Uint8Array): Opened {
  const { status, signal, stdout } = spawnSync(opener(), [], {
    input: bytes,
    encoding: 'latin1',
    maxBuffer: 16 << 20,
  });
  if (status === 0) return { contents: stdout.split('\n').filter(line => line !== ''), text: stdout };
  return { contents: undefined, text: signal === null ? stdout : `ends with ${signal}` };
}

export function opensAsBefore(input: SeedFile): void {
  const object = attempt('reading', () => readObject(input));
  if (object === undefined || object.notes !== undefined) return;
  const before = openWithLibbpf(input.bytes);
  if (before.contents === undefined) return;
  compare(
    'written',
    before,
    attempt('writing', () => writeObject(object)),
  );
  const linked = attempt('linking', () => link([input]));
  if (linked?.ok === true)
    compare(
      'linked',
      before,
      attempt('writing', () => writeObject(linked.object)),
    );
}

function compare(how: string, before: Opened, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) return;
  const after = openWithLibbpf(bytes);
  promise(
    after.contents !== undefined,
    `libbpf opens the input, and not what is ${how}`,
    `libbpf opens the input, and not what is ${how}: ${after.text}`,
  );
  const [old, now] = [before.contents ?? [], after.contents ?? []];
  const isLost = old.some(line => !now.includes(line));
  // a label without a type is a function for rootlet, and is written as one, so that it is a program for libbpf
  const isNew = now.some(line => !line.startsWith('program ') && !old.includes(line));
  promise(
    !isLost && !isNew,
    `libbpf finds something else in what is ${how}`,
    `libbpf finds something else in what is ${how}:\n${before.text}\n${after.text}`,
  );
}
