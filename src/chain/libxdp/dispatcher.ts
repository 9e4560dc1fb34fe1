/**
 * The dispatcher of libxdp as an object like that of a compiler, generated for one configuration.
 *
 * `xdp_dispatcher` calls `prog0` to `prog9` in order, as many as the configuration enables, and returns the first
 * verdict that is not in the mask of its slot; after the last one XDP_PASS. The functions are stubs that members
 * replace (freplace). The configuration is in a read-only map, the only one: the verifier knows its values and
 * removes the calls of slots that are not enabled.
 *
 * What peers depend on: name of the program, its attach type (that of SEC("xdp") in libbpf), one map, global
 * functions with types, a stub that may change packets. The code itself no peer reads.
 */

import type { BtfId } from '../../btf/index.ts';
import { type ByteOrder, elementAt } from '../../bytes/index.ts';
import { counted } from '../../diag/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_PROGBITS } from '../../elf/index.ts';
import {
  addressOf,
  assemble,
  BPF_ALU64,
  BPF_AND,
  BPF_B,
  BPF_JEQ,
  BPF_JLE,
  BPF_RSH,
  BPF_W,
  BPF_X,
  callHelper,
  callSymbol,
  copy,
  EXIT,
  encodeInsns,
  insn,
  jumpIf,
  jumpIf32,
  label,
  load,
  move,
  type Step,
} from '../../isa/index.ts';
import { withLicense } from '../../link/index.ts';
import type { BpfObject, BpfSymbol, SectionShell } from '../../object/index.ts';
import { XDP_ABORTED, XDP_DROP, XDP_PASS } from '../../uapi/index.ts';
import { CONFIG_LAYOUTS, type DispatcherConfig, EMPTY_SLOT, encodeConfig, MAX_SLOTS } from './config.ts';
import { dispatcherTypes, VERSION_SECTION, VERSION_VARIABLE } from './dispatcher-types.ts';

/** Name of the dispatcher's program. */
export const DISPATCHER_PROGRAM = 'xdp_dispatcher';
/** Its last stub, which nothing replaces but probes. */
export const PROBE_SLOT = 'compat_test';

const ORIGIN = { file: 'xdp-dispatcher', offset: 0 } as const;
/** `bpf_xdp_adjust_tail()`. */
const ADJUST_TAIL = 65;

export interface DispatcherOptions {
  readonly config: DispatcherConfig;
  readonly byteOrder: ByteOrder;
  /**
   * Slots that lose their program end the chain with a verdict that drops, instead of continuing. Dispatchers that
   * other tools build do not have this.
   */
  readonly failClosed?: boolean;
  /** Default: one that fits GPL and other members. */
  readonly license?: string;
}

/** Name of the slot at `position`, from 0. */
export function slotName(position: number): string {
  return `prog${position}`;
}

/** The dispatcher for a configuration. */
export function makeDispatcher(options: DispatcherOptions): BpfObject {
  const { config, byteOrder } = options;
  const types = dispatcherTypes(config.version, [...SLOT_NAMES, PROBE_SLOT], DISPATCHER_PROGRAM);
  const text = `dispatcher of ${counted(config.slots.length, 'program')}`;
  const stubs = [...SLOT_NAMES, PROBE_SLOT].map((name, at) => ({
    name,
    at,
    result: stubResult(options, at),
  }));
  const symbols: BpfSymbol[] = [
    functionSymbol(DISPATCHER_PROGRAM, 0, dispatcherSteps(config), { options, type: types.program, text }),
    ...stubs.map(({ name, at, result }) => {
      const type = elementAt(types.stubs, at);
      return functionSymbol(name, 1, stubSteps(result), { options, type, text: name, line: at + 2 });
    }),
    variable('conf', CONFIG_SECTION_INDEX, encodeConfig(config, byteOrder), types.config, 'local'),
    ...(types.version === 0
      ? []
      : [variable(VERSION_VARIABLE, VERSION_SECTION_INDEX, new Uint8Array(8), types.version, 'global')]),
  ];
  const sections = types.version === 0 ? sectionsFor(config) : [...sectionsFor(config), VERSION_SHELL];
  const object = { name: 'xdp-dispatcher.o', byteOrder, flags: 0, sections, symbols, btf: types.btf };
  return withLicense(object, options.license ?? 'Dual MIT/GPL');
}

const SLOT_NAMES = Array.from({ length: MAX_SLOTS }, (_, at) => slotName(at));

// --- sections and symbols -----------------------------------------------------------------------------------------

const CONFIG_SECTION_INDEX = 2;
const VERSION_SECTION_INDEX = 3;
const PLAIN = { type: SHT_PROGBITS, entsize: 0, align: 8 } as const;
const CODE = { ...PLAIN, flags: SHF_ALLOC | SHF_EXECINSTR, role: 'code' } as const;
const VERSION_SHELL: SectionShell = {
  ...PLAIN,
  name: VERSION_SECTION,
  flags: SHF_ALLOC | SHF_WRITE,
  role: 'data',
};

function sectionsFor({ frags }: DispatcherConfig): SectionShell[] {
  return [
    { ...CODE, name: frags ? 'xdp.frags' : 'xdp' },
    { ...CODE, name: '.text' },
    { ...PLAIN, name: '.rodata', flags: SHF_ALLOC, align: 4, role: 'data' },
  ];
}

function functionSymbol(
  name: string,
  section: number,
  steps: readonly Step[],
  {
    options,
    type,
    text,
    line = 1,
  }: {
    readonly options: DispatcherOptions;
    readonly type: BtfId;
    readonly text: string;
    readonly line?: number;
  },
): BpfSymbol {
  const { insns, references } = assemble(steps);
  return {
    kind: 'function',
    name,
    binding: 'global',
    visibility: 'default',
    origin: ORIGIN,
    section,
    code: encodeInsns(insns, options.byteOrder),
    references,
    btfId: type,
    lines: [{ insnIndex: 0, file: 'xdp-dispatcher', text, line, column: 1 }],
    coreRecords: [],
  };
}

function variable(
  name: string,
  section: number,
  bytes: Uint8Array,
  btfId: BtfId,
  binding: 'local' | 'global',
): BpfSymbol {
  const place = { section, size: bytes.length, align: section === CONFIG_SECTION_INDEX ? 4 : 8 };
  const base = { kind: 'variable', name, binding, visibility: 'default', origin: ORIGIN } as const;
  return { ...base, ...place, bytes, references: [], btfId };
}

// --- code ---------------------------------------------------------------------------------------------------------

const CONTEXT = 6;
/** Where `conf` is among the symbols: after the program, the slots and the stub of probes. */
const CONFIG_SYMBOL = MAX_SLOTS + 2;
const PASS = 'pass';
const LEAVE = 'leave';

/**
 * For each slot: `if (num <= i) goto pass; r0 = prog_i(ctx); if (!(actions[i] >> r0 & 1)) return r0`. In terms of
 * the configuration, not of its values: other tools that look at the code find what libxdp has.
 */
function dispatcherSteps(config: DispatcherConfig): readonly Step[] {
  const { offsets } = CONFIG_LAYOUTS[config.version];
  const unlessMore = (count: number): Step[] => [
    addressOf(1, CONFIG_SYMBOL, offsets.num_progs_enabled),
    load(BPF_B, 1, 1),
    jumpIf32(BPF_JLE, 1, count, PASS),
  ];
  const slots = SLOT_NAMES.flatMap((_, at): Step[] => [
    ...unlessMore(at),
    ...callWithContext(at + 1),
    addressOf(2, CONFIG_SYMBOL, offsets.chain_call_actions + 4 * at),
    load(BPF_W, 2, 2),
    ...leaveUnlessIn(2),
  ]);
  const probe = [...unlessMore(MAX_SLOTS), ...callWithContext(MAX_SLOTS + 1)];
  return [copy(CONTEXT, 1), ...slots, ...probe, label(PASS), move(0, XDP_PASS), label(LEAVE), EXIT];
}

function callWithContext(symbol: number): Step[] {
  return [copy(1, CONTEXT), callSymbol(symbol)];
}

/**
 * Bit r0 of the mask, which has 32 in a register of 64; of larger results the low six bits count. The same in the
 * object of libxdp: results that are not verdicts agree as well.
 */
function leaveUnlessIn(mask: number): Step[] {
  return [
    insn(BPF_ALU64 | BPF_RSH | BPF_X, mask, 0),
    insn(BPF_ALU64 | BPF_AND, mask, 0, 0, 1),
    jumpIf32(BPF_JEQ, mask, 0, LEAVE),
  ];
}

/** A function that may change packets, as its replacement may, and says that there is none. */
function stubSteps(result: number): readonly Step[] {
  return [
    jumpIf(BPF_JEQ, 1, 0, 'no context'),
    move(2, 0),
    callHelper(ADJUST_TAIL),
    move(0, result),
    EXIT,
    label('no context'),
    move(0, XDP_ABORTED),
    EXIT,
  ];
}

/** What a slot without its program returns. A verdict in its mask would let the next one run. */
function stubResult({ config, failClosed }: DispatcherOptions, at: number): number {
  const slot = config.slots[at];
  if (failClosed !== true || slot === undefined) return EMPTY_SLOT;
  const { continueOn } = slot;
  const unknown = Array.from({ length: EMPTY_SLOT }, (_, verdict) => verdict).slice(XDP_PASS + 3);
  // a verdict that does not exist drops as well, with a warning in the kernel's log
  return [XDP_DROP, XDP_ABORTED, ...unknown].find(verdict => !continueOn.includes(verdict)) ?? EMPTY_SLOT;
}
