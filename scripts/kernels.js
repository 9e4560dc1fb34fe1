/**
 * Compiles the kernels of `src/` to WebAssembly and to one script.
 *
 *   node scripts/kernels.js           checks them; prints what breaks a rule, else the sizes
 *   node scripts/kernels.js --json    prints `{ wasm, script }`, the former in base64
 */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printScript } from './kernel-script.js';
import { exportedConstants, kernelTexts, MEMORY, readKernels } from './kernel-source.js';
import { compileWasm } from './kernel-wasm.js';

/** @typedef {import('./kernel-source.js').Kernels} Kernels */

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns {Promise<{ kernels: Kernels, wasm: Uint8Array, script: string }>} */
export async function compileKernels(root = ROOT, texts = kernelTexts(root)) {
  const kernels = await readKernels(root, texts);
  const memory = readFileSync(join(root, MEMORY), 'utf8');
  return { kernels, wasm: compileWasm(kernels), script: printScript(kernels, memory) };
}

/**
 * `src/image/compiled.ts` with the compiled module, for the library: nothing is read from files, and a browser can use
 * it.
 *
 * @param {Uint8Array} wasm
 */
export function compiledModule(wasm) {
  const text = JSON.stringify(Buffer.from(wasm).toString('base64'));
  return `const TEXT = ${text};
const wasm = () =>
  typeof Buffer === 'undefined' ? Uint8Array.from(atob(TEXT), one => one.charCodeAt(0)) : Buffer.from(TEXT, 'base64');
export const COMPILED = { wasm, script: null };
`;
}

/**
 * The same for commands. Both are expressions: for a function that returns the module's bytes, and for one that makes
 * the script of all kernels.
 *
 * @param {string} wasm
 * @param {string} script
 */
export function commandModule(wasm, script) {
  return `export const COMPILED = { wasm: ${wasm}, script: ${script} };\n`;
}

/**
 * A kernel file for commands, which run kernels compiled or from the script: names without functions.
 *
 * @param {Kernels} kernels
 * @param {string} file
 */
export function kernelNames({ units, functions }, file) {
  const unit = units.find(one => one.file === file);
  if (unit === undefined) throw new Error(`${file} is not a kernel`);
  const own = functions.filter(of => of.unit === unit && of.exported);
  const lines = own.map(({ name }) => `export const ${name} = null;`);
  for (const [name, value] of exportedConstants(unit))
    lines.push(`export const ${name} = ${JSON.stringify(value)};`);
  return lines.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { wasm, script } = await compileKernels();
    if (process.argv.includes('--json'))
      process.stdout.write(JSON.stringify({ wasm: Buffer.from(wasm).toString('base64'), script }));
    else process.stdout.write(`${wasm.length} bytes of WebAssembly, ${script.length} of JavaScript\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
