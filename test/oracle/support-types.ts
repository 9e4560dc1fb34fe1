/**
 * Types as a graph of labels, whoever read them, and whether two graphs say the same.
 *
 * A label holds everything about a type but the ids of the types that it refers to; those are `refs`, in a fixed order.
 * Two types are the same when labels and declaration tags are, and so on through all references; circles are followed
 * once.
 */

import type { Btf, BtfType } from '../../src/btf/model/types.ts';

export interface TypeNode {
  readonly label: string;
  readonly refs: readonly number[];
}

export interface TypeGraph {
  /** Null for void. */
  node(id: number): TypeNode | null;
  /** Declaration tags on the type and its components, sorted. */
  tags(id: number): readonly string[];
}

/** The first difference of two types, as a path and both sides; null when there is none. */
export function differenceOfTypes(
  left: TypeGraph,
  leftId: number,
  right: TypeGraph,
  rightId: number,
): { readonly left: string; readonly right: string } | null {
  const seen = new Set<string>();
  const work = [{ a: leftId, b: rightId, path: '' }];
  for (let pair = work.pop(); pair !== undefined; pair = work.pop()) {
    const key = `${pair.a}:${pair.b}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const [a, b] = [left.node(pair.a), right.node(pair.b)];
    const path = `${pair.path}/${shortLabel(a)}`;
    const [labelA, labelB] = [describe(left, a, pair.a), describe(right, b, pair.b)];
    if (labelA !== labelB) return { left: `${pair.path}/${labelA}`, right: `${pair.path}/${labelB}` };
    a?.refs.forEach((ref, index) => {
      work.push({ a: ref, b: b?.refs[index] ?? 0, path });
    });
  }
  return null;
}

function describe(graph: TypeGraph, node: TypeNode | null, id: number): string {
  if (node === null) return 'void';
  const tags = graph.tags(id);
  return tags.length === 0 ? node.label : `${node.label} [${tags.join(', ')}]`;
}

function shortLabel(node: TypeNode | null): string {
  return node === null ? 'void' : node.label.split(' ').slice(0, 2).join(' ');
}

// --- as our reader sees them --------------------------------------------------------------------------------------

/** `renamed`: new name → old name of static functions. */
export function graphOfBtf(btf: Btf, renamed: ReadonlyMap<string, string> = new Map()): TypeGraph {
  const tags = new TagTable();
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind === 'decl_tag') tags.add(type.type, type.name, type.component);
  }
  return {
    node: id => (id === 0 ? null : nodeOf(btf.type(id), renamed)),
    tags: id => tags.of(id),
  };
}

/** Declaration tags by what they tag. */
export class TagTable {
  readonly #tags = new Map<number, string[]>();

  add(target: number, name: string, component: number): void {
    const known = this.#tags.get(target) ?? [];
    known.push(`${name}@${component}`);
    this.#tags.set(target, known.sort());
  }

  of(id: number): readonly string[] {
    return this.#tags.get(id) ?? [];
  }
}

function nodeOf(type: BtfType, renamed: ReadonlyMap<string, string>): TypeNode {
  switch (type.kind) {
    case 'int': {
      const encoding = type.signed ? 'SIGNED' : type.char ? 'CHAR' : type.bool ? 'BOOL' : '(none)';
      return { label: `INT ${type.name} ${type.size} ${type.bitOffset} ${type.bits} ${encoding}`, refs: [] };
    }
    case 'float':
      return { label: `FLOAT ${type.name} ${type.size}`, refs: [] };
    case 'array':
      return { label: `ARRAY ${type.length}`, refs: [type.element, type.index] };
    case 'struct':
    case 'union': {
      const members = type.members.map(member => `${member.name}@${member.bitOffset}:${member.bitSize}`);
      return {
        label: `${type.kind.toUpperCase()} ${type.name} ${type.size} {${members.join(' ')}}`,
        refs: type.members.map(member => member.type),
      };
    }
    case 'enum':
    case 'enum64': {
      // bpftool shows negative numbers as large ones.
      const values = type.values.map(value => `${value.name}=${BigInt.asUintN(type.size * 8, value.value)}`);
      return {
        label: `${type.kind.toUpperCase()} ${type.name} ${type.size} {${values.join(' ')}}`,
        refs: [],
      };
    }
    case 'fwd':
      return { label: `FWD ${type.name} ${type.union ? 'union' : 'struct'}`, refs: [] };
    case 'func_proto': {
      const names = type.params.map(param => param.name);
      return {
        label: `FUNC_PROTO (${names.join(',')})`,
        refs: [type.returns, ...type.params.map(param => param.type)],
      };
    }
    case 'func':
    case 'var':
      return {
        label: `${type.kind.toUpperCase()} ${oldName(type.name, type.linkage, renamed)} ${type.linkage}`,
        refs: [type.type],
      };
    case 'typedef':
    case 'type_tag':
      return { label: `${type.kind.toUpperCase()} ${type.name}`, refs: [type.type] };
    case 'decl_tag':
      return { label: `DECL_TAG ${type.name} ${type.component}`, refs: [type.type] };
    case 'ptr':
    case 'const':
    case 'volatile':
    case 'restrict':
      return { label: type.kind.toUpperCase(), refs: [type.type] };
    case 'datasec':
      return { label: `DATASEC ${type.name}`, refs: type.vars.map(entry => entry.type) };
  }
}

function oldName(name: string, linkage: string | undefined, renamed: ReadonlyMap<string, string>): string {
  return linkage === 'static' ? (renamed.get(name) ?? name) : name;
}

// --- as bpftool sees them -----------------------------------------------------------------------------------------

/** One type of `bpftool -j btf dump file`; which fields there are depends on the kind. */
export interface DumpedType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly type_id?: number;
  readonly size?: number;
  readonly bits_offset?: number;
  readonly nr_bits?: number;
  readonly encoding?: string;
  readonly nr_elems?: number;
  readonly index_type_id?: number;
  readonly members?: readonly {
    readonly name: string;
    readonly type_id: number;
    readonly bits_offset: number;
    readonly bitfield_size?: number;
  }[];
  /** Numbers as text. */
  readonly values?: readonly { readonly name: string; readonly val: string }[];
  readonly params?: readonly { readonly name: string; readonly type_id: number }[];
  readonly ret_type_id?: number;
  readonly linkage?: string;
  readonly fwd_kind?: string;
  readonly component_idx?: number;
  readonly vars?: readonly { readonly type_id: number; readonly offset: number; readonly size: number }[];
}

export function graphOfDump(
  types: readonly DumpedType[],
  renamed: ReadonlyMap<string, string> = new Map(),
): TypeGraph {
  const byId = new Map(types.map(type => [type.id, type]));
  const tags = new TagTable();
  for (const type of types)
    if (type.kind === 'DECL_TAG') tags.add(type.type_id ?? 0, type.name, type.component_idx ?? -1);
  return {
    node: id => {
      const type = byId.get(id);
      return type === undefined ? null : nodeOfDump(type, renamed);
    },
    tags: id => tags.of(id),
  };
}

function plain(name: string): string {
  return name === '(anon)' ? '' : name;
}

function nodeOfDump(type: DumpedType, renamed: ReadonlyMap<string, string>): TypeNode {
  const name = oldName(plain(type.name), type.linkage, renamed);
  const one = [type.type_id ?? 0];
  switch (type.kind) {
    case 'INT':
      return {
        label: `INT ${name} ${type.size} ${type.bits_offset} ${type.nr_bits} ${type.encoding}`,
        refs: [],
      };
    case 'FLOAT':
      return { label: `FLOAT ${name} ${type.size}`, refs: [] };
    case 'ARRAY':
      return { label: `ARRAY ${type.nr_elems}`, refs: [...one, type.index_type_id ?? 0] };
    case 'STRUCT':
    case 'UNION': {
      const members = type.members ?? [];
      const texts = members.map(
        member => `${plain(member.name)}@${member.bits_offset}:${member.bitfield_size ?? 0}`,
      );
      return {
        label: `${type.kind} ${name} ${type.size} {${texts.join(' ')}}`,
        refs: members.map(member => member.type_id),
      };
    }
    case 'ENUM':
    case 'ENUM64': {
      const values = (type.values ?? []).map(
        value => `${value.name}=${BigInt.asUintN((type.size ?? 0) * 8, BigInt(value.val))}`,
      );
      return { label: `${type.kind} ${name} ${type.size} {${values.join(' ')}}`, refs: [] };
    }
    case 'FWD':
      return { label: `FWD ${name} ${type.fwd_kind}`, refs: [] };
    case 'FUNC_PROTO': {
      const params = type.params ?? [];
      return {
        label: `FUNC_PROTO (${params.map(param => plain(param.name)).join(',')})`,
        refs: [type.ret_type_id ?? 0, ...params.map(param => param.type_id)],
      };
    }
    case 'FUNC':
    case 'VAR':
      return { label: `${type.kind} ${name} ${plainLinkage(type.linkage)}`, refs: one };
    case 'TYPEDEF':
    case 'TYPE_TAG':
      return { label: `${type.kind} ${name}`, refs: one };
    case 'DECL_TAG':
      return { label: `DECL_TAG ${name} ${type.component_idx}`, refs: one };
    case 'DATASEC':
      return { label: `DATASEC ${name}`, refs: (type.vars ?? []).map(entry => entry.type_id) };
    default:
      return { label: type.kind, refs: one };
  }
}

function plainLinkage(linkage: string | undefined): string {
  return linkage === 'global-alloc' ? 'global' : (linkage ?? '');
}
