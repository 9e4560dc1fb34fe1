/** Reduces a failing model: operations and second definitions are removed as long as it still fails. */

import type { FunctionEntity, Model, Op } from './model.ts';

/** Longest list of attempts; each one builds and runs the model. */
const ATTEMPTS = 400;

export function shrink(model: Model, fails: (candidate: Model) => boolean): Model {
  let current = model;
  let left = ATTEMPTS;
  for (let changed = true; changed && left > 0; ) {
    changed = false;
    for (const candidate of smaller(current)) {
      if (left-- <= 0) break;
      if (!fails(candidate)) continue;
      current = candidate;
      changed = true;
      break;
    }
  }
  return current;
}

/** Models with one thing less; what takes away most comes first. */
function* smaller(model: Model): Generator<Model> {
  const withFunction = (id: number, change: Partial<FunctionEntity>): Model => ({
    ...model,
    functions: model.functions.map(entity => (entity.id === id ? { ...entity, ...change } : entity)),
  });
  for (const { id, ops } of model.functions) if (ops.length > 0) yield withFunction(id, { ops: [] });
  for (const { id, ops } of model.functions)
    for (const fewer of shorter(ops)) yield withFunction(id, { ops: fewer });
  for (const { id, weakIn, repeatedIn } of model.functions)
    if (weakIn.length + repeatedIn.length > 0) yield withFunction(id, { weakIn: [], repeatedIn: [] });
}

function* shorter(ops: readonly Op[]): Generator<readonly Op[]> {
  for (const [at, op] of ops.entries()) {
    const [before, after] = [ops.slice(0, at), ops.slice(at + 1)];
    yield [...before, ...after];
    if (op.kind === 'window')
      for (const one of op.accesses.keys())
        yield [...before, { ...op, accesses: op.accesses.filter((_, index) => index !== one) }, ...after];
    if ('body' in op) yield [...before, ...op.body, ...after];
  }
}
