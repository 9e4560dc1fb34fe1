/**
 * Which back end binds a call to a provider's function, and why.
 *
 * Every rule that the kernel would enforce with EINVAL, EBUSY or a line of the verifier's log is checked here
 * first, with a readable reason. Order of preference: `ext` (code and state shared, every signature that the
 * kernel compares), `tail` (both shared, one map update moves all consumers), `copy` (state shared, works
 * everywhere).
 */

import { type Problem, problem, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  kindId,
  kindName,
  MAX_STACK_BYTES_ABOVE_TAIL_CALL,
  type ProgramType,
  programTypeOf,
  type SymbolIndex,
  sectionNameOf,
  stackAbove,
  symbolOf,
} from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import type { BindingBackEnd } from './bindings.ts';
import { type Caller, callersOf, commonProgType, isHandedOn, type TypeOf } from './callers.ts';
import { type Effects, effectsOf, packetMarker, sleepObjection } from './effects.ts';
import type { Found } from './found.ts';
import { replacementObjection, type Signature, signatureIn } from './signature.ts';

/** All back ends, in order of preference. */
export const BINDING_BACK_ENDS: readonly BindingBackEnd[] = ['ext', 'tail', 'copy'];

/** Input of the rules for one function extern. */
export interface Situation {
  readonly consumer: BpfObject;
  readonly extern: SymbolIndex;
  readonly name: string;
  /** What both the declaration and the definition allow. */
  readonly signature: Signature;
  readonly callers: readonly Caller[];
  /** Of the provider's function; undefined while there is no provider (`--lazy`). */
  readonly effects: Effects | undefined;
  /** Type of the provider's function when it is a program itself. */
  readonly programType: ProgramType | undefined;
  /** Why functions cannot be replaced in this kernel; undefined when they can. */
  readonly noReplacement: () => string | undefined;
}

export function situationOf(
  consumer: BpfObject,
  found: Pick<Found, 'extern' | 'name'> & Partial<Pick<Found, 'provider' | 'target'>>,
  noReplacement: () => string | undefined,
  typeOf?: TypeOf,
): Situation {
  const { extern, name, provider, target } = found;
  const object = provider?.object ?? consumer;
  const index = target?.index ?? extern;
  const symbol = symbolOf(object, index);
  const defined = symbol.kind === 'function' ? symbol : undefined;
  const callers = callersOf(consumer, extern, typeOf);
  const progType = commonProgType(callers);
  return {
    consumer,
    extern,
    name,
    signature: worseOf(
      signatureIn(object, symbol, progType),
      signatureIn(consumer, symbolOf(consumer, extern), progType),
    ),
    callers,
    effects: defined === undefined ? undefined : effectsOf(object, index),
    programType: defined === undefined ? undefined : programTypeOf(sectionNameOf(object, defined)),
    noReplacement,
  };
}

/**
 * Definition and declaration agree, but may spell the context in two ways, and stubs are spelled as the
 * declaration.
 */
function worseOf(definition: Signature, declaration: Signature): Signature {
  const worse = declaration.class > definition.class ? declaration : definition;
  return {
    ...worse,
    context: definition.context ?? declaration.context,
    taggedContext: definition.taggedContext || declaration.taggedContext,
  };
}

/** Why a back end cannot bind the call, naming the rule; undefined if it can. */
export function objectionTo(via: BindingBackEnd, situation: Situation): string | undefined {
  switch (via) {
    case 'ext':
      return commonObjection(situation) ?? extObjection(situation);
    case 'tail':
      return commonObjection(situation) ?? tailObjection(situation);
    case 'copy':
      return copyObjection(situation);
  }
}

export interface Choice {
  readonly via: BindingBackEnd;
  readonly reason: string;
}

/** The back ends that can bind the call, best first, each with its reason; empty if none can. */
export function candidatesFor(situation: Situation): readonly Choice[] {
  const refused: string[] = [];
  const choices: Choice[] = [];
  for (const via of BINDING_BACK_ENDS) {
    const objection = objectionTo(via, situation);
    if (objection === undefined) {
      const because = refused.length === 0 ? STRENGTHS[via] : `${STRENGTHS[via]}; ${refused.join('; ')}`;
      choices.push({ via, reason: because });
    } else refused.push(`not ${via}: ${objection}`);
  }
  return choices;
}

const STRENGTHS: Readonly<Record<BindingBackEnd, string>> = {
  ext: 'code and state shared, any number of consumers',
  tail: 'code and state shared through a tail-call slot',
  copy: 'code copied, state shared',
};

/**
 * The problem of a requested back end that cannot be used: a rule that it breaks, or a refusal of the kernel.
 */
export function forcedProblem(via: BindingBackEnd, situation: Situation, objection: string): Problem {
  const { consumer, name } = situation;
  const byKernel =
    via === 'ext' && objectionTo(via, { ...situation, noReplacement: () => undefined }) === undefined;
  const isThere = situation.effects !== undefined; // code that is loaded later cannot be copied
  const others = BINDING_BACK_ENDS.filter(
    other => other !== via && (isThere || other !== 'copy') && objectionTo(other, situation) === undefined,
  );
  const message = `${quote(name)} cannot be bound by ${quote(via)}: ${objection}`;
  return problem(byKernel ? 'dynamic-via-kernel' : 'dynamic-via-refused', [consumer.name], message, {
    hint:
      others.length === 0
        ? 'link the two objects statically (rootlet link)'
        : `${others.map(other => `--via ${other}`).join(' or ')} would work`,
  });
}

// --- rules --------------------------------------------------------------------------------------------------------

/** Rules for calls that leave the consumer's program. */
function commonObjection({
  consumer,
  extern,
  callers,
  signature,
  programType,
}: Situation): string | undefined {
  if (callers.length === 0) return 'no program here calls it';
  if (isHandedOn(consumer, extern))
    return 'its address is taken (passed as a callback), which must be code of the program itself';
  const untyped = callers.find(caller => caller.type === undefined);
  if (untyped !== undefined)
    return `the section of program ${quote(untyped.program.name)} does not specify its type`;
  const kinds = kindsOf(callers);
  if (kinds.length > 1)
    return `programs of different types call it (${kinds.join(', ')}), but a bound function has one type`;
  const mismatch = typeObjection(callers, programType);
  if (mismatch !== undefined) return mismatch;
  return signature.class === 'D' ? signature.reason : undefined;
}

function extObjection(situation: Situation): string | undefined {
  const { signature, effects, callers, consumer } = situation;
  const objection = replacementObjection(signature);
  if (objection !== undefined) return objection;
  const type = callers[0]?.type;
  if (type?.progType === uapi.BPF_PROG_TYPE_EXT)
    return 'functions of a program that replaces another cannot be replaced';
  if (type?.progType === uapi.BPF_PROG_TYPE_TRACING && type.expectedAttachType !== uapi.BPF_TRACE_ITER)
    return 'functions of fentry and fexit programs cannot be replaced';
  const asleep = effects === undefined ? undefined : sleepObjection(effects);
  if (asleep !== undefined) return asleep;
  if (effects?.changesPacket != null && packetMarker(signature.context) === undefined)
    return `it calls ${effects.changesPacket}, and without a context a stub cannot declare that packets may change`;
  if (isTailCalled(consumer, callers))
    return 'the program is in a program array, and functions of such programs cannot be replaced';
  return situation.noReplacement();
}

function tailObjection({ signature, callers, consumer, extern }: Situation): string | undefined {
  if (signature.class !== 'A') return `a tail call passes the context alone; ${notContextAlone(signature)}`;
  const type = callers[0]?.type;
  if (type !== undefined && (type.flags & uapi.BPF_F_SLEEPABLE) !== 0)
    return 'sleepable programs cannot use tail calls';
  if (type?.progType === uapi.BPF_PROG_TYPE_STRUCT_OPS || type?.progType === uapi.BPF_PROG_TYPE_EXT)
    return `programs of type ${uapi.progTypeName(type.progType)} cannot be in a program array`;
  for (const { index } of callers) {
    const { total, path } = stackAbove(consumer, index, [extern]);
    const names = path.map(at => symbolOf(consumer, at).name).join(' -> ');
    if (total === Number.POSITIVE_INFINITY) return `functions that lead to it call each other (${names})`;
    if (total >= MAX_STACK_BYTES_ABOVE_TAIL_CALL)
      return `${total} bytes of stack are in use where it is called (${names}); with a tail call in a called function there must be less than ${MAX_STACK_BYTES_ABOVE_TAIL_CALL}`;
  }
  return undefined;
}

function notContextAlone({ class: letter, reason, count }: Signature): string {
  if (letter !== 'B') return reason;
  return count === 0 ? 'it has no parameters' : 'it has other parameters';
}

function copyObjection({ programType, callers }: Situation): string | undefined {
  return typeObjection(callers, programType);
}

/** A function that is a program is called by programs of its own type. */
function typeObjection(callers: readonly Caller[], programType: ProgramType | undefined): string | undefined {
  const type = callers[0]?.type;
  if (programType === undefined || type === undefined || programType.progType === type.progType)
    return undefined;
  return `it is a program of type ${uapi.progTypeName(programType.progType)}, called by one of type ${uapi.progTypeName(type.progType)}`;
}

/** Program types with all that a program array or a replacement compares, for users. */
function kindsOf(callers: readonly Caller[]): string[] {
  const kinds = new Map<string, string>();
  for (const { type } of callers)
    kinds.set(type === undefined ? '' : kindId(type), type === undefined ? 'unknown' : kindName(type));
  return [...kinds.values()];
}

function isTailCalled(consumer: BpfObject, callers: readonly Caller[]): boolean {
  return consumer.symbols.some(
    symbol =>
      symbol.kind === 'map' &&
      symbol.references.some(reference => callers.some(caller => caller.index === reference.symbol)),
  );
}
