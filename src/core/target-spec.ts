/**
 * The same path in a type of the target, found by member names.
 *
 * Mirrors bpf_core_spec_match() of libbpf: members are looked for by name, also in anonymous structs and
 * unions, and must have compatible types; array indexes must be inside the target's array.
 */

import {
  type Btf,
  type BtfId,
  type BtfMember,
  type RawBtf,
  sizeOfType,
  skipModifiers,
} from '../btf/index.ts';
import { elementAt } from '../bytes/index.ts';
import { bugError, inputError, quote, type RootletError } from '../diag/index.ts';
import { BPF_CORE_TYPE_MATCHES } from '../uapi/index.ts';
import { fieldsCompatible, typesCompatible, typesMatch } from './compat.ts';
import { isEnumKind, isTypeKind } from './kinds.ts';
import { essentialName, type TypeFinder } from './names.ts';
import { type Accessor, type AccessSpec, isFlexible, MAX_SPEC_LENGTH, memberOf } from './spec.ts';

/**
 * The spec in `types` that starts at `root`, or null when the path does not exist there. Throws `core-access` when it
 * takes more steps than libbpf and the kernel follow.
 */
export function matchSpec(
  local: AccessSpec,
  types: TypeFinder,
  root: BtfId,
  kind: number,
): AccessSpec | null {
  const target = types.btf;
  if (isTypeKind(kind)) {
    const same =
      kind === BPF_CORE_TYPE_MATCHES
        ? typesMatch(local.btf, local.root, target, root)
        : typesCompatible(local.btf, local.root, target, root);
    return same ? { btf: target, root, accessors: [], raw: [0], bitOffset: 0 } : null;
  }
  return isEnumKind(kind) ? matchEnumerator(local, target, root) : matchField(local, types, root);
}

function matchEnumerator(local: AccessSpec, target: Btf, root: BtfId): AccessSpec | null {
  const id = skipModifiers(target, root);
  const type = id === 0 ? undefined : target.type(id);
  if (type?.kind !== 'enum' && type?.kind !== 'enum64') return null;
  const { name } = elementAt(local.accessors, 0);
  if (name === undefined) return null;
  const wanted = essentialName(name);
  const index = type.values.findIndex(value => essentialName(value.name) === wanted);
  if (index < 0) return null;
  const accessor = { type: id, index, name: type.values[index]?.name };
  return { btf: target, root, accessors: [accessor], raw: [index], bitOffset: 0 };
}

/** A path while it is being followed. */
interface Walk {
  readonly types: TypeFinder;
  readonly target: RawBtf;
  readonly accessors: Accessor[];
  readonly raw: number[];
  bitOffset: number;
  /** Type that the next step goes into. */
  current: BtfId;
}

function matchField(local: AccessSpec, types: TypeFinder, root: BtfId): AccessSpec | null {
  const target = types.btf;
  const current = skipModifiers(target, root);
  const walk: Walk = { types, target, accessors: [], raw: [], bitOffset: 0, current };
  for (const [position, accessor] of local.accessors.entries()) {
    const found =
      accessor.name === undefined
        ? stepElement(walk, accessor, position)
        : stepMember(walk, local.btf, accessor);
    if (!found) return null;
  }
  return { btf: target, root, accessors: walk.accessors, raw: walk.raw, bitOffset: walk.bitOffset };
}

/** The first step indexes the type itself as if it were an array; later ones need an array. */
function stepElement(walk: Walk, accessor: Accessor, position: number): boolean {
  const { target } = walk;
  if (position > 0) {
    const array = walk.current === 0 ? undefined : target.type(walk.current);
    if (array?.kind !== 'array') return false;
    if (accessor.index >= array.length && !isFlexible(target, walk.accessors.at(-1), array.length))
      return false;
    walk.current = skipModifiers(target, array.element);
  }
  if (walk.current === 0) return false;
  if (walk.raw.length === MAX_SPEC_LENGTH) throw tooDeep(`element ${accessor.index}`);
  walk.accessors.push({ type: walk.current, index: accessor.index, name: undefined });
  walk.raw.push(accessor.index);
  walk.bitOffset += accessor.index * (accessor.index === 0 ? 0 : sizeOfType(target, walk.current)) * 8;
  return true;
}

function stepMember(walk: Walk, local: Btf, accessor: Accessor): boolean {
  const wanted = memberOf(local, accessor);
  if (wanted === undefined || accessor.name === undefined) return false;
  const hit = findMember(walk, accessor.name);
  if (hit === null) return false;
  if (!fieldsCompatible(local, wanted.type, walk.target, hit.member.type)) return false;
  walk.raw.push(...hit.path);
  walk.bitOffset += hit.bitOffset;
  walk.accessors.push({
    type: hit.owner,
    index: elementAt(hit.path, hit.path.length - 1),
    name: hit.member.name,
  });
  walk.current = skipModifiers(walk.target, hit.member.type);
  return true;
}

/** As in libbpf: not that the path does not exist, which a program may ask for. */
function tooDeep(what: string): RootletError {
  return inputError(
    'core-access',
    [],
    `the search for ${what} takes more than ${MAX_SPEC_LENGTH} steps there`,
  );
}

interface Hit {
  readonly member: BtfMember;
  readonly owner: BtfId;
  readonly path: readonly number[];
  readonly bitOffset: number;
}

/** First member of that name, in order of declaration, anonymous composites entered where they are. */
function findMember({ types, current, raw }: Walk, name: string): Hit | null {
  const path = types.memberPath(current, name, MAX_SPEC_LENGTH - raw.length);
  if (path === undefined) return null;
  if (path === null) throw tooDeep(`member ${quote(name)}`);
  let owner = current;
  let member = memberAt(types.btf, owner, elementAt(path, 0));
  let bitOffset = member.bitOffset;
  for (const index of path.slice(1)) {
    owner = skipModifiers(types.btf, member.type);
    member = memberAt(types.btf, owner, index);
    bitOffset += member.bitOffset;
  }
  return { member, owner, path, bitOffset };
}

function memberAt(btf: RawBtf, composite: BtfId, index: number): BtfMember {
  const member = btf.memberOf(composite, index);
  if (member === undefined) throw bugError([], `type ${composite} has no member ${index}`);
  return member;
}
