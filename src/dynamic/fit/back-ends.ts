/** Rules of single back ends, beyond those of all: which slots can use a tail call or a replacement. */

import { type Problem, problem, quote } from '../../diag/index.ts';
import { arraysOf, arrayWithItself, comparePrototypes, slotMissing, slotsOf } from '../../link/index.ts';
import { type BpfObject, type SymbolIndex, symbolOf } from '../../object/index.ts';
import {
  effectsOf,
  objectionTo,
  replacementObjection,
  type Situation,
  signatureIn,
  situationOf,
  sleepObjection,
} from '../bind/index.ts';
import { componentOf, type SlotBackEnd } from '../generation/index.ts';
import { isInstead, type Pair, typeOfProgram } from './pair.ts';

/**
 * Why a back end cannot put a program into its place, naming the rule; undefined when it can. Only rules:
 * whether this kernel has what the back end needs is another question. `all`: everything that the change puts
 * into places.
 */
export function ruleObjection(via: SlotBackEnd, pair: Pair, all: readonly Pair[]): string | undefined {
  switch (via) {
    case 'static':
      return isInstead(pair) ? undefined : staticObjection(pair);
    case 'tail':
      return tailObjection(pair);
    case 'ext':
      return (isInstead(pair) ? extInsteadObjection(pair) : extObjection(pair)) ?? sharedObjection(pair, all);
  }
}

/** The problem of a place that a back end cannot fill; without a hint. */
export function backEndProblem({ host, fill }: Pair, via: SlotBackEnd, objection: string): Problem {
  return problem(
    'relink-via',
    [host.rootlet.name],
    `slot ${quote(fill.slot)} cannot be filled with ${quote(componentOf(fill))} by ${quote(via)}: ${objection}`,
  );
}

// --- static -------------------------------------------------------------------------------------------------------

function staticObjection({ component, programIndex }: Pair): string | undefined {
  const array = arrayWithItself(component, programIndex);
  return array === undefined
    ? undefined
    : `its array ${quote(array)} contains the program itself, which would be a function of the rootlet's program`;
}

// --- tail ---------------------------------------------------------------------------------------------------------

function tailObjection(pair: Pair): string | undefined {
  if (isInstead(pair)) return 'it is the program itself, which nothing calls';
  return tailIndexObjection(pair.host.rootlet, pair.slotIndex);
}

/** Why a slot cannot be a tail-call slot; undefined when it can. */
export function tailSlotObjection(rootlet: BpfObject, slot: string): string | undefined {
  const found = slotsOf(rootlet).find(({ name }) => name === slot);
  if (found !== undefined) return tailIndexObjection(rootlet, found.index);
  const { message, hint = '' } = slotMissing(rootlet, slot);
  return `it ${message}; ${hint}`;
}

/** Whether every slot of a rootlet can be a tail-call slot, and there is one. */
export function allSlotsTail(rootlet: BpfObject): boolean {
  const slots = slotsOf(rootlet);
  return slots.length > 0 && slots.every(({ index }) => tailIndexObjection(rootlet, index) === undefined);
}

function tailIndexObjection(rootlet: BpfObject, index: SymbolIndex): string | undefined {
  return objectionTo('tail', slotSituation(rootlet, index));
}

function slotSituation(rootlet: BpfObject, index: SymbolIndex): Situation {
  const name = symbolOf(rootlet, index).name;
  return situationOf(rootlet, { extern: index, name }, () => undefined);
}

// --- ext ----------------------------------------------------------------------------------------------------------

function extObjection(pair: Pair): string | undefined {
  const effects = effectsOf(pair.component, pair.programIndex);
  const situation = { ...slotSituation(pair.host.rootlet, pair.slotIndex), effects };
  return objectionTo('ext', situation) ?? arrayObjection(pair) ?? spellingObjection(pair);
}

/** A program that fills several slots is loaded once, with one prototype. */
function sharedObjection(pair: Pair, all: readonly Pair[]): string | undefined {
  const { fill, host, slot, programIndex } = pair;
  const { btf } = host.rootlet;
  const progType = typeOfProgram(host.rootlet, host.main)?.progType;
  const other = all.find(
    one =>
      btf !== null &&
      one.programIndex === programIndex &&
      componentOf(one.fill) === componentOf(fill) &&
      comparePrototypes(
        { btf, func: one.slot.btfId },
        { btf, func: slot.btfId },
        { progType, strict: true },
      ) !== null,
  );
  return other === undefined
    ? undefined
    : `it fills slot ${quote(other.fill.slot)} as well, which has another prototype, and a replacement has one`;
}

/** Programs that use or fill one array have one type and expected attach type; a replacement has others. */
function arrayObjection({ host, component, programIndex }: Pair): string | undefined {
  const own = arrayWithItself(component, programIndex);
  if (own !== undefined)
    return `its array ${quote(own)} contains the program itself, and a replacement cannot be in one`;
  const type = typeOfProgram(host.rootlet, host.main);
  if (type === undefined || type.attachTypeOptional || type.expectedAttachType === 0) return undefined;
  const array = arraysOf(component, programIndex).find(({ references }) =>
    references.some(({ symbol }) => component.symbols[symbol]?.kind === 'function'),
  );
  if (array === undefined) return undefined;
  return `its array ${quote(array.name)} contains programs with an expected attach type, which a replacement does not have`;
}

/** The place of the rootlet's program itself: nothing can be prepared there for what fills it. */
function extInsteadObjection(pair: Pair): string | undefined {
  const { host, component, programIndex } = pair;
  if (typeOfProgram(host.rootlet, host.main)?.attachBtf === true)
    return 'functions of programs that attach to functions cannot be replaced';
  const effects = effectsOf(component, programIndex);
  const asleep = sleepObjection(effects);
  if (asleep !== undefined) return asleep;
  const own = effectsOf(host.rootlet, host.rootlet.symbols.indexOf(host.main));
  if (effects.changesPacket !== null && own.changesPacket === null)
    return 'it changes packets, and the program that it replaces does not';
  return arrayObjection(pair) ?? spellingObjection(pair) ?? prototypeObjection(pair);
}

/** The kernel recognizes a context by the name of its struct alone, on both sides. */
function spellingObjection({ host, slot, component, program }: Pair): string | undefined {
  const progType = typeOfProgram(host.rootlet, host.main)?.progType;
  for (const [object, symbol] of [[host.rootlet, slot] as const, [component, program] as const]) {
    const objection = replacementObjection(signatureIn(object, symbol, progType));
    if (objection !== undefined) return `${quote(symbol.name)}: ${objection}`;
  }
  return undefined;
}

/**
 * Entry points are spelled in many ways; the kernel compares them like any other function that is replaced.
 */
function prototypeObjection({ host, slot, component, program }: Pair): string | undefined {
  if (host.rootlet.btf === null || component.btf === null) return undefined;
  const mismatch = comparePrototypes(
    { btf: host.rootlet.btf, func: slot.btfId },
    { btf: component.btf, func: program.btfId },
    { progType: typeOfProgram(host.rootlet, host.main)?.progType, strict: true },
  );
  if (mismatch === null) return undefined;
  const path = mismatch.path === '' ? '' : `${mismatch.path}: `;
  return `a replacement must have the same prototype: ${path}${mismatch.left} and ${mismatch.right}`;
}
