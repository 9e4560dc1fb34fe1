/**
 * References of code into the middle of a definition that another definition may override.
 *
 * The valid range of an extern is unknown before its definition is chosen, and the chosen definition may be
 * smaller than the overridden one: the reference would then read beyond the variable.
 */

import { elementAt } from '../../bytes/index.ts';
import { counted, type Problem, problem, quote } from '../../diag/index.ts';
import { ATOM, GROUP, REFERENCE } from '../../image/index.ts';
import type { BpfObject, BpfSymbol } from '../../object/index.ts';
import * as kernels from './checks.kernel.ts';
import { faultsOf, RowPlaces } from './columns.ts';
import { LINK_FAULT } from './faults.ts';
import type { Resolution } from './resolve.ts';
import { symbolAt } from './symbol-at.ts';

/** References beyond the end of the chosen definition, in order of inputs. */
export function addendProblems(objects: readonly BpfObject[], { columns }: Resolution): Problem[] {
  const { image, request } = columns;
  const faults = faultsOf(image, LINK_FAULT.addend, () => image.run(kernels).findAddends(request));
  if (faults.length === 0) return [];
  const places = new RowPlaces(columns);
  return faults.map(({ a: user, b: reference }) => {
    const target = image.get(REFERENCE.atom, reference);
    const winner = symbolAt(objects, places.at(image.get(GROUP.winner, image.get(ATOM.group, target))));
    const at = places.at(user);
    const object = elementAt(objects, at.file);
    return tooFar(object, symbolAt(objects, at), winner, image.get(REFERENCE.addend, reference));
  });
}

function tooFar(object: BpfObject, symbol: BpfSymbol, target: BpfSymbol, addend: number): Problem {
  const size = target.kind === 'variable' ? `, which has ${counted(target.size, 'byte')}` : '';
  return problem(
    'link-addend',
    [object.name, quote(symbol.name)],
    `refers to byte ${addend} of ${target.kind} ${quote(target.name)}${size}`,
  );
}
