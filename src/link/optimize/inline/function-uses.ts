/**
 * What other than its code keeps a function a function: its address is taken, its name is meant, its type says
 * more than its code.
 *
 * Apart from `decide.ts`, because it is one walk over all references and declaration tags of an object.
 */

import {
  asyncCallbacks,
  type BpfObject,
  type BpfSymbol,
  callbackOf,
  callGraph,
  declTags,
  type FunctionSymbol,
  hasKnownType,
  isDebugSection,
  isOperationsSection,
  prototypeOf,
  type SymbolIndex,
  sectionNameOf,
  tailCallers,
} from '../../../object/index.ts';

const MAX_PARAMETERS = 5;

/** Tags of parameters for which the kernel lets a global function do more than its caller could. */
const WIDENING_TAGS: ReadonlySet<string> = new Set(['arg:arena', 'arg:untrusted']);

/** How often a program and the functions that it reaches call each function. */
export function callCounts(object: BpfObject, program: SymbolIndex): ReadonlyMap<SymbolIndex, number> {
  const counts = new Map<SymbolIndex, number>();
  for (const at of callGraph(object).reach([program])) {
    const symbol = object.symbols[at];
    for (const { kind, symbol: callee } of symbol?.kind === 'function' ? symbol.references : [])
      if (kind === 'call') counts.set(callee, (counts.get(callee) ?? 0) + 1);
  }
  return counts;
}

/** Answers for one object; walks it once. */
export class FunctionUses {
  readonly #object: BpfObject;
  /** Function → what holds its address. */
  readonly #held = new Map<SymbolIndex, string>();
  readonly #tagged: Tagged;

  constructor(object: BpfObject) {
    this.#object = object;
    object.symbols.forEach((symbol, index) => {
      this.#collect(symbol, index);
    });
    this.#tagged = tagsOf(object);
  }

  /** Why a function has to stay one; null where its body can take the place of calls. */
  objection(index: SymbolIndex, symbol: FunctionSymbol): string | null {
    const held = this.#held.get(index);
    if (held !== undefined) return held;
    if (symbol.binding !== 'local' && this.#tagged.callbacks.has(symbol.name))
      return 'it is an exception callback';
    if (symbol.binding === 'weak') return 'it is weak: another definition may replace it';
    if (tailCallers(this.#object).has(index))
      return 'it uses tail calls, which end only the function they are in';
    return symbol.binding === 'local' ? null : this.#objectionToType(symbol);
  }

  #objectionToType(symbol: FunctionSymbol): string | null {
    const { btf } = this.#object;
    if (btf === null || !hasKnownType(this.#object, symbol)) return null;
    if (this.#tagged.widening.has(symbol.btfId))
      return 'its parameter is tagged arena or untrusted, which holds only inside of it';
    const parameters = prototypeOf(btf, symbol.btfId)?.params.length ?? 0;
    return parameters > MAX_PARAMETERS ? 'it has more than five parameters' : null;
  }

  #collect(user: BpfSymbol, index: SymbolIndex): void {
    if (user.kind === 'extern') return;
    for (const { kind, symbol: target } of user.references) {
      if (kind !== 'address' || target === index || this.#object.symbols[target]?.kind !== 'function')
        continue;
      const reason = this.#reasonOf(user, target);
      if (reason !== null && !this.#held.has(target)) this.#held.set(target, reason);
    }
  }

  #reasonOf(user: BpfSymbol, target: SymbolIndex): string | null {
    if (user.kind === 'function')
      return asyncCallbacks(this.#object).has(target)
        ? 'its address is taken: it runs later as a callback'
        : 'its address is taken';
    if (user.kind === 'map') return 'its address is taken: a map holds it';
    const section = sectionNameOf(this.#object, user);
    if (isDebugSection(section)) return null;
    return isOperationsSection(section)
      ? 'its address is taken: it is an operation of a struct_ops variable'
      : 'its address is taken: a variable holds it';
  }
}

interface Tagged {
  /** Names of exception callbacks. */
  readonly callbacks: ReadonlySet<string>;
  /** FUNC types with parameters of `WIDENING_TAGS`. */
  readonly widening: ReadonlySet<number>;
}

function tagsOf({ btf }: BpfObject): Tagged {
  const callbacks = new Set<string>();
  const widening = new Set<number>();
  for (const { tag } of btf === null ? [] : declTags(btf)) {
    const name = callbackOf(tag);
    if (name !== undefined) callbacks.add(name);
    if (WIDENING_TAGS.has(tag.name)) widening.add(tag.type);
  }
  return { callbacks, widening };
}
