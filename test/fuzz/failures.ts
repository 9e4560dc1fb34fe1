/** Failures as files, which hold all that is needed to run them again. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Case, runCase } from './cases.ts';
import type { BrokenPromise } from './check.ts';
import { applyEdits, editText, editToJson } from './edits.ts';

interface Saved {
  readonly target: string;
  readonly number: number;
  readonly files: readonly { readonly name: string; readonly bytes: string }[];
}

/** Writes the case, and its inputs beside it; returns the path of the case. */
export function saveFailure(directory: string, failing: Case, broken: BrokenPromise | string): string {
  mkdirSync(directory, { recursive: true });
  const base = path.join(directory, `${failing.target}-${failing.number}`);
  const inputs = failing.files.map(({ name, bytes, edits }) => ({
    name,
    bytes: applyEdits(bytes, edits),
    edits,
  }));
  const saved = {
    what: typeof broken === 'string' ? broken : broken.message,
    stack:
      typeof broken === 'string' ? '' : broken.cause instanceof Error ? broken.cause.stack : broken.stack,
    replay: `npm run fuzz -- --replay ${base}.json`,
    target: failing.target,
    number: failing.number,
    changes: inputs.map(({ name, edits }) => ({
      file: name,
      edits: edits.map(editText),
      data: edits.map(editToJson),
    })),
    files: inputs.map(({ name, bytes }) => ({ name, bytes: Buffer.from(bytes).toString('base64') })),
  };
  writeFileSync(`${base}.json`, `${JSON.stringify(saved, null, 1)}\n`);
  for (const [index, { bytes }] of inputs.entries()) writeFileSync(`${base}-${index}.bin`, bytes);
  return `${base}.json`;
}

/** Runs a saved case again. */
export function replay(file: string): BrokenPromise | undefined {
  const { target, number, files } = JSON.parse(readFileSync(file, 'utf8')) as Saved; // this module wrote it
  const given = files.map(({ name, bytes }) => ({
    name,
    bytes: new Uint8Array(Buffer.from(bytes, 'base64')),
    edits: [],
  }));
  return runCase({ target, number, files: given });
}
