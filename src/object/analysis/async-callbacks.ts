/**
 * Functions that run later, on a stack of their own: callbacks of timers, work queues and task work.
 *
 * For limits on stack and frames they are roots: what hands them out does not call them. Which helper gets a
 * function's address is followed in straight code; where that is not plain to see, a function counts as such
 * a callback if the object sets any, so that no stack is added up that a kernel would not add up.
 *
 * Source: Linux kernel/bpf/verifier.c (push_async_cb, check_max_stack_depth_subprog).
 */

import * as isa from '../../isa/index.ts';
import type { BpfObject, FunctionSymbol, SymbolIndex } from '../model/index.ts';

const SETTING_HELPER = isa.helperId('bpf_timer_set_callback');
const SETTING_KFUNCS: ReadonlySet<string> = new Set([
  'bpf_wq_set_callback',
  'bpf_wq_set_callback_impl',
  'bpf_task_work_schedule_signal',
  'bpf_task_work_schedule_signal_impl',
  'bpf_task_work_schedule_resume',
  'bpf_task_work_schedule_resume_impl',
]);

/** What becomes of the address of a function. */
type Use = 'later' | 'now' | 'unknown';

const KNOWN = new WeakMap<BpfObject, ReadonlySet<SymbolIndex>>();

/** Functions whose address is set as an asynchronous callback. */
export function asyncCallbacks(object: BpfObject): ReadonlySet<SymbolIndex> {
  const known = KNOWN.get(object);
  if (known !== undefined) return known;
  const found = object.symbols.some((symbol, at) => symbol.kind === 'function' && setsAny(object, at))
    ? new Set(object.symbols.flatMap(symbol => (symbol.kind === 'function' ? setBy(object, symbol) : [])))
    : new Set<SymbolIndex>();
  KNOWN.set(object, found);
  return found;
}

/** Whether `caller` only hands `callee` out, to run later. A direct call is a call, whatever else it is. */
export function isDeferred(object: BpfObject, caller: SymbolIndex, callee: SymbolIndex): boolean {
  if (!asyncCallbacks(object).has(callee)) return false;
  const symbol = object.symbols[caller];
  return (
    symbol?.kind === 'function' &&
    symbol.references.every(reference => reference.symbol !== callee || reference.kind !== 'call')
  );
}

function setsAny(object: BpfObject, at: SymbolIndex): boolean {
  const symbol = object.symbols[at];
  if (symbol?.kind !== 'function') return false;
  const code = new isa.CodeView(symbol.code, object.byteOrder);
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex))
    if (isSetter(object, symbol, code, insnIndex)) return true;
  return false;
}

function isSetter(
  object: BpfObject,
  { references }: FunctionSymbol,
  code: isa.CodeView,
  insnIndex: number,
): boolean {
  if (code.opcode(insnIndex) !== isa.OP_CALL) return false;
  if (code.src(insnIndex) === 0) return code.imm(insnIndex) === SETTING_HELPER;
  const reference = references.find(entry => entry.insnIndex === insnIndex);
  const callee = reference === undefined ? undefined : object.symbols[reference.symbol];
  return callee?.kind === 'extern' && SETTING_KFUNCS.has(callee.name);
}

/** Functions whose address `symbol` sets as a callback, or may set. */
function setBy(object: BpfObject, symbol: FunctionSymbol): SymbolIndex[] {
  const code = new isa.CodeView(symbol.code, object.byteOrder);
  return symbol.references.flatMap(({ kind, insnIndex, symbol: target }) =>
    kind === 'address' &&
    object.symbols[target]?.kind === 'function' &&
    useOf(object, symbol, code, insnIndex) !== 'now'
      ? [target]
      : [],
  );
}

const LAST_ARGUMENT = 5;

/** Which call gets the address that the instruction at `start` loads. */
function useOf(object: BpfObject, symbol: FunctionSymbol, code: isa.CodeView, start: number): Use {
  let holders = new Set([code.dst(start)]);
  for (let at = start + code.width(start); at < code.length && holders.size > 0; at += code.width(at)) {
    const opcode = code.opcode(at);
    if (opcode === isa.OP_CALL) {
      const isPassed = [...holders].some(register => register >= 1 && register <= LAST_ARGUMENT);
      if (isPassed) return isSetter(object, symbol, code, at) ? 'later' : 'now';
      holders = new Set([...holders].filter(register => register > LAST_ARGUMENT));
    } else if (opcode === isa.OP_EXIT || opcode === isa.OP_JA || opcode === isa.OP_JA32) return 'unknown';
    else follow(code, at, holders);
  }
  return 'unknown';
}

/** Copies of the address, and registers that get another value. */
function follow(code: isa.CodeView, at: number, holders: Set<number>): void {
  const opcode = code.opcode(at);
  const writes = WRITING.has(isa.classOf(opcode));
  if (!writes) return;
  const isCopy = opcode === (isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X);
  if (isCopy && holders.has(code.src(at))) holders.add(code.dst(at));
  else holders.delete(code.dst(at));
}

/** Classes of instructions that write their destination register. */
const WRITING: ReadonlySet<number> = new Set([isa.BPF_ALU, isa.BPF_ALU64, isa.BPF_LD, isa.BPF_LDX]);
