/**
 * Values of variables in documents: what `--set` takes. Their types are checked where the object is known.
 */

import { refuse, type Shape } from './shape.ts';
import type { YamlNode } from './yaml.ts';

/** A number, text, true or false, a list or a mapping of values; whole numbers are bigint. */
export const variableValue: Shape<unknown> = {
  schema: { type: ['integer', 'number', 'string', 'boolean', 'array', 'object'] },
  read(node, at) {
    return hasEmpty(node) ? refuse(node, at, EXPECTED) : plainValue(node);
  },
};

const EXPECTED = 'a value: a number, text, true, false, a list, or a mapping of fields to values';

function hasEmpty(node: YamlNode): boolean {
  if (node.kind === 'scalar') return node.value === null;
  if (node.kind === 'list') return node.items.some(hasEmpty);
  return node.entries.some(({ value }) => hasEmpty(value));
}

function plainValue(node: YamlNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plainValue);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plainValue(value)]));
}
