/** What an image and the forms of kernels and memory know of each other. */

/** Functions of kernels, by name. */
export type KernelFunctions = Readonly<Record<string, (...values: number[]) => number>>;

/** All kernels as one script: accesses are bound to a memory as in `memory.ts`. */
export interface ScriptKernels {
  bindMemory(buffer: ArrayBuffer, makeRoom: (bytes: number) => void, random: () => number): void;
  readonly functions: KernelFunctions;
}

/** What there is besides the modules; each is made when it is first used. */
export interface CompiledKernels {
  readonly wasm: (() => Uint8Array) | null;
  readonly script: ((outside: (index?: number) => never) => ScriptKernels) | null;
}

/** Memory in one form. */
export interface ImageMemory {
  /** More memory is not a copy of what there is. */
  readonly growsInPlace: boolean;
  /** The functions of a kernel file, which work on the memory that was entered last. */
  functions(kernels: object): KernelFunctions;
  /** Makes this the memory that kernels work on. */
  enter(): void;
  /** The image stays in it for good. Whether the engine gives the memory to nothing else, also afterwards. */
  keep(): boolean;
  /** The contents are no longer used, or can no longer be trusted. */
  release(isSound: boolean): void;
}

/** Whose memory it is. */
export interface Tenant {
  /** Bytes that its memory may have. */
  readonly mostBytes: number;
  /** The same contents are in another buffer now. */
  moved(buffer: ArrayBuffer): void;
  /** Kernels work on another memory from now on, which has the same contents. */
  placed(memory: ImageMemory): void;
}
