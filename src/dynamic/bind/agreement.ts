/**
 * Whether a consumer's declaration and a provider's definition agree.
 *
 * They were compiled separately, and the kernel compares less than C does: no layout of structs, no
 * signedness, no width of results, no tags. All of that is compared here.
 */

import { compareTagSets, compareTypes, TagIndex, type TypeMismatch, toRaw } from '../../btf/index.ts';
import { type Problem, problem, quote } from '../../diag/index.ts';
import { agreedContexts, describeDefinition, disagreement, uncheckedPairs } from '../../link/index.ts';
import {
  type BpfObject,
  CONTEXT_TAG,
  parseMapDefinition,
  type SymbolIndex,
  symbolOf,
} from '../../object/index.ts';
import { callersOf, commonProgType } from './callers.ts';
import type { Found } from './found.ts';

/** A symbol of an object. */
export interface SymbolOf {
  readonly object: BpfObject;
  readonly index: SymbolIndex;
}

/** The mismatch of a definition and a declaration, both sides as C; null if they agree. */
export function bindingProblem(definition: SymbolOf, declaration: SymbolOf): Problem | null {
  const objects = [definition.object, declaration.object];
  const [winner, other] = [
    { file: 0, index: definition.index },
    { file: 1, index: declaration.index },
  ];
  const agreed = contextsOf(definition, declaration);
  const loose = disagreement(objects, winner, other, { renamed: true, agreed });
  if (loose !== null) return loose;
  const mismatch = strictMismatch(definition, declaration, agreed);
  if (mismatch === null) return null;
  const name = symbolOf(declaration.object, declaration.index).name;
  const place = mismatch.path === '' ? '' : `${mismatch.path}: `;
  return problem(
    'dynamic-type-mismatch',
    [declaration.object.name],
    `${quote(name)} does not agree with its definition in ${definition.object.name}: ${place}${mismatch.right} here, ${mismatch.left} there`,
    { subject: name, details: [describeDefinition(objects, winner), describeDefinition(objects, other)] },
  );
}

/** Notes on externs whose types could not be compared with those of their definitions. */
export function uncheckedBindings(consumer: BpfObject, found: readonly Found[]): string[] {
  const objects = [consumer, ...found.map(({ provider }) => ({ ...provider.object, name: provider.name }))];
  return uncheckedPairs(
    objects,
    found.map(({ extern, target }, at) => [
      { file: at + 1, index: target.index },
      { file: 0, index: extern },
    ]),
  );
}

/** Parameters (from 0) that are the context of the calling programs on both sides; the kernel lays it out. */
function contextsOf(definition: SymbolOf, declaration: SymbolOf): ReadonlySet<number> {
  const [left, right] = [definition, declaration].map(({ object, index }) => {
    const func = symbolOf(object, index).btfId;
    return object.btf === null ? undefined : { btf: object.btf, func };
  });
  if (left === undefined || right === undefined) return new Set();
  const progType = commonProgType(callersOf(declaration.object, declaration.index));
  return agreedContexts(left, right, { progType });
}

/** Tags for rootlet are not part of the interface. */
const OWN_TAG = 'rootlet:';

function strictMismatch(
  definition: SymbolOf,
  declaration: SymbolOf,
  agreed: ReadonlySet<number>,
): TypeMismatch | null {
  const [left, right] = [definition, declaration].map(({ object, index }) => {
    const symbol = symbolOf(object, index);
    const type = object.btf === null || symbol.btfId === 0 ? undefined : object.btf.type(symbol.btfId);
    return { object, symbol, type };
  });
  if (left?.object.btf == null || right?.object.btf == null) return null;
  if (left.symbol.kind === 'map') return mapMismatch(definition, declaration);
  const [a, b] = [left.type, right.type];
  if (a === undefined || b === undefined) return null;
  if ((a.kind !== 'func' && a.kind !== 'var') || a.kind !== b.kind) return null;
  const tags = compareTagSets(
    foreignTags(left.object, left.symbol.btfId, agreed),
    foreignTags(right.object, right.symbol.btfId, agreed),
  );
  if (tags !== null) return { path: '', ...tags };
  return compareTypes(left.object.btf, a.type, right.object.btf, b.type, { strict: true, agreed });
}

function foreignTags(object: BpfObject, id: number, agreed: ReadonlySet<number>): string[] {
  if (object.btf === null) return [];
  const ofContexts = new Set([...agreed].map(at => `${CONTEXT_TAG} (parameter ${at + 1})`));
  const tags = new TagIndex(toRaw(object.btf)).declTags(id);
  return tags.filter(tag => !tag.startsWith(OWN_TAG) && !ofContexts.has(tag));
}

/** Keys and values, whose layout a map definition fixes for both sides. */
function mapMismatch(definition: SymbolOf, declaration: SymbolOf): TypeMismatch | null {
  const [left, right] = [definition, declaration].map(({ object, index }) => {
    const symbol = object.symbols[index];
    return symbol?.kind === 'map' || symbol?.kind === 'extern'
      ? { btf: object.btf, map: parseMapDefinition(object, symbol) }
      : undefined;
  });
  if (left?.btf == null || right?.btf == null) return null;
  for (const field of ['keyType', 'valueType'] as const) {
    const [a, b] = [left.map[field], right.map[field]];
    if (a === 0 || b === 0) continue;
    const mismatch = compareTypes(left.btf, a, right.btf, b, { strict: true });
    const what = field === 'keyType' ? 'key' : 'value';
    if (mismatch !== null)
      return { ...mismatch, path: mismatch.path === '' ? what : `${what}: ${mismatch.path}` };
  }
  return null;
}
