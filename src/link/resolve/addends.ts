/**
 * References of code into the middle of something that turns out to be another thing.
 *
 * How far into an extern code may reach, nobody can say before its definition is known; and a definition that overrides
 * another may be smaller. What would then be read is not part of the variable any more.
 */

import { type Problem, problem, quote } from '../../diag/index.ts';
import type { BpfObject, BpfSymbol } from '../../object/index.ts';
import { symbolAt } from './problems.ts';
import type { Resolution } from './resolve.ts';

/** References that lie beyond the end of the definition that was chosen, in order of inputs. */
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
  const object = objects[file];
  if (object === undefined || symbol.kind !== 'function') return [];
  return symbol.references.flatMap(reference => {
    if (reference.addend === 0) return [];
    const group = resolution.groups[resolution.groupOf[file]?.[reference.symbol] ?? -1];
    if (group === undefined || !group.defined) return [];
    if (group.winner.file === file && group.winner.index === reference.symbol) return [];
    const winner = symbolAt(objects, group.winner);
    if (winner === undefined || reaches(winner, reference.addend)) return [];
    return [tooFar(object, symbol, winner, reference.addend)];
  });
}

/** One past the end is an address that C knows. */
function reaches(target: BpfSymbol, addend: number): boolean {
  return target.kind === 'variable' && addend > 0 && addend <= target.size;
}

function tooFar(object: BpfObject, symbol: BpfSymbol, target: BpfSymbol, addend: number): Problem {
  const size = target.kind === 'variable' ? `, which has ${target.size} bytes` : '';
  return problem(
    'link-addend',
    [object.name, quote(symbol.name)],
    `refers to byte ${addend} of ${target.kind} ${quote(target.name)}${size}`,
  );
}
