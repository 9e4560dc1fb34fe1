/**
 * Components that throw exceptions. Alone, what a program throws is its verdict. As a function of another
 * program it ends that program as a whole: the rest of a chain would not run.
 *
 * Separate from exception callbacks, which are a limit of every program (`object/once.ts`): here the place of
 * the component counts.
 */

import { elementAt } from '../../bytes/index.ts';
import { type Problem, problem, quote } from '../../diag/index.ts';
import { type BpfObject, callGraph, type SymbolIndex, symbolOf } from '../../object/index.ts';
import type { Combined } from '../passes/index.ts';
import { entryAt } from '../resolve/index.ts';
import type { Plug } from './slots.ts';

/** The kfunc that ends a program. */
const THROW = 'bpf_throw';

/** Slots whose component throws, and the function that does. */
interface Throwing {
  readonly slot: string;
  readonly file: string;
  readonly program: string;
  /** The function that calls `bpf_throw`. */
  readonly by: string;
}

function throwing(objects: readonly BpfObject[], combined: Combined, plugs: readonly Plug[]): Throwing[] {
  const { object } = combined;
  if (!object.symbols.some(symbol => symbol.kind === 'extern' && symbol.name === THROW)) return [];
  return plugs.flatMap(({ assignment, program }): Throwing[] => {
    const reached = callGraph(object).reach([entryAt(combined.indexOf, program)]);
    const by = reached.find(at => throws(object, at));
    if (by === undefined) return [];
    const component = elementAt(objects, program.file);
    const names = { program: symbolOf(component, program.index).name, by: symbolOf(object, by).name };
    return [{ slot: assignment.slot, file: component.name, ...names }];
  });
}

function throws(object: BpfObject, at: SymbolIndex): boolean {
  const symbol = object.symbols[at];
  const references = symbol?.kind === 'function' ? symbol.references : [];
  return references.some(({ symbol: target }) => {
    const callee = object.symbols[target];
    return callee?.kind === 'extern' && callee.name === THROW;
  });
}

/** Those in slots of a chain after which others would not run. */
export function thrownProblems(
  objects: readonly BpfObject[],
  combined: Combined,
  plugs: readonly Plug[],
  mustReturn: readonly string[] = [],
): Problem[] {
  if (mustReturn.length === 0) return [];
  return throwing(objects, combined, plugs)
    .filter(({ slot }) => mustReturn.includes(slot))
    .map(({ file, program, by }) =>
      problem(
        'chain-throw',
        [file, `program ${quote(program)}`],
        `${quote(by)} calls ${THROW}, which would end the chain as a whole: what it throws would be the verdict`,
        {
          subject: program,
          hint: 'make it the last component, without --final, or return the verdict instead',
        },
      ),
    );
}

/** Those in slots of other rootlets, whose authors may intend it. */
export function thrownNotes(
  objects: readonly BpfObject[],
  combined: Combined,
  plugs: readonly Plug[],
): string[] {
  return throwing(objects, combined, plugs).map(
    ({ slot, file, by }) =>
      `${file}: ${quote(by)} in slot ${quote(slot)} calls ${THROW}, which ends the program of the rootlet as a whole`,
  );
}
