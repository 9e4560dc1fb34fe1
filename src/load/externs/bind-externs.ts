/**
 * Binding externs of the kernel: configuration values, variables and functions.
 *
 * Mirrors libbpf, with one difference in reporting: everything that cannot be bound is named in one error.
 */

import { type Btf, type BtfId, skipModifiers } from '../../btf/index.ts';
import { essentialName, typesCompatible } from '../../core/index.ts';
import { type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import type { BpfObject, ExternSymbol, SymbolIndex } from '../../object/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import type { ExternBinding, ExternBindings } from './bindings.ts';
import { findInConfig, type KconfigType, kconfigTypeOf, kconfigValue, numberValue } from './kconfig.ts';
import type { KernelFacts } from './kernel-facts.ts';
import type { KernelTarget, KernelTypes } from './kernel-types.ts';

export const KSYMS_SECTION = '.ksyms';
export const KCONFIG_SECTION = '.kconfig';

export interface BindOptions {
  /** Lines `CONFIG_X=…` that override the kernel's own. */
  readonly kconfig?: string;
}

/** An extern with what is needed to bind it. */
interface Wanted {
  readonly index: SymbolIndex;
  readonly symbol: ExternSymbol;
  readonly weak: boolean;
}

/**
 * Binds the externs of `.kconfig` and `.ksyms`; others are left alone. Throws one error for all that are
 * missing.
 */
export function bindExterns(
  object: BpfObject,
  types: KernelTypes,
  facts: KernelFacts,
  options: BindOptions = {},
): ExternBindings {
  const bindings = new Map<SymbolIndex, ExternBinding>();
  const { btf } = object;
  if (btf === null) return bindings;
  const problems: Problem[] = [];
  const set = (wanted: Wanted, bind: () => ExternBinding | string) => {
    const result = collect(problems, object.name, bind);
    if (result === undefined) return;
    if (typeof result !== 'string') bindings.set(wanted.index, result);
    else if (wanted.weak) bindings.set(wanted.index, absent(btf, wanted.symbol));
    else problems.push(missing(object.name, wanted.symbol, result));
  };
  bindKconfig(object, btf, facts, options, set);
  bindKsyms(object, btf, types, facts, set);
  if (problems.length > 0) throw new RootletError(problems);
  return bindings;
}

/** Errors of all externs are collected. */
function collect<T>(problems: Problem[], name: string, body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    problems.push(...error.problems.map(problem => ({ ...problem, where: [name, ...problem.where] })));
    return undefined;
  }
}

function missing(objectName: string, symbol: ExternSymbol, reason: string): Problem {
  return problem('load-extern-missing', [objectName, `extern ${quote(symbol.name)}`], reason, {
    hint: 'declare it weak if the program can do without, and test for it',
  });
}

/** An undefined weak extern: zero, or no address. */
function absent(btf: Btf, symbol: ExternSymbol): ExternBinding {
  if (symbol.section !== KCONFIG_SECTION) return { kind: 'missing' };
  const type = declaredType(btf, symbol);
  const size = type?.size ?? 0;
  return { kind: 'kconfig', value: new Uint8Array(size) };
}

function declaredType(btf: Btf, symbol: ExternSymbol): KconfigType | undefined {
  const variable = btf.type(symbol.btfId);
  return variable.kind === 'var' ? kconfigTypeOf(btf, variable.type) : undefined;
}

function externsOf(object: BpfObject, section: string): Wanted[] {
  return object.symbols.flatMap((symbol, index) =>
    symbol.kind === 'extern' && symbol.section === section && symbol.btfId !== 0
      ? [{ index, symbol, weak: symbol.binding === 'weak' }]
      : [],
  );
}

type Set = (wanted: Wanted, bind: () => ExternBinding | string) => void;

// --- kconfig ------------------------------------------------------------------------------------------------------

function bindKconfig(object: BpfObject, btf: Btf, facts: KernelFacts, options: BindOptions, set: Set): void {
  const wanted = externsOf(object, KCONFIG_SECTION);
  const names = new Set(wanted.map(({ symbol }) => symbol.name).filter(name => name.startsWith('CONFIG_')));
  const given = findInConfig(options.kconfig ?? '', names);
  const values = [...names].every(name => given.has(name))
    ? given
    : new Map([...findInConfig(facts.config(), names), ...given]);
  for (const extern of wanted) {
    set(extern, () => {
      const type = declaredType(btf, extern.symbol);
      if (type === undefined) return 'is declared with a type that no configuration value has';
      const { name } = extern.symbol;
      const text = values.get(name);
      if (text !== undefined)
        return { kind: 'kconfig', value: kconfigValue(name, type, text, object.byteOrder) };
      const number = virtualValue(name, facts);
      if (number !== undefined)
        return { kind: 'kconfig', value: numberValue(name, type, number, object.byteOrder) };
      return name.startsWith('CONFIG_')
        ? 'is not in the configuration of this kernel'
        : 'is not a value that a loader provides';
    });
  }
}

/** Values that are in no configuration, but that every loader provides. */
function virtualValue(name: string, facts: KernelFacts): bigint | undefined {
  switch (name) {
    case 'LINUX_KERNEL_VERSION':
      return BigInt(facts.versionCode());
    case 'LINUX_HAS_BPF_COOKIE':
      return facts.hasCookie() ? 1n : 0n;
    case 'LINUX_HAS_SYSCALL_WRAPPER':
      return facts.hasSyscallWrapper() ? 1n : 0n;
    default:
      return undefined;
  }
}

// --- kernel symbols -----------------------------------------------------------------------------------------------

function bindKsyms(object: BpfObject, btf: Btf, types: KernelTypes, facts: KernelFacts, set: Set): void {
  const wanted = externsOf(object, KSYMS_SECTION);
  if (wanted.length === 0) return;
  const untyped = wanted.filter(({ symbol }) => isUntyped(btf, symbol));
  const addresses =
    untyped.length === 0 ? NO_ADDRESSES : facts.addresses(new Set(untyped.map(({ symbol }) => symbol.name)));
  for (const extern of wanted) {
    const { symbol } = extern;
    set(extern, () => {
      const type = btf.type(symbol.btfId);
      if (type.kind === 'func') return bindFunction(btf, symbol, type.type, types);
      if (type.kind !== 'var') return `is a ${type.kind} in the types of the object`;
      return untyped.includes(extern)
        ? bindAddress(addresses.get(symbol.name) ?? [])
        : bindVariable(btf, symbol, type.type, types);
    });
  }
}

const NO_ADDRESSES: ReadonlyMap<string, readonly bigint[]> = new Map();

/** `extern const void x __ksym`: only the address is needed. */
function isUntyped(btf: Btf, symbol: ExternSymbol): boolean {
  const type = btf.type(symbol.btfId);
  return type.kind === 'var' && skipModifiers(btf, type.type) === 0;
}

function bindAddress(addresses: readonly bigint[]): ExternBinding | string {
  const [address] = addresses;
  if (address === undefined) return 'is not a symbol of this kernel';
  if (addresses.length > 1) return `has ${addresses.length} addresses in this kernel`;
  if (address === 0n)
    return 'has an address that the kernel hides (kernel.kptr_restrict, or privileges are missing)';
  return { kind: 'address', address };
}

function bindVariable(
  btf: Btf,
  symbol: ExternSymbol,
  type: BtfId,
  types: KernelTypes,
): ExternBinding | string {
  const found = lookUp(types, symbol.name, BTF_KIND.VAR);
  if (found === undefined) return 'is not a variable with a type in this kernel';
  const target = found.target.types.btf;
  const variable = target.type(found.id);
  const same =
    variable.kind === 'var' &&
    typesCompatible(btf, skipModifiers(btf, type), target, skipModifiers(target, variable.type));
  if (!same) return `is of another type in ${found.target.name}`;
  return { kind: 'kernel-variable', btfId: found.id, btfObject: found.target.btfObject };
}

/** Several declarations of one kernel function may be in a program, each with a flavour for other kernels. */
function bindFunction(
  btf: Btf,
  symbol: ExternSymbol,
  proto: BtfId,
  types: KernelTypes,
): ExternBinding | string {
  const found = lookUp(types, essentialName(symbol.name), BTF_KIND.FUNC);
  if (found === undefined) return 'is not a function of this kernel';
  const target = found.target.types.btf;
  const func = target.type(found.id);
  if (func.kind !== 'func' || !typesCompatible(btf, proto, target, func.type)) {
    return `has other parameters in ${found.target.name}`;
  }
  return { kind: 'kfunc', btfId: found.id, btfObject: found.target.btfObject };
}

/** Whether the kernel has a function of this name in its types; false where it shows no types. */
export function hasKernelFunction(types: KernelTypes, name: string): boolean {
  try {
    return lookUp(types, essentialName(name), BTF_KIND.FUNC) !== undefined;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}

/** vmlinux first, then modules. */
function lookUp(
  types: KernelTypes,
  name: string,
  kind: number,
): { readonly target: KernelTarget; readonly id: BtfId } | undefined {
  const vmlinux = types.vmlinux();
  const [id] = vmlinux.types.exact(name, kind);
  if (id !== undefined) return { target: vmlinux, id };
  for (const target of types.modules(name)) {
    const [inModule] = target.types.exact(name, kind);
    if (inModule !== undefined) return { target, id: inModule };
  }
  return undefined;
}
