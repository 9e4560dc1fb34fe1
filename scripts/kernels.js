/**
 * Compiles the kernels of `src/` to WebAssembly and to one script.
 *
 *   node scripts/kernels.js    only checks them; prints what breaks a rule, else the sizes
 */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { printScript } from './kernel-script.js';
import { kernelTexts, MEMORY, readKernels } from './kernel-source.js';
import { compileWasm } from './kernel-wasm.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns {Promise<{ wasm: Uint8Array, script: string }>} */
export async function compileKernels(root = ROOT, texts = kernelTexts(root)) {
  const kernels = await readKernels(root, texts);
  return {
    wasm: compileWasm(kernels),
    script: printScript(kernels, readFileSync(join(root, MEMORY), 'utf8')),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { wasm, script } = await compileKernels();
    process.stdout.write(`${wasm.length} bytes of WebAssembly, ${script.length} of JavaScript, `);
    process.stdout.write(`${gzipSync(wasm).length} compressed\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
