/**
 * Binding externs of the kernel: configuration values, variables and functions.
 *
 * Mirrors libbpf, with one difference in reporting: everything that cannot be bound is named in one error.
 */

import { type Btf, type BtfId, type BtfType, formatFunc, formatVar, skipModifiers } from '../../btf/index.ts';
import { given } from '../../bytes/index.ts';
import { essentialName, typesCompatible } from '../../core/index.ts';
import { type Limits, type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  cutNote,
  type ExternSymbol,
  findInConfig,
  type KconfigType,
  kconfigTooLarge,
  kconfigTypeOf,
  kconfigValue,
  numberValue,
  type SymbolIndex,
} from '../../object/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import type { ExternBinding, ExternBindings } from './bindings.ts';
import { configPaths, type KernelFacts } from './kernel-facts.ts';
import type { KernelTarget, KernelTypes } from './kernel-types.ts';

export const KSYMS_SECTION = '.ksyms';
export const KCONFIG_SECTION = '.kconfig';

export interface BindOptions {
  /** Lines `CONFIG_X=…` that override the kernel's own. */
  readonly kconfig?: string;
  readonly limits?: Limits;
  /**
   * Whether a symbol is needed by what is loaded; without it all are. A kernel symbol that is not is left
   * unbound, and a configuration value that is not may be missing.
   */
  readonly isUsed?: (index: SymbolIndex) => boolean;
}

/** An extern with what is needed to bind it. */
interface Wanted {
  readonly index: SymbolIndex;
  readonly symbol: ExternSymbol;
  readonly weak: boolean;
}

/** Why an extern cannot be bound. */
interface Unbound {
  readonly reason: string;
  /** The kernel does not have it, which a weak one allows. Others are refused, weak or not. */
  readonly absent: boolean;
  readonly hint?: string;
  /** What a weak one is to be reported with. */
  readonly note?: string;
  readonly details?: readonly string[];
}

type Outcome = ExternBinding | Unbound;

const WEAK_HINT = 'declare it weak if the program can do without, and test for it';

const TYPE_HINT =
  'declare it as this kernel has it (vmlinux.h), or as "extern const void NAME __ksym" for its address';
const PARAMETERS_HINT =
  'declare it as this kernel has it (vmlinux.h); for several kernels declare it __weak, once for each with a suffix (NAME___old)';
const VIRTUAL_HINT =
  'loaders provide LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE and LINUX_HAS_SYSCALL_WRAPPER; others must be __weak';

function notThere(reason: string): Unbound {
  return { reason, absent: true, hint: WEAK_HINT };
}

function wrong(reason: string, hint?: string): Unbound {
  return { reason, absent: false, ...given({ hint }) };
}

/**
 * Binds the externs of `.kconfig` and `.ksyms`; others are left alone. Throws one error for all that are
 * missing, or that the kernel has as something else.
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
  const isUsed = options.isUsed ?? (() => true);
  const set = (wanted: Wanted, bind: () => Outcome) => {
    const needed = isUsed(wanted.index);
    const result = collect(needed ? problems : [], object.name, bind);
    if (result === undefined) return;
    if ('kind' in result) bindings.set(wanted.index, result);
    else if (!needed || (wanted.weak && result.absent))
      bindings.set(wanted.index, absent(btf, wanted.symbol, result));
    else problems.push(missing(object.name, wanted.symbol, result));
  };
  bindKconfig(object, btf, facts, options, set);
  const kernelSymbols = externsOf(object, KSYMS_SECTION).filter(({ index }) => isUsed(index));
  bindKsyms(kernelSymbols, btf, types, facts, set);
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

function missing(objectName: string, symbol: ExternSymbol, { reason, hint, details }: Unbound): Problem {
  const where = [objectName, `extern ${quote(symbol.name)}`];
  return problem('load-extern-missing', where, reason, given({ hint, details }));
}

/** An undefined weak extern: zero, or no address. */
function absent(btf: Btf, symbol: ExternSymbol, { note, reason, details }: Unbound): ExternBinding {
  const why = details === undefined ? undefined : `${reason} (${details.join('; ')})`;
  if (symbol.section !== KCONFIG_SECTION) return { kind: 'missing', ...given({ note, why }) };
  const size = declaredType(btf, symbol)?.size;
  return size === undefined ? { kind: 'missing' } : { kind: 'kconfig', value: new Uint8Array(size) };
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

type Set = (wanted: Wanted, bind: () => Outcome) => void;

// --- kconfig ------------------------------------------------------------------------------------------------------

/** Values of configurations by name, and whether they are all that can be known. */
interface Configuration {
  readonly values: ReadonlyMap<string, string>;
  /** None was given, and the kernel's cannot be read. */
  readonly unreadable: boolean;
}

function bindKconfig(object: BpfObject, btf: Btf, facts: KernelFacts, options: BindOptions, set: Set): void {
  const wanted = externsOf(object, KCONFIG_SECTION);
  const sizes = wanted.flatMap(({ symbol }) => {
    const type = declaredType(btf, symbol); // a type of no value is refused below
    return type === undefined ? [] : [{ name: symbol.name, size: type.size }];
  });
  const tooLarge = kconfigTooLarge(object.name, sizes, options.limits);
  if (tooLarge !== undefined) throw new RootletError([tooLarge]);
  const configuration = readConfiguration(wanted, facts, options);
  for (const extern of wanted)
    set(extern, () => kconfigBinding(object, btf, extern.symbol, configuration, facts));
}

/** What is given goes before the kernel's own, which is read only when something is missing. */
function readConfiguration(
  wanted: readonly Wanted[],
  facts: KernelFacts,
  options: BindOptions,
): Configuration {
  const names = new Set(wanted.map(({ symbol }) => symbol.name).filter(isSetting));
  const values = findInConfig(options.kconfig ?? '', names);
  if ([...names].every(name => values.has(name))) return { values, unreadable: false };
  const own = facts.config();
  if (own === undefined) return { values, unreadable: options.kconfig === undefined };
  return { values: new Map([...findInConfig(own, names), ...values]), unreadable: false };
}

function isSetting(name: string): boolean {
  return name.startsWith('CONFIG_');
}

function kconfigBinding(
  object: BpfObject,
  btf: Btf,
  symbol: ExternSymbol,
  { values, unreadable }: Configuration,
  facts: KernelFacts,
): Outcome {
  const { name } = symbol;
  const type = declaredType(btf, symbol);
  if (type === undefined)
    return wrong(
      'is declared with a type that no configuration value has',
      'declare it as bool, char, an integer, enum libbpf_tristate or an array of char',
    );
  const text = values.get(name);
  if (text !== undefined) {
    const value = kconfigValue(name, type, text, object.byteOrder);
    return { kind: 'kconfig', value, ...given({ note: cutNote(name, type, text) }) };
  }
  if (isSetting(name) && unreadable) {
    const paths = configPaths().join(', ');
    return wrong(`no configuration of this kernel could be read (${paths})`, 'give one with --kconfig FILE');
  }
  if (isSetting(name)) {
    const hint = `give it with --kconfig FILE, or ${WEAK_HINT}`;
    return { ...notThere('is not in the configuration of this kernel'), hint };
  }
  const number = virtualValue(name, facts);
  if (number !== undefined)
    return { kind: 'kconfig', value: numberValue(name, type, number, object.byteOrder) };
  if (name === VERSION) return wrong('is not known: uname(2) has no three numbers for this kernel');
  const reason = 'is not a value that a loader provides';
  return name.startsWith('LINUX_')
    ? { ...notThere(reason), hint: VIRTUAL_HINT }
    : wrong(reason, KCONFIG_HINT);
}

const VERSION = 'LINUX_KERNEL_VERSION';
const KCONFIG_HINT = 'names of the kernel configuration start with CONFIG_';

/** Values that are in no configuration, but that every loader provides. */
function virtualValue(name: string, facts: KernelFacts): bigint | undefined {
  switch (name) {
    case VERSION:
      return facts.versionCode() === 0 ? undefined : BigInt(facts.versionCode());
    case 'LINUX_HAS_BPF_COOKIE':
      return facts.hasCookie() ? 1n : 0n;
    case 'LINUX_HAS_SYSCALL_WRAPPER':
      return facts.hasSyscallWrapper() ? 1n : 0n;
    default:
      return undefined;
  }
}

// --- kernel symbols -----------------------------------------------------------------------------------------------

function bindKsyms(
  wanted: readonly Wanted[],
  btf: Btf,
  types: KernelTypes,
  facts: KernelFacts,
  set: Set,
): void {
  if (wanted.length === 0) return;
  const untyped = wanted.filter(({ symbol }) => isUntyped(btf, symbol));
  const addresses =
    untyped.length === 0 ? NO_ADDRESSES : facts.addresses(new Set(untyped.map(({ symbol }) => symbol.name)));
  for (const extern of wanted) {
    const { symbol } = extern;
    set(extern, () => {
      const type = btf.type(symbol.btfId);
      if (type.kind === 'func') return bindFunction(btf, symbol, type.type, types);
      if (type.kind !== 'var') return wrong(`is a ${type.kind} in the types of the object`);
      return untyped.includes(extern)
        ? bindAddress(symbol.name, addresses.get(symbol.name) ?? [])
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

/** An address that is hidden, or one of several, is refused: only what no kernel has may be weak. */
function bindAddress(name: string, addresses: readonly bigint[]): Outcome {
  const [address] = addresses;
  if (address === undefined) return notThere('is not a symbol of this kernel');
  if (addresses.length > 1) return wrong(`has ${addresses.length} addresses in this kernel`);
  if (address !== 0n) return { kind: 'address', address };
  const reason = 'has an address that the kernel hides (kernel.kptr_restrict, or privileges are missing)';
  return { reason, absent: true, note: `extern ${quote(name)} is 0, as if it did not exist: it ${reason}` };
}

function bindVariable(btf: Btf, symbol: ExternSymbol, type: BtfId, types: KernelTypes): Outcome {
  const found = lookUp(types, symbol.name, BTF_KIND.VAR);
  if (found === undefined) return notThere('is not a variable with a type in this kernel');
  const target = found.target.types.btf;
  const variable = target.type(found.id);
  const same =
    variable.kind === 'var' &&
    typesCompatible(btf, skipModifiers(btf, type), target, skipModifiers(target, variable.type));
  if (!same) {
    const details = [
      `declared as ${formatVar(btf, symbol.btfId)}`,
      `${found.target.name} has ${formatVar(target, found.id)}`,
    ];
    return { ...wrong(`is of another type in ${found.target.name}`, TYPE_HINT), details };
  }
  return { kind: 'kernel-variable', btfId: found.id, btfObject: found.target.btfObject };
}

/**
 * Several declarations of one kernel function may be in a program, each with a flavour for other kernels: a
 * weak one with other parameters is absent.
 */
function bindFunction(btf: Btf, symbol: ExternSymbol, proto: BtfId, types: KernelTypes): Outcome {
  const found = lookUp(types, essentialName(symbol.name), BTF_KIND.FUNC);
  if (found === undefined) return notThere('is not a function of this kernel');
  const target = found.target.types.btf;
  const func = target.type(found.id);
  if (func.kind !== 'func' || !typesCompatible(btf, proto, target, func.type))
    return {
      reason: `has other parameters in ${found.target.name}`,
      absent: true,
      hint: PARAMETERS_HINT,
      details: [
        `declared as ${formatFunc(btf, symbol.btfId)}`,
        `${found.target.name} has ${formatFunc(target, found.id)}`,
        ...onlyDeclared(btf, proto).map(name => `${name} is declared here without its members`),
      ],
    };
  return { kind: 'kfunc', btfId: found.id, btfObject: found.target.btfObject };
}

/** The type without modifiers; undefined for void. */
function knownType(btf: Btf, id: BtfId): BtfType | undefined {
  const known = skipModifiers(btf, id);
  return known === 0 ? undefined : btf.type(known);
}

/** Structs and unions that parameters point to and the object does not define: they match none. */
function onlyDeclared(btf: Btf, proto: BtfId): string[] {
  const type = btf.type(proto);
  if (type.kind !== 'func_proto') return [];
  const names = type.params.flatMap(param => {
    const passed = knownType(btf, param.type);
    const target = passed?.kind === 'ptr' ? knownType(btf, passed.type) : passed;
    return target?.kind === 'fwd' ? [`${target.union ? 'union' : 'struct'} ${quote(target.name)}`] : [];
  });
  return [...new Set(names)];
}

/** Kernel symbols whose types the kernel shows. */
export type KernelSymbolKind = 'function' | 'variable';

/** What the kernel has of this name in its types; undefined for nothing, or where it shows no types. */
export function kernelSymbolKind(types: KernelTypes, name: string): KernelSymbolKind | undefined {
  try {
    if (lookUp(types, essentialName(name), BTF_KIND.FUNC) !== undefined) return 'function';
    return lookUp(types, name, BTF_KIND.VAR) === undefined ? undefined : 'variable';
  } catch (error) {
    if (error instanceof RootletError) return undefined;
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
