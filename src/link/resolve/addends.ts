/**
 * References of code into the middle of a definition that another definition may override.
 *
 * The valid range of an extern is unknown before its definition is chosen, and the chosen definition may be
 * smaller than the overridden one: the reference would then read beyond the variable.
 */

import { elementAt } from '../../bytes/index.ts';
import { counted, type Problem, problem, quote } from '../../diag/index.ts';
import type { BpfObject, BpfSymbol } from '../../object/index.ts';
import { groupAt, type Resolution } from './resolve.ts';
import { symbolAt } from './symbol-at.ts';

/** References beyond the end of the chosen definition, in order of inputs. */
export function addendProblems(objects: readonly BpfObject[], resolution: Resolution): Problem[] {
  const problems: Problem[] = [];
  objects.forEach((object, file) => {
    for (const symbol of object.symbols) {
      if (symbol.kind !== 'function' || symbol.references.every(reference => reference.addend === 0))
        continue;
      problems.push(...problemsIn(objects, resolution, file, symbol));
    }
  });
  return problems;
}

function problemsIn(
  objects: readonly BpfObject[],
  resolution: Resolution,
  file: number,
  symbol: BpfSymbol,
): Problem[] {
  const object = elementAt(objects, file);
  if (symbol.kind !== 'function') return [];
  return symbol.references.flatMap(reference => {
    if (reference.addend === 0) return [];
    const group = groupAt(resolution, { file, index: reference.symbol });
    if (group === undefined || !group.defined || group.clashing.length > 0) return [];
    if (group.winner.file === file && group.winner.index === reference.symbol) return [];
    const winner = symbolAt(objects, group.winner);
    if (reaches(winner, reference.addend)) return [];
    return [tooFar(object, symbol, winner, reference.addend)];
  });
}

/** One past the end is a valid address in C. */
function reaches(target: BpfSymbol, addend: number): boolean {
  return target.kind === 'variable' && addend > 0 && addend <= target.size;
}

function tooFar(object: BpfObject, symbol: BpfSymbol, target: BpfSymbol, addend: number): Problem {
  const size = target.kind === 'variable' ? `, which has ${counted(target.size, 'byte')}` : '';
  return problem(
    'link-addend',
    [object.name, quote(symbol.name)],
    `refers to byte ${addend} of ${target.kind} ${quote(target.name)}${size}`,
  );
}
