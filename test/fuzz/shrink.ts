/** A failing case made smaller: fewer files, fewer changes, simpler values, as long as it fails for the same cause. */

import { type Case, runCase } from './cases.ts';
import type { Edit } from './edits.ts';

const MOST_RUNS = 400;

export function shrink(failing: Case, kind: string): Case {
  let best = failing;
  let runs = 0;
  const accept = (candidate: Case): boolean => {
    if (runs++ > MOST_RUNS || runCase(candidate)?.kind !== kind) return false;
    best = candidate;
    return true;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const candidate of smaller(best))
      if (accept(candidate)) {
        changed = true;
        break;
      }
  }
  return best;
}

function* smaller(one: Case): Generator<Case> {
  const { files } = one;
  for (let index = files.length - 1; index > 0; index--)
    yield { ...one, files: files.filter((_, at) => at !== index) };
  for (const [index, file] of files.entries()) {
    const withEdits = (edits: readonly Edit[]): Case => ({
      ...one,
      files: files.map((other, at) => (at === index ? { ...file, edits } : other)),
    });
    for (let at = 0; at < file.edits.length; at++)
      yield withEdits(file.edits.filter((_, other) => other !== at));
    for (const [at, edit] of file.edits.entries())
      for (const simpler of simplerEdits(edit, file.bytes))
        yield withEdits(file.edits.map((other, place) => (place === at ? simpler : other)));
  }
}

/** Bytes of the original one by one, and shorter pieces. */
function simplerEdits(edit: Edit, original: Uint8Array): Edit[] {
  if (edit.kind === 'insert' && edit.bytes.length > 1)
    return [{ ...edit, bytes: edit.bytes.subarray(0, edit.bytes.length >> 1) }];
  if (edit.kind === 'delete' && edit.size > 1) return [{ ...edit, size: edit.size >> 1 }];
  if (edit.kind !== 'set') return [];
  return Array.from(edit.bytes.keys()).flatMap(index => {
    const before = original[edit.at + index];
    if (before === undefined || before === edit.bytes[index]) return [];
    return [{ ...edit, bytes: edit.bytes.map((byte, at) => (at === index ? before : byte)) }];
  });
}
