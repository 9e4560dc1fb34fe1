/**
 * Whether the prototypes of two functions agree, one of which replaces the other. They are compared as types,
 * except the context of the program: two parameters that are the context agree whatever the headers of their
 * files declare, since the kernel defines its layout.
 */

import { type Btf, type BtfId, compareTypes, type TypeMismatch } from '../../btf/index.ts';
import {
  type ContextParameter,
  contextParameter,
  isForeignContext,
  prototypeOf,
  typeBehind,
} from '../../object/index.ts';

/** A FUNC type. */
export interface FunctionType {
  readonly btf: Btf;
  readonly func: BtfId;
}

export interface PrototypeRules {
  /** Type of the programs that call them; undefined when it is not known, or when there are several. */
  readonly progType: number | undefined;
  /** As in `CompareOptions`. */
  readonly strict?: boolean;
  /** The second function is a program, whose parameter is the context under any name. */
  readonly program?: boolean;
}

/** The first difference; null when they agree, or when one has no prototype. */
export function comparePrototypes(
  left: FunctionType,
  right: FunctionType,
  rules: PrototypeRules,
): TypeMismatch | null {
  const [a, b] = [prototypeId(left), prototypeId(right)];
  if (a === undefined || b === undefined) return null;
  const agreed = agreedContexts(left, right, rules);
  return compareTypes(left.btf, a, right.btf, b, { strict: rules.strict === true, agreed });
}

/** Parameters that are the context on both sides. */
export function agreedContexts(
  left: FunctionType,
  right: FunctionType,
  { progType, program = false }: PrototypeRules,
): Set<number> {
  const agreed = new Set<number>();
  const count = prototypeOf(left.btf, left.func)?.params.length ?? 0;
  for (let at = 0; at < count; at++) {
    const mine = contextParameter(left.btf, left.func, at, progType);
    if (mine === undefined) continue;
    const other = contextParameter(right.btf, right.func, at, progType);
    const isPointed = program && at === 0 && mine.struct === null && mayPointToContext(right, progType);
    if (isPointed || (other !== undefined && isSameContext(mine, other, progType))) agreed.add(at);
  }
  return agreed;
}

/** Names of the context of one program type agree; a tag agrees with every name. */
function isSameContext(a: ContextParameter, b: ContextParameter, progType: number | undefined): boolean {
  return progType !== undefined || a.struct === null || b.struct === null || a.struct === b.struct;
}

/** Whether the first parameter may be a context that has no name: not that of another type of program. */
function mayPointToContext({ btf, func }: FunctionType, progType: number | undefined): boolean {
  const param = prototypeOf(btf, func)?.params[0];
  const pointer = param === undefined ? undefined : typeBehind(btf, param.type);
  return pointer?.kind === 'ptr' && !isForeignContext(nameBehind(btf, pointer.type), progType);
}

function prototypeId({ btf, func }: FunctionType): BtfId | undefined {
  const type = func === 0 ? undefined : btf.type(func);
  return type?.kind === 'func' && type.type !== 0 ? type.type : undefined;
}

// --- entry points -------------------------------------------------------------------------------------------------

/**
 * Why a function cannot be the entry point of programs of a type; undefined when it can. The kernel passes
 * the context in r1 and takes the verdict from r0, however C spells them, so kinds are compared: one pointer
 * that is not the context of another type, an integer that can hold one, or no parameter; an integer, an
 * enum, or (code that sets r0 itself) nothing.
 */
export function entryObjection(
  { btf, func }: FunctionType,
  progType: number | undefined,
): string | undefined {
  const proto = prototypeOf(btf, func);
  if (proto === undefined) return undefined;
  const [first, second] = proto.params;
  if (second !== undefined)
    return `it has ${proto.params.length} parameters, but the kernel passes only the context`;
  const result = typeBehind(btf, proto.returns);
  const isInteger = result?.kind === 'int' || result?.kind === 'enum' || result?.kind === 'enum64';
  if (result !== undefined && !isInteger) return 'its result is not an integer';
  if (first === undefined) return undefined;
  const pointer = typeBehind(btf, first.type);
  if (pointer?.kind === 'int' && pointer.size === POINTER_BYTES) return undefined;
  if (pointer?.kind !== 'ptr') return 'parameter 1 is not a pointer to the context';
  const name = nameBehind(btf, pointer.type);
  return isForeignContext(name, progType)
    ? `parameter 1 points to struct ${name}, the context of programs of another type`
    : undefined;
}

const POINTER_BYTES = 8;

function nameBehind(btf: Btf, id: BtfId): string {
  const type = typeBehind(btf, id);
  return type?.kind === 'struct' || type?.kind === 'fwd' ? type.name : '';
}
