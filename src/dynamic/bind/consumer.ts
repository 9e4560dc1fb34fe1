/**
 * Prepares a consumer for loading: stubs where calls leave the program, externs resolved to providers where
 * code is copied or state is shared.
 */

import { bugError, RootletError } from '../../diag/index.ts';
import { CodeView } from '../../isa/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  kindId,
  neutralVerdict,
  type ProgramType,
  type SymbolIndex,
  symbolOf,
} from '../../object/index.ts';
import {
  type Composed,
  compose,
  type Join,
  type Provider,
  SLOT_ARRAY,
  TAIL_ARRAY,
} from '../providers/index.ts';
import { ObjectEdit, putExtStub, putTailStub, taggedDefault } from '../stubs/index.ts';
import { isHandedOn } from './callers.ts';
import type { Choice, Situation } from './choose.ts';
import { packetMarker } from './effects.ts';
import type { Found } from './found.ts';

/** A function extern with the back end that was chosen for it. */
export interface BoundCall {
  readonly extern: SymbolIndex;
  readonly name: string;
  readonly situation: Situation;
  readonly choice: Choice;
  /** Undefined while there is no provider. */
  readonly found: Found | undefined;
}

/** Where a tail-call stub looks. */
export interface TailUse {
  readonly call: BoundCall;
  /** Name of the array in the plan of the load. */
  readonly array: string;
  readonly entry: number;
  readonly type: ProgramType;
}

/** Stubs that replacements are attached to. */
export interface ExtUse {
  readonly call: BoundCall;
  /** Which word of the selectors. */
  readonly entry: number;
  readonly type: ProgramType;
}

export interface PreparedConsumer {
  readonly composed: Composed;
  readonly tails: readonly TailUse[];
  readonly exts: readonly ExtUse[];
}

/** Section of the selectors: `.bss`, so that they start with the first stub of each pair. */
export const SELECT_SECTION = '.bss.rootlet_sel';

/** Whether a map of a load was created for stubs: it is created again with every load. */
export function isStubMap(name: string): boolean {
  return name === SELECT_SECTION || name.startsWith(SLOT_ARRAY);
}

/** Gives the entry of a provider's function in its array for programs of a type. */
export type EntryOf = (call: BoundCall, found: Found, type: ProgramType) => number;

/** Makes stubs for calls by `ext` and `tail`, joins everything else. Throws the problems of joining. */
export function prepareConsumer(
  object: BpfObject,
  calls: readonly BoundCall[],
  shares: readonly Found[],
  entryOf: EntryOf,
): PreparedConsumer {
  const calledBy = (via: string): BoundCall[] => calls.filter(call => call.choice.via === via);
  const stubbed = placeStubs(object, calledBy('tail'), calledBy('ext'), entryOf);
  const joins = [
    ...calledBy('copy').flatMap(call =>
      call.found === undefined ? [] : [{ ...joinOf(call.found), asStatic: needsStatic(object, call) }],
    ),
    ...shares.map(joinOf),
  ];
  const tested = answerTests(stubbed.object, object, calls);
  const composed = compose(tested, joins);
  if (composed.problems.length > 0) throw new RootletError(composed.problems);
  const { tails, exts } = stubbed;
  return { composed, tails, exts };
}

/** Prototypes that global functions may not have, or that do not specify memory sizes; callbacks. */
function needsStatic(object: BpfObject, { extern, situation }: BoundCall): boolean {
  return situation.signature.class === 'C' || situation.signature.class === 'D' || isHandedOn(object, extern);
}

function joinOf({ extern, provider, target }: Found): Join {
  return { extern, provider, target: target.index };
}

interface Stubbed extends Omit<PreparedConsumer, 'composed'> {
  readonly object: BpfObject;
}

function placeStubs(
  object: BpfObject,
  tailCalls: readonly BoundCall[],
  extCalls: readonly BoundCall[],
  entryOf: EntryOf,
): Stubbed {
  if (tailCalls.length + extCalls.length === 0) return { object, tails: [], exts: [] };
  const edit = new ObjectEdit(object);
  const arrays = new Arrays(edit);
  const tails = tailCalls.map((call): TailUse => {
    const type = typeOfCallers(call);
    const { name, symbol } = arrays.arrayFor(call.found?.provider, type);
    const entry = call.found === undefined ? arrays.nextOwn(name) : entryOf(call, call.found, type);
    const func = symbolOf(object, call.extern).btfId;
    const fallback = { kind: 'value', value: defaultOf(object, call, type) } as const;
    putTailStub(edit, call.extern, { name: call.name, func, slots: symbol, entry, fallback });
    return { call, array: name, entry, type };
  });
  const select =
    extCalls.length === 0 ? -1 : edit.addWords('rootlet_select', SELECT_SECTION, extCalls.length);
  const exts = extCalls.map((call, entry): ExtUse => {
    const type = typeOfCallers(call);
    const func = symbolOf(object, call.extern).btfId;
    const fallback = { kind: 'value', value: defaultOf(object, call, type) } as const;
    const marker = markerOf(call);
    putExtStub(edit, call.extern, { name: call.name, func, select, entry, fallback, marker });
    return { call, entry, type };
  });
  return { object: edit.finish(), tails, exts };
}

/** Without a provider the function is unknown: the stub allows everything. */
function markerOf({ situation }: BoundCall): number | null {
  const changes = situation.effects === undefined || situation.effects.changesPacket !== null;
  return changes ? (packetMarker(situation.signature.context) ?? null) : null;
}

function typeOfCallers(call: BoundCall): ProgramType {
  const type = call.situation.callers[0]?.type;
  if (type === undefined) throw bugError([call.name], 'a stub was chosen for a call from no known program');
  return type;
}

function defaultOf(object: BpfObject, call: BoundCall, type: ProgramType): number {
  const tagged = taggedDefault(object, call.extern);
  if (tagged !== undefined) return tagged;
  return call.situation.signature.class === 'A' ? neutralVerdict(type.progType) : 0;
}

/**
 * Program arrays of the edited object: one for each provider and kind of program, and for what is not bound
 * yet.
 */
class Arrays {
  readonly #edit: ObjectEdit;
  readonly #known: {
    readonly provider: Provider | undefined;
    readonly kind: string;
    readonly name: string;
    readonly symbol: SymbolIndex;
  }[] = [];
  readonly #used = new Map<string, number>();

  constructor(edit: ObjectEdit) {
    this.#edit = edit;
  }

  arrayFor(
    provider: Provider | undefined,
    type: ProgramType,
  ): { readonly name: string; readonly symbol: SymbolIndex } {
    const kind = kindId(type);
    const known = this.#known.find(array => array.provider === provider && array.kind === kind);
    if (known !== undefined) return known;
    const name = `${SLOT_ARRAY}${this.#known.length === 0 ? '' : this.#known.length + 1}`;
    const symbol = this.#edit.addMap({ ...TAIL_ARRAY, name });
    const array = { provider, kind, name, symbol };
    this.#known.push(array);
    return array;
  }

  nextOwn(name: string): number {
    const entry = this.#used.get(name) ?? 0;
    this.#used.set(name, entry + 1);
    return entry;
  }
}

// --- tests for being there ----------------------------------------------------------------------------------------

/** The address of a bound weak function is not 0. */
function answerTests(object: BpfObject, source: BpfObject, calls: readonly BoundCall[]): BpfObject {
  const weak = new Set(
    calls
      .filter(({ extern, found }) => source.symbols[extern]?.binding === 'weak' && found !== undefined)
      .map(call => call.extern),
  );
  if (weak.size === 0) return object;
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' &&
    symbol.references.some(reference => reference.kind === 'address' && weak.has(reference.symbol))
      ? answered(object, symbol, weak)
      : symbol,
  );
  return { ...object, symbols };
}

function answered(object: BpfObject, symbol: FunctionSymbol, weak: ReadonlySet<SymbolIndex>): FunctionSymbol {
  const code = symbol.code.slice();
  const view = new CodeView(code, object.byteOrder);
  const references = symbol.references.filter(reference => {
    if (reference.kind !== 'address' || !weak.has(reference.symbol)) return true;
    view.setImm(reference.insnIndex, 1);
    return false;
  });
  return { ...symbol, code, references };
}
