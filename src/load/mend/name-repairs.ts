/** Names that are not C identifiers, and enumerators without one. */

import type { BtfId, BtfType } from '../../btf/index.ts';
import type { Names } from './names.ts';
import type { Types } from './repair-kinds.ts';

/** Enumerators have a name. */
export function repairEnumerators(types: Types, id: BtfId): void {
  const type = types.type(id);
  if ((type.kind !== 'enum' && type.kind !== 'enum64') || type.values.every(({ name }) => name !== ''))
    return;
  const values = type.values.map((value, at) =>
    value.name === '' ? { ...value, name: `value${at + 1}` } : value,
  );
  types.repair('enumerator-name', id, { ...type, values }, type.name || id);
}

/** All names of one type, as the kernel takes them. */
export function repairNames(types: Types, id: BtfId, names: Names): void {
  const type = types.type(id);
  let example: { readonly from: string; readonly to: string } | undefined;
  const named = withNames(type, (name, use) => {
    const found = name === '' ? name : names.of(name, use);
    if (found !== name) example ??= { from: name, to: found };
    return found;
  });
  if (example !== undefined) types.repair('name', id, named, example);
}

type Rename = (name: string, use: 'identifier' | 'section') => string;

/** The kernel does not look at names of integers, floating point types and tags. */
function withNames(type: BtfType, rename: Rename): BtfType {
  switch (type.kind) {
    case 'struct':
    case 'union': {
      const name = rename(type.name, 'identifier');
      return { ...type, name, members: renamed(type.members, rename) };
    }
    case 'enum':
    case 'enum64': {
      const name = rename(type.name, 'identifier');
      return { ...type, name, values: renamed(type.values, rename) };
    }
    case 'func_proto':
      return { ...type, params: renamed(type.params, rename) };
    case 'fwd':
    case 'typedef':
    case 'func':
    case 'var':
      return { ...type, name: rename(type.name, 'identifier') };
    case 'datasec':
      return { ...type, name: rename(type.name, 'section') };
    case 'decl_tag':
      return { ...type, name: renamedTag(type.name, rename) };
    default:
      return type;
  }
}

function renamed<T extends { readonly name: string }>(elements: readonly T[], rename: Rename): T[] {
  return elements.map(element => ({ ...element, name: rename(element.name, 'identifier') }));
}

const CONTAINS = 'contains:';
const CALLBACK = 'exception_callback:';

/** Tags that name a type, a member or a function follow its name. */
function renamedTag(tag: string, rename: Rename): string {
  if (tag.startsWith(CALLBACK)) return `${CALLBACK}${rename(tag.slice(CALLBACK.length), 'identifier')}`;
  if (!tag.startsWith(CONTAINS)) return tag;
  const colon = tag.lastIndexOf(':');
  if (colon < CONTAINS.length) return tag;
  const type = rename(tag.slice(CONTAINS.length, colon), 'identifier');
  return `${CONTAINS}${type}:${rename(tag.slice(colon + 1), 'identifier')}`;
}
