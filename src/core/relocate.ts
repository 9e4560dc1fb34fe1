/**
 * CO-RE: relocates an object that was compiled against one kernel's types to another's.
 *
 * Every relocation is a query of the target's types (the offset of a field, the existence of an enumerator,
 * …). The results are those of libbpf: the same candidates, the same compatibility, the same values; a test
 * compares. What libbpf writes to a log is data here (`CoreAnswer`): the query, the match, and the reason of
 * a failure.
 *
 * Works on any machine: the target is a `Btf`, not the running kernel.
 */

import { type Btf, type BtfId, resolvedType } from '../btf/index.ts';
import type { ByteOrder } from '../bytes/index.ts';
import { inputError, quote, RootletError, within } from '../diag/index.ts';
import { CodeView } from '../isa/index.ts';
import type { BpfObject, BpfSymbol, CoreRecord, FunctionSymbol, SymbolIndex } from '../object/index.ts';
import * as core from '../uapi/core-relocations.ts';
import { BTF_KIND } from '../uapi/index.ts';
import { kindsCompatible } from './compat.ts';
import { isEnumKind, isFieldKind } from './kinds.ts';
import { essentialName, type TypeFinder } from './names.ts';
import { applyPatch, poison } from './patch.ts';
import { type AccessSpec, formatSpec, parseSpec } from './spec.ts';
import { matchSpec } from './target-spec.ts';
import { type CoreValue, coreValueOf, mayResize } from './value.ts';

/** Where relocations look for types. */
export interface CoreTargets {
  readonly main: {
    /** `vmlinux`, a module, or the name of a file. */
    readonly name: string;
    readonly types: TypeFinder;
  };
  /** Targets that have types of this name; used only if the main target has no candidate. */
  readonly modules: (name: string) => readonly CoreTargets['main'][];
}

/** Types that relocations are answered from. */
export type CoreTarget = CoreTargets['main'];

/** How one relocation came out. */
export interface CoreAnswer {
  readonly functionIndex: SymbolIndex;
  readonly insnIndex: number;
  readonly kind: number;
  /** The query, e.g. `struct sk_buff.len (0:3 @ offset 12)`. */
  readonly asked: string;
  /** What it was found as; null when it was not. */
  readonly found: string | null;
  readonly before: bigint;
  readonly after: bigint;
  /** The instruction was replaced by a call that must never be reached; `why` is the reason. */
  readonly poisoned: boolean;
  readonly why: string | null;
}

/** An object made right for the types of a target, and how each relocation came out. */
export interface CoreResult {
  /** Without CO-RE records. */
  readonly object: BpfObject;
  readonly answers: readonly CoreAnswer[];
}

/** Whether the object has anything to relocate. */
export function needsCore(object: BpfObject): boolean {
  return object.symbols.some(symbol => symbol.kind === 'function' && symbol.coreRecords.length > 0);
}

/**
 * Applies all CO-RE relocations. Throws `core-…` errors: malformed records, ambiguous candidates,
 * instructions that do not match the types of the program.
 */
export function relocateCore(object: BpfObject, targets: CoreTargets): CoreResult {
  const { btf } = object;
  if (btf === null || !needsCore(object)) return { object, answers: [] };
  const resolver = new Resolver(btf, object.byteOrder, targets);
  resolver.prepare(object);
  const answers: CoreAnswer[] = [];
  const symbols = object.symbols.map((symbol, index): BpfSymbol => {
    if (symbol.kind !== 'function' || symbol.coreRecords.length === 0) return symbol;
    return within(object.name, () => relocateFunction(resolver, symbol, index, answers));
  });
  return { object: { ...object, symbols }, answers };
}

function relocateFunction(
  resolver: Resolver,
  symbol: FunctionSymbol,
  index: SymbolIndex,
  answers: CoreAnswer[],
): FunctionSymbol {
  const bytes = symbol.code.slice();
  const code = new CodeView(bytes, resolver.order);
  for (const record of symbol.coreRecords) {
    const answer = within(`function ${quote(symbol.name)}`, () =>
      within(`insn ${record.insnIndex}`, () => relocateInsn(resolver, code, record)),
    );
    answers.push({ functionIndex: index, insnIndex: record.insnIndex, kind: record.kind, ...answer });
  }
  return { ...symbol, code: bytes, coreRecords: [] };
}

type InsnAnswer = Omit<CoreAnswer, 'functionIndex' | 'insnIndex' | 'kind'>;

function relocateInsn(resolver: Resolver, code: CodeView, record: CoreRecord): InsnAnswer {
  if (record.insnIndex >= code.length) throw inputError('core-place', [], 'is after the end of the function');
  const { local, found, before, after, why } = resolver.resolve(record);
  const asked = formatSpec(local);
  const common = { asked, found: found === null ? null : formatSpec(found), before: before.value };
  if (after === null) {
    poison(code, record.insnIndex);
    return { ...common, after: 0n, poisoned: true, why };
  }
  const unsafeSize = isUnsafe(local, before, found, after);
  const patched = applyPatch(code, record.insnIndex, {
    before: before.value,
    after: after.value,
    checked: before.checked,
    sizeBefore: before.size,
    sizeAfter: after.size,
    unsafeSize,
  });
  const reason = patched ? null : `its size is ${before.size} bytes here and ${after.size} in the target`;
  return { ...common, after: after.value, poisoned: !patched, why: reason };
}

/** Loads of another size keep their value only for unsigned integers and pointers. */
function isUnsafe(local: AccessSpec, before: CoreValue, found: AccessSpec | null, after: CoreValue): boolean {
  if (before.size === after.size) return false;
  const a = resolvedType(local.btf, before.type);
  const b = found === null ? undefined : resolvedType(found.btf, after.type);
  return a === undefined || b === undefined || !mayResize({ type: a }, { type: b });
}

interface Resolution {
  readonly local: AccessSpec;
  readonly found: AccessSpec | null;
  readonly before: CoreValue;
  /** Null: poison. */
  readonly after: CoreValue | null;
  readonly why: string | null;
}

interface Candidate {
  readonly target: CoreTarget;
  readonly id: BtfId;
}

/** Answers records; candidates of a type are found once. */
class Resolver {
  readonly order: ByteOrder;
  readonly #btf: Btf;
  readonly #targets: CoreTargets;
  readonly #candidates = new Map<BtfId, readonly Candidate[]>();

  constructor(btf: Btf, order: ByteOrder, targets: CoreTargets) {
    this.#btf = btf;
    this.order = order;
    this.#targets = targets;
  }

  /** Looks up the names of all relocated types in one walk. */
  prepare(object: BpfObject): void {
    const names = new Set<string>();
    for (const symbol of object.symbols) {
      if (symbol.kind !== 'function') continue;
      for (const record of symbol.coreRecords) names.add(essentialName(this.#nameOf(record.type)));
    }
    this.#targets.main.types.prepare(names);
  }

  resolve(record: CoreRecord): Resolution {
    const { kind, type, access } = record;
    if (!(kind >= 0 && kind <= core.BPF_CORE_TYPE_MATCHES))
      throw inputError('core-kind', [], `relocation kind ${kind} is not known`);
    const local = parseSpec(this.#btf, type, access, kind);
    const before = this.#valueOf(local, kind);
    if (kind === core.BPF_CORE_TYPE_ID_LOCAL)
      return { local, found: local, before, after: before, why: null };
    if (this.#nameOf(type) === '') {
      throw inputError('core-anonymous', [], `type ${type} has no name to look for in the target`);
    }
    const survivors = this.#survivors(local, kind);
    const [first] = survivors;
    if (first === undefined) {
      const after = coreValueOf(null, kind, this.order);
      return { local, found: null, before, after, why: this.#whyNot(local, type, kind) };
    }
    requireAgreement(local, survivors);
    // As in libbpf: a member that only some types of this name have decides which of them later records mean.
    this.#candidates.set(
      local.root,
      survivors.map(({ target, id }) => ({ target, id })),
    );
    return { local, found: first.spec, before, after: first.value, why: null };
  }

  /** The value on rootlet's side; a compiler would not ask for one that does not exist. */
  #valueOf(spec: AccessSpec, kind: number): CoreValue {
    const value = coreValueOf(spec, kind, this.order);
    if (value === null) throw inputError('core-kind', [], 'has no value in the types of the program');
    return value;
  }

  #survivors(local: AccessSpec, kind: number): Survivor[] {
    return this.#candidatesOf(local.root).flatMap(({ target, id }) => {
      const spec = within(`type ${id} of ${target.name}`, () => matchSpec(local, target.types, id, kind));
      const value = spec === null ? null : coreValueOf(spec, kind, this.order);
      return spec === null || value === null ? [] : [{ target, id, spec, value }];
    });
  }

  #candidatesOf(type: BtfId): readonly Candidate[] {
    const known = this.#candidates.get(type);
    if (known !== undefined) return known;
    const name = essentialName(this.#nameOf(type));
    const kind = this.#btf.kindOf(type);
    let found = candidatesIn(this.#targets.main, name, kind);
    if (found.length === 0)
      found = this.#targets.modules(name).flatMap(target => candidatesIn(target, name, kind));
    this.#candidates.set(type, found);
    return found;
  }

  #nameOf(type: BtfId): string {
    return type === 0 ? '' : this.#btf.nameOf(type);
  }

  #whyNot(local: AccessSpec, type: BtfId, kind: number): string {
    const candidates = this.#candidatesOf(type);
    const name = formatSpec({ ...local, accessors: [] });
    if (candidates.length === 0) return `the target has no ${name}`;
    const found = essentialName(name);
    const subject = candidates.length === 1 ? found : `each of ${candidates.length} ${found}`;
    if (isFieldKind(kind)) return `${subject} of the target has no such member, or one of another type`;
    return isEnumKind(kind)
      ? `${subject} of the target has no such enumerator`
      : `${subject} of the target is of another form`;
  }
}

function candidatesIn(target: CoreTarget, name: string, kind: number): Candidate[] {
  const { btf } = target.types;
  return target.types
    .find(name)
    .filter(id => kindsCompatible(kind, btf.kindOf(id)) && btf.kindOf(id) !== BTF_KIND.FUNC)
    .map(id => ({ target, id }));
}

interface Survivor extends Candidate {
  readonly spec: AccessSpec;
  readonly value: CoreValue;
}

/** Several types of one name are fine as long as all of them give the same answer. */
function requireAgreement(local: AccessSpec, survivors: readonly Survivor[]): void {
  const [first] = survivors;
  const other = survivors.find(
    ({ spec, value }) => spec.bitOffset !== first?.spec.bitOffset || value.value !== first.value.value,
  );
  if (first === undefined || other === undefined) return;
  const describe = ({ target, spec, value }: Survivor) =>
    `${target.name} [${spec.root}] ${formatSpec(spec)} gives ${value.value}`;
  throw new RootletError(
    inputError('core-ambiguous', [], `${formatSpec(local)} is ambiguous in the target`, {
      details: [describe(first), describe(other)],
      hint: 'narrow the type down, for example with more members of the one that is meant',
    }).problems,
  );
}
