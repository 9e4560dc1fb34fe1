/**
 * What the build makes of the kernels; `scripts/kernels.js` writes this file in `dist/` and in the commands. From
 * source nothing is compiled, and kernels run as the modules that they are.
 */

import type { CompiledKernels } from './image-memory.ts';

export const COMPILED: CompiledKernels = { wasm: null, script: null };
