/**
 * The plan of a load: what will be created in the kernel, in which order, as plain data.
 *
 * Making the plan needs no kernel and is the same on every machine: what depends on the machine (values of
 * kconfig externs, addresses of kernel symbols, CO-RE) was bound before and comes in as data. Executing it
 * (`execute.ts`) makes no more decisions. Instructions are complete but for descriptors, which `fixups` name
 * by index.
 */

import type { Btf, BtfId } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import type { InlineScope, OptimizeReport } from '../../link/index.ts';
import type { GlobalPlace, ProgramType } from '../../object/index.ts';

/** A value in an array or map of maps that is set while loading. */
export interface InitialEntry {
  readonly index: number;
  /** A map of the plan, or a program for program arrays. */
  readonly target:
    | { readonly kind: 'map'; readonly map: number }
    | { readonly kind: 'program'; readonly program: string };
}

export interface MapPlan {
  /** Name in the object; for globals the section's. */
  readonly name: string;
  /** Name in the kernel: 15 characters at most. */
  readonly kernelName: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  /** 0 where the machine decides (one entry for each CPU in perf event arrays). */
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly numaNode: number;
  /** Types in the plan's BTF; 0 when the object gives only sizes. */
  readonly keyType: BtfId;
  readonly valueType: BtfId;
  /** Whether the kernel is given these types; not all map types take any. */
  readonly typed: boolean;
  /**
   * Globals: the initial value of the only element, or the first bytes of an arena; null for other maps and
   * for zeros.
   */
  readonly contents: Uint8Array | null;
  /** No writes from user space once the contents are there; the verifier then knows the values. */
  readonly frozen: boolean;
  /** LIBBPF_PIN_BY_NAME is 1. */
  readonly pinning: number;
  readonly inner: MapPlan | null;
  readonly initial: readonly InitialEntry[];
  /** struct_ops maps only. */
  readonly operations?: OperationsPlan;
}

/** An instruction that waits for a descriptor. `insnIndex` is that of the first slot. */
export type Fixup =
  /** ld_imm64 of a map. */
  | { readonly kind: 'map'; readonly insnIndex: number; readonly map: number }
  /** ld_imm64 of a place in the value of a map of globals. */
  | { readonly kind: 'map-value'; readonly insnIndex: number; readonly map: number; readonly offset: number }
  /** ld_imm64 of a place in a jump table of the program. */
  | { readonly kind: 'jump-table'; readonly insnIndex: number; readonly table: number }
  /**
   * Call of a kernel function: the instruction has the BTF id, the descriptor of its module's BTF is missing.
   */
  | { readonly kind: 'kfunc'; readonly insnIndex: number; readonly btfObject: number }
  /** ld_imm64 of a variable or function in a module. */
  | { readonly kind: 'kernel-symbol'; readonly insnIndex: number; readonly btfObject: number };

/** A jump table: for each entry the instruction of the program that it leads to. */
export interface JumpTablePlan {
  readonly targets: readonly number[];
}

/** A function within a program's instructions. */
export interface FunctionPlan {
  readonly name: string;
  /** The input that it comes from: a member of a chain, a component. */
  readonly file: string;
  readonly insnIndex: number;
  readonly insnCount: number;
  readonly btfId: BtfId;
}

export interface LinePlan {
  readonly insnIndex: number;
  readonly file: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface ProgramPlan {
  readonly name: string;
  readonly kernelName: string;
  readonly section: string;
  readonly type: ProgramType;
  /** The program and every function that it reaches, one after another, calls resolved. */
  readonly code: Uint8Array;
  readonly fixups: readonly Fixup[];
  readonly jumpTables: readonly JumpTablePlan[];
  /** In order of `insnIndex`; the program itself is the first. */
  readonly functions: readonly FunctionPlan[];
  readonly lines: readonly LinePlan[];
  /** Records for BPF_PROG_LOAD in the object's byte order; null when types are missing. */
  readonly funcInfo: Uint8Array | null;
  readonly lineInfo: Uint8Array | null;
  /** Type in the kernel that the program attaches to, for types that need it at load time. */
  readonly attach: AttachPlan | null;
  /** Calls that were replaced because nothing defines what they call; the verifier must find them dead. */
  readonly poisons: readonly Poison[];
  /** ld_imm64 that hold the BTF id of a kernel function: its address, which kernels know since 6.4. */
  readonly functionAddresses: readonly number[];
}

export interface AttachPlan {
  readonly btfId: BtfId;
  /** Id of the kernel's BTF object; 0 for vmlinux. */
  readonly btfObject: number;
  /** Operations (struct_ops): which member of the type the program is. */
  readonly member?: number;
}

/** A call that must never be reached. `helper` is the impossible helper number that replaces it. */
export interface Poison {
  readonly insnIndex: number;
  readonly helper: number;
  /** What the instruction did, as one sentence, e.g. `calls function "foo", which does not exist`. */
  readonly what: string;
}

/** A named variable in a map of globals. */
export interface GlobalPlan extends GlobalPlace {
  /** Index of the map. */
  readonly map: number;
  /** Fixed once the object is loaded. */
  readonly constant: boolean;
}

/** What a load will create, as data. Needs no kernel to be made, and decides everything but descriptors. */
export interface LoadPlan {
  /** The object's file or other name, for messages. */
  readonly source: string;
  /** What maps of globals are named after. */
  readonly objectName: string;
  readonly byteOrder: ByteOrder;
  readonly license: string;
  /** Types as the kernel accepts them; null when the object has none. */
  readonly types: Btf | null;
  /** The same as bytes, with the texts of line records among the strings. */
  readonly btf: Uint8Array | null;
  /** @internal */
  readonly maps: readonly MapPlan[];
  /** @internal */
  readonly globals: readonly GlobalPlan[];
  /** @internal */
  readonly programs: readonly ProgramPlan[];
  /**
   * What of a configuration does not fit, and what was left out of the object's maps or for this kernel, one
   * sentence each; kept with the loaded object.
   */
  readonly notes: readonly string[];
  /** The step of the optimizer that the code is at; absent: `none`. */
  readonly optimized?: InlineScope;
  /** What the optimizer did at that step; absent where nothing was optimized. */
  readonly optimization?: OptimizeReport;
}

/** A struct_ops map for the kernel. */
export interface OperationsPlan {
  /** Type of the whole value, e.g. `bpf_struct_ops_tcp_congestion_ops`. */
  readonly valueType: BtfId;
  /** Id of the kernel's BTF object that has it; 0 for vmlinux. */
  readonly btfObject: number;
  /** The value without its programs. */
  readonly value: Uint8Array;
  /** Where descriptors of programs go, as 8 bytes. */
  readonly programs: readonly { readonly offset: number; readonly program: string }[];
}
