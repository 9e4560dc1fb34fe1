/**
 * Stubs: functions of a consumer (or a rootlet) that represent code elsewhere.
 *
 * `tail`: a global function that tail-calls entry N of a program array. The callee's exit returns to the
 * stub's caller; an empty entry falls through to the default. The function must be global, so that the
 * verifier does not take the default for the only result.
 *
 * `ext`: two global functions that freplace fills, one in use and one idle, and before them a static function
 * that chooses by a word of a map: `foo { return select[n] ? foo__b(…) : foo__a(…) }`. A new definition is
 * attached to the idle one, then the word is changed: no call ever reaches an empty stub.
 */

import {
  type Assembled,
  addressOf,
  assemble,
  BPF_FUNC_TAIL_CALL,
  BPF_JEQ,
  BPF_JNE,
  BPF_W,
  callHelper,
  callSymbol,
  copy,
  EXIT,
  jumpIf,
  label,
  load,
  move,
  type Step,
} from '../../isa/index.ts';
import type { SymbolIndex } from '../../object/index.ts';
import type { ObjectEdit } from './object-edit.ts';

export type StubDefault =
  /** What is returned while nothing is bound. */
  | { readonly kind: 'value'; readonly value: number }
  /** A function with the same prototype that is called instead. */
  | { readonly kind: 'function'; readonly symbol: SymbolIndex };

export interface TailStub {
  readonly name: string;
  /** FUNC of what is replaced: its prototype is the stub's. */
  readonly func: number;
  /** Map symbol of the program array. */
  readonly slots: SymbolIndex;
  /** Entry in it. */
  readonly entry: number;
  readonly fallback: StubDefault;
}

/** Replaces the symbol by a tail-call stub. The symbol's function must take the context alone. */
export function putTailStub(edit: ObjectEdit, index: SymbolIndex, stub: TailStub): void {
  const { fallback } = stub;
  const keepsContext = fallback.kind === 'function';
  const { insns, references } = assemble([
    keepsContext ? [copy(6, 1)] : [],
    addressOf(2, stub.slots),
    move(3, stub.entry),
    callHelper(BPF_FUNC_TAIL_CALL),
    keepsContext ? [copy(1, 6)] : [],
    resultOf(fallback),
    EXIT,
  ]);
  edit.replaceWithFunction(index, {
    name: stub.name,
    linkage: 'global',
    proto: edit.namedPrototype(stub.func),
    insns,
    references,
    tagsOf: stub.func,
  });
}

function resultOf(fallback: StubDefault): Step {
  return fallback.kind === 'value' ? move(0, fallback.value) : callSymbol(fallback.symbol);
}

export interface ExtStub {
  readonly name: string;
  /** FUNC of what is replaced. */
  readonly func: number;
  /** Variable of selectors: an array of u32. */
  readonly select: SymbolIndex;
  /** Which of them. */
  readonly entry: number;
  readonly fallback: StubDefault;
  /** Helper that marks the stubs as changing packets; null when what will be bound does not. */
  readonly marker: number | null;
}

/** Names of the two functions that are filled alternately. */
export function extStubNames(name: string): readonly [a: string, b: string] {
  return [`${name}__a`, `${name}__b`];
}

/** Replaces the symbol by the choosing function, and appends the two stubs that it chooses from. */
export function putExtStub(edit: ObjectEdit, index: SymbolIndex, stub: ExtStub): void {
  const proto = edit.namedPrototype(stub.func);
  const add = (name: string): SymbolIndex =>
    edit.addFunction({ name, linkage: 'global', proto, tagsOf: stub.func, ...emptyStub(stub) });
  const names = extStubNames(stub.name);
  const [a, b] = [add(names[0]), add(names[1])];
  // r0 alone is free: r1 to r5 are the arguments
  const { insns, references } = assemble([
    addressOf(0, stub.select, stub.entry * 4),
    load(BPF_W, 0, 0),
    jumpIf(BPF_JNE, 0, 0, 'b'),
    callSymbol(a),
    EXIT,
    label('b'),
    callSymbol(b),
    EXIT,
  ]);
  edit.replaceWithFunction(index, { name: stub.name, linkage: 'static', proto, insns, references });
}

/** `return default`, after the mark of what may be bound: a call on a branch that is never taken. */
function emptyStub({ fallback, marker }: ExtStub): Assembled {
  return assemble([...(marker === null ? [] : neverCalled(marker)), resultOf(fallback), EXIT]);
}

/**
 * `if (never) helper(ctx, 0, 0, 0, 0)`: the verifier takes note of the helper before it finds the branch
 * dead.
 */
export function neverCalled(helper: number): Step[] {
  return [
    move(0, 0),
    jumpIf(BPF_JEQ, 0, 0, 'after the call'),
    [2, 3, 4, 5].map(register => move(register, 0)),
    callHelper(helper),
    label('after the call'),
  ];
}
