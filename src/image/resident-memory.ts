/**
 * Memories of WebAssembly, in which kernels run compiled. Each takes 10 GiB of the address space, so there are few, and
 * images take turns: the image that has not been used for longest is moved out to memory of JavaScript when a new
 * one comes, and stays there. Large images keep their memory, since they are few.
 */

import { elementAt, WASM_PAGE, type WasmEngine, type WasmMemory } from '../bytes/index.ts';
import { MOST_BYTES, memoryRefused, outside, requireSize } from './failures.ts';
import { kernelModule } from './form.ts';
import type { ImageMemory, KernelFunctions, Tenant } from './image-memory.ts';
import { HEADER } from './layout.ts';
import { randomWord } from './random.ts';
import { ScriptMemory } from './script-memory.ts';

const FIRST_PAGES = 64;
/** How many images of a moderate size may be compiled at a time: linking uses one in the middle of another. */
const RESIDENTS = 4;
/** An image of that size is not copied but keeps its memory. */
const LARGE_BYTES = 1 << 26;

/** Memories that images take turns in, that which was used last at the end. */
const residents: ResidentMemory[] = [];
/** What the engine said when it refused one. */
let refusal: { readonly error: unknown } | null = null;

/** Memory with nothing in it. Throws what the engine throws if it refuses. */
export function takeResident(engine: WasmEngine, tenant: Tenant): ImageMemory {
  for (const large of residents.filter(one => !one.isFree && one.isLarge)) large.keep();
  const free = residents.find(one => one.isFree) ?? newResident(engine) ?? residents[0];
  if (free === undefined) throw refusal?.error;
  return free.take(tenant);
}

/** Another one, if there may be more; those that cannot be had are not asked for again. */
function newResident(engine: WasmEngine): ResidentMemory | undefined {
  if (residents.length === RESIDENTS || refusal !== null) return undefined;
  try {
    const made = new ResidentMemory(engine);
    residents.push(made);
    return made;
  } catch (error) {
    refusal = { error };
    return undefined;
  }
}

/**
 * The place of an image in a memory. An image that nothing refers to is known by its seat, which nothing else refers
 * to: an engine keeps what a WeakRef refers to until the job ends, which is long where many files are linked in a
 * loop. So it keeps seats that are empty, and never images that were moved out.
 */
class Seat implements ImageMemory {
  readonly growsInPlace = true;
  #place: { readonly memory: ResidentMemory; readonly tenant: Tenant } | null;

  constructor(memory: ResidentMemory, tenant: Tenant) {
    this.#place = { memory, tenant };
  }

  get tenant(): Tenant | undefined {
    return this.#place?.tenant;
  }

  empty(): void {
    this.#place = null;
  }

  functions(): KernelFunctions {
    return this.#place?.memory.functions() ?? outside();
  }

  enter(): void {
    this.#place?.memory.enter();
  }

  keep(): boolean {
    return this.#place?.memory.keep() ?? outside();
  }

  release(isSound: boolean): void {
    this.#place?.memory.release(isSound);
  }
}

class ResidentMemory implements ImageMemory {
  readonly growsInPlace = true;
  readonly #memory: WasmMemory;
  readonly #functions: KernelFunctions;
  #seat: WeakRef<Seat> | null = null;
  /** Its image, once it is kept: the memory is then in no list, and freed with the image. */
  #keeper: Tenant | null = null;

  /** Memory first: an engine that refuses it may end the process when it is asked to compile. */
  constructor(engine: WasmEngine) {
    this.#memory = new engine.Memory({ initial: FIRST_PAGES, maximum: MOST_BYTES / WASM_PAGE });
    const module = kernelModule(engine);
    if (module === null) throw new Error('no compiled kernels');
    const env = {
      memory: this.#memory,
      grow: (size: number) => this.#grow(size),
      draw: (index: number) => void new Int32Array(this.#memory.buffer).fill(randomWord(), index, index + 1),
    };
    // the compiler of the subset gives each exported function numbers, and a number as its result
    this.#functions = new engine.Instance(module, { env }).exports as KernelFunctions;
  }

  get isFree(): boolean {
    return this.#tenant === undefined;
  }

  get #tenant(): Tenant | undefined {
    return this.#keeper ?? this.#seat?.deref()?.tenant;
  }

  get isLarge(): boolean {
    return this.#usedBytes() > LARGE_BYTES;
  }

  /** It is not taken from its image. */
  keep(): boolean {
    const at = residents.indexOf(this);
    if (at >= 0) residents.splice(at, 1);
    this.#keeper = this.#tenant ?? null;
    this.#emptySeat();
    this.#keeper?.placed(this);
    return true;
  }

  /** Its image no longer has it. */
  #leave(): void {
    this.#emptySeat();
    this.#keeper = null;
  }

  #emptySeat(): void {
    this.#seat?.deref()?.empty();
    this.#seat = null;
  }

  functions(): KernelFunctions {
    return this.#functions;
  }

  /** It is the one used last now. */
  enter(): void {
    if (residents[residents.length - 1] === this) return;
    const at = residents.indexOf(this);
    if (at < 0) return;
    residents.splice(at, 1);
    residents.push(this);
  }

  /** Moves out the image that is in it. */
  take(tenant: Tenant): ImageMemory {
    const before = this.#tenant;
    const used = this.#usedBytes();
    before?.placed(new ScriptMemory(before, this.#memory.buffer.slice(0, used)));
    this.#emptySeat();
    new Uint8Array(this.#memory.buffer, 0, used).fill(0);
    const seat = new Seat(this, tenant);
    this.#seat = new WeakRef(seat);
    tenant.moved(this.#memory.buffer);
    this.enter();
    return seat;
  }

  /** Memory whose contents cannot be trusted is not used again. */
  release(isSound: boolean): void {
    if (!isSound || this.isLarge) this.keep();
    if (isSound) this.#leave();
  }

  #usedBytes(): number {
    const top = elementAt(new Int32Array(this.#memory.buffer), HEADER.top);
    return top < 0 ? this.#memory.buffer.byteLength : Math.min(top, this.#memory.buffer.byteLength);
  }

  /**
   * At least `size` bytes; half as much again as there is, where the engine gives it. Pages that are not used take no
   * memory, but the engine counts them, and collects garbage when they become many.
   */
  #grow(size: number): void {
    requireSize(size, this.#tenant?.mostBytes ?? MOST_BYTES);
    const now = this.#memory.buffer.byteLength / WASM_PAGE;
    const needed = Math.ceil(size / WASM_PAGE);
    if (!this.#tryGrow(Math.min(Math.max(needed, now + (now >> 1)), MOST_BYTES / WASM_PAGE) - now)) {
      if (!this.#tryGrow(needed - now)) throw memoryRefused(size, null);
    }
    this.#tenant?.moved(this.#memory.buffer);
  }

  #tryGrow(pages: number): boolean {
    try {
      this.#memory.grow(pages);
      return true;
    } catch {
      return false;
    }
  }
}
