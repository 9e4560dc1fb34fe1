/** Repairs of what declares: prototypes, functions, variables, data sections, tags. */

import { type BtfId, type BtfSecVar, type BtfType, isEllipsis, isModifier } from '../../btf/index.ts';
import type { Types } from './repair-kinds.ts';

/** A result without a size is void; parameters have a size. */
export function repairPrototype(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'func_proto') return;
  const returns = types.sizeOf(type.returns) === undefined ? 0 : type.returns;
  if (returns !== type.returns) types.repair('result', id, { ...type, returns }, id);
  const params = type.params.map((param, at) =>
    isEllipsis(type, at) || types.sizeOf(param.type) !== undefined
      ? param
      : { ...param, type: types.integer(8, false) },
  );
  if (params.every((param, at) => param === type.params[at])) return;
  types.repair('parameter', id, { ...type, returns, params }, id);
}

/**
 * The kernel checks a global function with what BTF says of its parameters. References of C++ are void there:
 * such a function is checked with each call, as every function is without BTF. Before prototypes.
 */
export function repairGlobalFunction(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'func' || type.linkage !== 'global') return;
  const proto = type.type === 0 ? undefined : types.type(type.type);
  if (proto?.kind !== 'func_proto') return;
  const isOpaque = proto.params.some(
    (param, at) => !isEllipsis(proto, at) && types.sizeOf(param.type) === undefined,
  );
  if (isOpaque) types.repair('global-function', id, { ...type, linkage: 'static' }, type.name || id);
}

/** Functions have a name, and so have the parameters of a function; those of other prototypes need none. */
export function repairFunction(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'func') return;
  if (type.name === '') types.repair('function-name', id, { ...type, name: 'anonymous' }, id);
  const proto = type.type === 0 ? undefined : types.type(type.type);
  if (proto?.kind !== 'func_proto') return;
  if (proto.params.every(param => param.name !== '' || param.type === 0)) return;
  const params = proto.params.map((param, at) =>
    param.name === '' && param.type !== 0 ? { ...param, name: `arg${at + 1}` } : param,
  );
  types.repair('parameter-name', type.type, { ...proto, params }, type.name);
}

/** A variable has a type with a size. */
export function repairVariable(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'var' || types.sizeOf(type.type) !== undefined) return;
  types.repair('variable', id, { ...type, type: types.integer(1, false) }, type.name);
}

/** Variables of a section come one after the other, and have at least the bytes of their type. */
export function repairSection(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'datasec') return;
  const sorted = [...type.vars].sort((a, b) => a.offset - b.offset);
  let end = 0;
  const vars = sorted.filter(entry => {
    if (!isPossibleEntry(types, entry, end, type.size)) return false;
    end = entry.offset + entry.size;
    return true;
  });
  const size = Math.max(type.size, 1);
  if (
    size === type.size &&
    vars.every((entry, at) => entry === type.vars[at]) &&
    vars.length === type.vars.length
  )
    return;
  const [dropped = type.name] = type.vars
    .filter(entry => !vars.includes(entry))
    .map(entry => types.nameOf(entry.type));
  types.repair('section-entry', id, { ...type, size, vars }, dropped);
}

function isPossibleEntry(types: Types, entry: BtfSecVar, from: number, sectionSize: number): boolean {
  const { type: id, offset, size } = entry;
  if (offset < from || size === 0 || offset + size > sectionSize || types.type(id).kind !== 'var')
    return false;
  const needed = types.sizeOf(id);
  return needed !== undefined && needed <= size;
}

/** Tags of a type come before all that qualifies or names it; for a pointer they are put there. */
export function repairTaggedPointer(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'ptr') return;
  const late = lateTags(types, type.type);
  if (late.length === 0) return;
  const target = late.reduceRight((behind, tag) => types.add({ ...tag, type: behind }), type.type);
  types.follow(id, { ...type, type: target });
}

type TypeTag = Extract<BtfType, { readonly kind: 'type_tag' }>;

/** Tags behind a typedef or qualifier. */
function lateTags(types: Types, first: BtfId): TypeTag[] {
  const late: TypeTag[] = [];
  let qualified = false;
  for (let id = first; id !== 0; ) {
    const type = types.type(id);
    if (!isModifier(type)) break;
    if (type.kind !== 'type_tag') qualified = true;
    else if (qualified) late.push(type);
    id = type.type;
  }
  return late;
}

/** Typedefs and qualifiers of a tagged type are of the type without its tag. */
export function repairQualifiedTag(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (!isModifier(type) || type.kind === 'type_tag') return;
  const [first, behind] = skipTags(types, type.type);
  if (first === undefined) return;
  types.repair('tag-order', id, { ...type, type: behind }, first);
}

/** Name of the first tag, and what the tags are of. */
function skipTags(types: Types, first: BtfId): readonly [string | undefined, BtfId] {
  let name: string | undefined;
  let id = first;
  while (id !== 0) {
    const type = types.type(id);
    if (type.kind !== 'type_tag') break;
    name ??= type.name;
    id = type.type;
  }
  return [name, id];
}
