/** The memory of one image whose kernels run as JavaScript. It grows by being copied. */

import { memoryRefused, requireSize } from './failures.ts';
import { kernelScript } from './form.ts';
import type { ImageMemory, KernelFunctions, Tenant } from './image-memory.ts';
import { bindMemory } from './memory.ts';
import { randomWord } from './random.ts';

/** Enough for an object of a few functions. */
const FIRST_BYTES = 1 << 16;

/** Whose memory the kernels work on. */
let bound: ScriptMemory | null = null;

export class ScriptMemory implements ImageMemory {
  readonly growsInPlace = false;
  readonly #tenant: Tenant;
  #buffer: ArrayBuffer;

  /** `contents` stays what it is; without it the memory is new. */
  constructor(tenant: Tenant, contents = new ArrayBuffer(FIRST_BYTES)) {
    this.#tenant = tenant;
    this.#buffer = contents;
    this.#moved();
  }

  /** The modules themselves, or their functions in the script. */
  functions(kernels: object): KernelFunctions {
    // a kernel has only functions of numbers and constants, which the subset's compiler checks
    return kernelScript()?.functions ?? (kernels as KernelFunctions);
  }

  enter(): void {
    if (bound === this) return;
    bound = this;
    this.#bind();
  }

  keep(): boolean {
    return false; // nothing takes its place, but the engine frees it into a heap
  }

  release(): void {
    if (bound === this) bound = null;
  }

  #bind(): void {
    (kernelScript() ?? { bindMemory }).bindMemory(this.#buffer, size => this.#grow(size), randomWord);
  }

  #grow(size: number): void {
    requireSize(size, this.#tenant.mostBytes);
    let limit = Math.max(this.#buffer.byteLength, FIRST_BYTES);
    while (limit < size) limit *= 2;
    const buffer = this.#newBuffer(Math.min(limit, this.#tenant.mostBytes));
    new Uint8Array(buffer).set(new Uint8Array(this.#buffer));
    this.#buffer = buffer;
    this.#bind();
    this.#moved();
  }

  #newBuffer(size: number): ArrayBuffer {
    try {
      return new ArrayBuffer(size);
    } catch (error) {
      throw memoryRefused(size, error);
    }
  }

  #moved(): void {
    this.#tenant.moved(this.#buffer);
  }
}
