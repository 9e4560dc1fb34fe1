/**
 * Whether a program fits a slot: C prototypes, program types, XDP fragments. Separate from the choice of
 * slots and programs, because re-linking in the kernel needs the same checks.
 */

import { formatFunc } from '../../btf/index.ts';
import { given } from '../../bytes/index.ts';
import { type Problem, problem, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  contextParameter,
  type FunctionSymbol,
  hasKnownType,
  isVerifiedContext,
  type MapSymbol,
  markLive,
  programsOf,
  programTypeOf,
  prototypeOf,
  type SymbolIndex,
  sectionNameOf,
  typeBehind,
} from '../../object/index.ts';
import { BPF_F_XDP_HAS_FRAGS } from '../../uapi/index.ts';
import { comparePrototypes, entryObjection, type FunctionType } from '../resolve/index.ts';

/**
 * The problem of a program in a slot of the rootlet; null if it fits. `entry`: the slot is called as the
 * kernel calls programs, so the program is compared as an entry point, as in slots that take the context and
 * return a verdict.
 */
export function slotProblem(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  component: BpfObject,
  program: FunctionSymbol,
  entry = false,
): Problem | null {
  return (
    prototypeProblem(rootlet, slot, component, program, entry) ??
    programTypeProblem(rootlet, slot, component, program)
  );
}

/** A note if it is not known whether a program fits its slot, because one of them has no type. */
export function unknownFit(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  component: BpfObject,
  program: FunctionSymbol,
): string | undefined {
  const isSlotKnown = hasKnownType(rootlet, slot);
  if (isSlotKnown && hasKnownType(component, program)) return undefined;
  const [untyped, name] = isSlotKnown ? [component, program.name] : [rootlet, slot.name];
  return `${untyped.name} has no BTF for ${quote(name)}: it could not be checked whether ${quote(program.name)} fits slot ${quote(slot.name)}`;
}

/**
 * Whether the kernel can verify a program in its slot only where it is called: by itself, a global function
 * whose context parameter has neither the name nor the tag of a context would get some other pointer. A struct
 * that is only declared does not count as a context there.
 */
export function needsCaller(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  component: BpfObject,
  program: FunctionSymbol,
): boolean {
  if (rootlet.btf === null || component.btf === null) return false;
  const progType = progTypeIn(rootlet, component, program);
  const proto = prototypeOf(component.btf, program.btfId);
  if (proto?.returns === 0) return true; // global functions may return nothing only since Linux 7.1
  if (proto?.params.length === 0) return false;
  const isContext = contextParameter(rootlet.btf, slot.btfId, 0, progType) !== undefined;
  return isContext && !isVerifiedContext(contextParameter(component.btf, program.btfId, 0, progType));
}

/**
 * A program array of the component that the program uses and that holds this very program: as a function of
 * another program it could not be in an array. Undefined when there is none.
 */
export function arrayWithItself(component: BpfObject, program: SymbolIndex): string | undefined {
  return arraysOf(component, program).find(({ references }) =>
    references.some(({ symbol }) => symbol === program),
  )?.name;
}

/** Maps that a program needs and that have static contents. */
export function arraysOf(component: BpfObject, program: SymbolIndex): MapSymbol[] {
  const { live } = markLive(component, [program]);
  return component.symbols.flatMap((symbol, index) =>
    symbol.kind === 'map' && live[index] === true && symbol.references.length > 0 ? [symbol] : [],
  );
}

function prototypeProblem(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  component: BpfObject,
  program: FunctionSymbol,
  entry: boolean,
): Problem | null {
  if (rootlet.btf === null || component.btf === null) return null;
  if (!hasKnownType(rootlet, slot) || !hasKnownType(component, program)) return null;
  const left = { btf: rootlet.btf, func: slot.btfId };
  const right = { btf: component.btf, func: program.btfId };
  const progType = progTypeIn(rootlet, component, program);
  const difference =
    entry || isEntrySlot(left, progType)
      ? entryObjection(right, progType)
      : comparePrototypes(left, right, { progType, program: true })?.path;
  if (difference === undefined) return null;
  return misfit({ object: rootlet, symbol: slot }, { object: component, symbol: program }, difference);
}

/** Bytes of a result that is read like a verdict. */
const VERDICT_BYTES = 4;

/**
 * Whether a slot is called as the kernel calls programs: the context in r1, and a result of 32 bits, of which
 * every program sets all. `progType`: of the programs that call it.
 */
export function isEntrySlot({ btf, func }: FunctionType, progType: number | undefined): boolean {
  const proto = prototypeOf(btf, func);
  if (proto?.params.length !== 1 || contextParameter(btf, func, 0, progType) === undefined) return false;
  const result = typeBehind(btf, proto.returns);
  return (result?.kind === 'int' || result?.kind === 'enum') && result.size === VERDICT_BYTES;
}

/** A function of a rootlet or component. */
export interface FunctionIn {
  readonly object: BpfObject;
  readonly symbol: FunctionSymbol;
}

/** `slot`: a function that programs call; `main`: the program itself, whose place another one is to take. */
export type PlaceKind = 'slot' | 'main';

/**
 * The problem of a program whose prototype does not fit its place. `why`: the first difference; may be empty.
 */
export function misfit(
  place: FunctionIn,
  program: FunctionIn,
  why: string,
  kind: PlaceKind = 'slot',
): Problem {
  const [there, name] = [quote(place.symbol.name), quote(program.symbol.name)];
  const what = kind === 'slot' ? `does not fit slot ${there}` : `cannot replace ${there}`;
  const label = kind === 'slot' ? 'slot:   ' : 'rootlet:';
  return problem(
    'relink-prototype',
    [program.object.name],
    `program ${name} ${what}${why === '' ? '' : `: ${why}`}`,
    {
      subject: program.symbol.name,
      details: [`${label} ${spellFunction(place)}`, `program: ${spellFunction(program)}`],
      ...given({ hint: declareHint(place, program.symbol.name) }),
    },
  );
}

/** The prototype that the program needs; undefined where the place has no type. */
function declareHint({ object, symbol }: FunctionIn, name: string): string | undefined {
  if (object.btf === null || symbol.btfId === 0) return undefined;
  return `declare it as ${formatFunc(object.btf, symbol.btfId).replace(` ${symbol.name}(`, ` ${name}(`)}`;
}

/** As C, with its file; only the name where there is no type. */
function spellFunction({ object, symbol }: FunctionIn): string {
  const hasType = object.btf !== null && symbol.btfId !== 0;
  return `${hasType ? formatFunc(object.btf, symbol.btfId) : symbol.name}  (${object.name})`;
}

/** A component must be of a type that the rootlet's own programs have. */
function programTypeProblem(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  component: BpfObject,
  program: FunctionSymbol,
): Problem | null {
  const section = sectionNameOf(component, program);
  const hosts = programsOf(rootlet).map(entry => sectionNameOf(rootlet, entry.program));
  if (hosts.length === 0)
    return problem('relink-no-program', [rootlet.name], 'has no program that could call its slots');
  const fits = (host: string) => typeOfSection(host) === typeOfSection(section);
  if (hosts.some(host => fits(host) || (!isTyped(section) && isTyped(host))))
    return fragmentsProblem(rootlet, hosts, component, program);
  return problem(
    'relink-program-type',
    [component.name],
    `program ${quote(program.name)} in section ${quote(section)} does not fit slot ${quote(slot.name)} of a rootlet in section ${hosts.map(quote).join(', ')}`,
    {
      hint: 'rootlet and component must be programs of one type',
    },
  );
}

/** `xdp.frags` marks programs that can read packets in several buffers; all components must have it. */
export function fragmentsProblem(
  rootlet: BpfObject,
  hosts: readonly string[],
  component: BpfObject,
  program: FunctionSymbol,
): Problem | null {
  if (!hosts.some(handlesFrags) || handlesFrags(sectionNameOf(component, program))) return null;
  return problem(
    'relink-frags',
    [component.name],
    `program ${quote(program.name)} is not marked as xdp.frags, but ${rootlet.name} is`,
    {
      hint: 'put the rootlet in SEC("xdp"), or the program in SEC("xdp.frags") if it accesses packets only through helpers',
    },
  );
}

/** A note if a program is marked as `xdp.frags` and the rootlet that calls it is not. */
export function lostFragments(
  rootlet: BpfObject,
  component: BpfObject,
  program: FunctionSymbol,
): string | undefined {
  const hosts = programsOf(rootlet).map(entry => sectionNameOf(rootlet, entry.program));
  if (hosts.some(handlesFrags) || !handlesFrags(sectionNameOf(component, program))) return undefined;
  return `${component.name}: program ${quote(program.name)} is marked as xdp.frags, but ${rootlet.name} is not: it gets no packets in several buffers there`;
}

function handlesFrags(section: string): boolean {
  return ((programTypeOf(section)?.flags ?? 0) & BPF_F_XDP_HAS_FRAGS) !== 0;
}

/** Type of a program, or of the rootlet's programs where its own section specifies none. */
function progTypeIn(rootlet: BpfObject, component: BpfObject, program: FunctionSymbol): number | undefined {
  const own = programTypeOf(sectionNameOf(component, program));
  if (own !== undefined) return own.progType;
  const hosts = programsOf(rootlet).map(entry => sectionNameOf(rootlet, entry.program));
  return hosts.map(host => programTypeOf(host)?.progType).find(type => type !== undefined);
}

function isTyped(section: string): boolean {
  return programTypeOf(section) !== undefined;
}

/** Program type of a section; a name outside the table is its own type, up to its first variant or target. */
function typeOfSection(section: string): string {
  const known = programTypeOf(section);
  if (known !== undefined) return String(known.progType);
  return section.slice(0, Math.max(section.search(/[./]|$/), 0));
}
