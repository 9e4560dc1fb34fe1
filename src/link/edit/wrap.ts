/**
 * Wrapping, as `ld --wrap` does: references to a function or variable go to a replacement, which can still
 * reach the original.
 *
 * Only undefined references are redirected: `NAME` becomes `__wrap_NAME`, and `__real_NAME` becomes `NAME`.
 * References in the file that defines NAME are kept.
 */

import { didYouMean, type Problem, problem, quote } from '../../diag/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { badName, type Edited, renameAll } from './rename.ts';

const WRAPPED = '__wrap_';
const REAL = '__real_';

/** Redirects the externs of an object. A name that no extern has is a problem. */
export function wrapSymbols(object: BpfObject, names: readonly string[]): Edited {
  const externs = externNames(object);
  const problems = names.flatMap((name): Problem[] => {
    const bad = badName(object.name, name);
    if (bad !== null) return [bad];
    return mentionsWrapped(object, name) ? [] : [nothingToWrap(object, name, externs)];
  });
  if (problems.length > 0) return { object, problems, notes: [] };
  const table = wrapTable(names);
  return renameAll(object, symbol =>
    symbol.kind === 'extern' ? (table.get(symbol.name) ?? symbol.name) : symbol.name,
  );
}

function wrapTable(names: readonly string[]): Map<string, string> {
  return new Map(
    names.flatMap(name => [
      [name, `${WRAPPED}${name}`],
      [`${REAL}${name}`, name],
    ]),
  );
}

/** Whether wrapping `name` changes anything in the object. */
export function mentionsWrapped(object: BpfObject, name: string): boolean {
  return object.symbols.some(
    symbol => symbol.kind === 'extern' && (symbol.name === name || symbol.name === `${REAL}${name}`),
  );
}

/** `object` is null when all inputs were looked at. */
export function nothingToWrap(
  object: { readonly name: string } | null,
  name: string,
  externs: readonly string[],
): Problem {
  return problem(
    'link-unknown-symbol',
    object === null ? [] : [object.name],
    `cannot wrap ${quote(name)}: no input declares it extern`,
    {
      subject: name,
      ...didYouMean(name, externs, 'references inside the file that defines a name are not redirected'),
    },
  );
}

export function externNames(object: BpfObject): string[] {
  return object.symbols.flatMap(symbol => (symbol.kind === 'extern' ? [symbol.name] : []));
}
