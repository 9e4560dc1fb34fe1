/** Kernels in every form they run in, for tests: as modules, as one script, as WebAssembly. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { expect } from 'vitest';
import { RootletError } from '../diag/index.ts';
import { useCompiled } from './form.ts';
import { Image } from './image.ts';
import type { CompiledKernels, ScriptKernels } from './image-memory.ts';
import { HEADER } from './layout.ts';

const COMPILER = fileURLToPath(new URL('../../scripts/kernels.js', import.meta.url));
const NOTHING: CompiledKernels = { wasm: null, script: null };

/** What `scripts/kernels.js` makes, once for each run of all tests: the path is of `test/support/kernels-path.ts`. */
function compilerOutput(): string {
  const path = process.env['ROOTLET_TEST_KERNELS'] ?? '';
  if (path !== '' && existsSync(path)) return readFileSync(path, 'utf8');
  const text = execFileSync(process.execPath, [COMPILER, '--json'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (path === '') return text;
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
  return text;
}

let made: Required<{ [Form in keyof CompiledKernels]: NonNullable<CompiledKernels[Form]> }> | undefined;

/** All kernels, compiled from source. */
export function compiledForTests(): NonNullable<typeof made> {
  if (made !== undefined) return made;
  const { wasm, script }: { wasm: string; script: string } = JSON.parse(compilerOutput());
  made = {
    wasm: () => Buffer.from(wasm, 'base64'),
    script: outside => (runInThisContext(script) as (given: typeof outside) => ScriptKernels)(outside),
  };
  return made;
}

/** What a test sees of an image in one form: its memory and what came of it. */
interface Outcome {
  readonly image: Image;
  readonly contents: Uint8Array;
  readonly result: unknown;
}

function outcomeOf(run: (image: Image) => unknown): Outcome {
  const image = new Image();
  const result = resultOf(() => run(image));
  const top = image.words[HEADER.top] ?? 0;
  const contents = image.bytes.slice(0, top);
  new Int32Array(contents.buffer)[HEADER.limit] = 0;
  return { image, contents, result };
}

function resultOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof RootletError) return { code: error.code };
    throw error;
  }
}

/**
 * Does the same with an image in each form; results, problems and all memory must be the same. Returns the image of
 * the last, which is WebAssembly.
 */
export function inEachForm(run: (image: Image) => unknown): Image {
  const { wasm, script } = compiledForTests();
  const forms = [
    ['modules', NOTHING, 'js'],
    ['script', { wasm: null, script }, 'js'],
    ['wasm', { wasm, script: null }, 'wasm'],
  ] as const;
  const outcomes = forms.map(([form, kernels, choice]) => {
    const restore = useCompiled(kernels, choice);
    try {
      return { form, ...outcomeOf(run) };
    } finally {
      restore();
    }
  });
  const [first, ...others] = outcomes;
  for (const { form, contents, result } of others) {
    expect(result, form).toEqual(first?.result);
    expect(firstDifference(contents, first?.contents ?? contents), `first different byte: ${form}`).toBe(-1);
  }
  return outcomes[outcomes.length - 1]?.image ?? new Image();
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) return -1;
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? Math.min(a.length, b.length) : at;
}
