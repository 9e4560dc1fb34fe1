/** What `npm run bench:link` measures, in seconds and bytes. */

import type { LoadFigures } from './load-processes.ts';

/** One corpus, linked. */
export interface CorpusFigures {
  readonly name: string;
  readonly count: number;
  readonly bytes: number;
  readonly output: number;
  /** An empty Node process, measured alternately with the rest. */
  readonly bare: number;
  readonly seconds: number;
  /** With `ROOTLET_CORE=js`. */
  readonly asJavaScript: number;
  /** `bpftool gen object`, where it was run. */
  readonly peerSeconds?: number;
  /** Peak over that of an empty process. */
  readonly memory: number;
  readonly memoryAsJavaScript: number;
}

/** Links by another version of Node. */
export interface NodeFigures {
  readonly version: string;
  readonly corpora: readonly { readonly name: string; readonly bare: number; readonly seconds: number }[];
}

/** Links repeated in one process. */
export interface WarmFigures {
  /** Two small objects. */
  readonly two: number;
  /** A chain of 800 small objects. */
  readonly many: number;
}

/** `rootlet inspect` of large objects, over an empty process; the peer is bpftool, the whole process. */
export interface InspectFigures {
  readonly all: number;
  readonly allBytes: number;
  readonly types: number;
  readonly typesBytes: number;
  readonly typesPeer: number;
}

/** The kernel's types, parsed and deduplicated in a fresh process. */
export interface KernelTypes {
  readonly theirs: number;
  readonly ours: number;
  readonly theirTypes: number;
  readonly ourTypes: number;
}

export interface LinkFigures {
  readonly bare: number;
  readonly barePeak: number;
  readonly version: number;
  readonly corpora: readonly CorpusFigures[];
  readonly nodes: readonly NodeFigures[];
  readonly warm?: WarmFigures;
  readonly inspect?: InspectFigures;
  readonly load?: LoadFigures;
  readonly kernelTypes?: KernelTypes;
}
