/**
 * BTF types as readonly values, discriminated by `kind`.
 *
 * A type's id is its position: 0 is `void`, ids of a `Btf` run from 1 to `count`. References between types are ids
 * of the same `Btf`. Names are strings ('' = anonymous).
 *
 * Source: Linux Documentation/bpf/btf.rst and include/uapi/linux/btf.h.
 */

/** Index of a type in its `Btf`; 0 is void. */
export type BtfId = number;

export interface BtfInt {
  readonly kind: 'int';
  readonly name: string;
  /** Bytes of storage. */
  readonly size: number;
  readonly bits: number;
  readonly bitOffset: number;
  readonly signed: boolean;
  readonly char: boolean;
  readonly bool: boolean;
}
export interface BtfPtr {
  readonly kind: 'ptr';
  readonly type: BtfId;
}
export interface BtfArray {
  readonly kind: 'array';
  readonly element: BtfId;
  readonly index: BtfId;
  readonly length: number;
}
export interface BtfMember {
  readonly name: string;
  readonly type: BtfId;
  readonly bitOffset: number;
  /** Width of a bit field, 0 for an ordinary member. */
  readonly bitSize: number;
}
export interface BtfComposite {
  readonly kind: 'struct' | 'union';
  readonly name: string;
  readonly size: number;
  readonly members: readonly BtfMember[];
}
export interface BtfEnumerator {
  readonly name: string;
  /** Sign or zero extended according to `signed`. */
  readonly value: bigint;
}
export interface BtfEnum {
  readonly kind: 'enum' | 'enum64';
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly BtfEnumerator[];
}
export interface BtfFwd {
  readonly kind: 'fwd';
  readonly name: string;
  readonly union: boolean;
}
export interface BtfTypedef {
  readonly kind: 'typedef';
  readonly name: string;
  readonly type: BtfId;
}
export interface BtfModifier {
  readonly kind: 'volatile' | 'const' | 'restrict';
  readonly type: BtfId;
}
export interface BtfTypeTag {
  readonly kind: 'type_tag';
  readonly name: string;
  readonly type: BtfId;
  /** `kind_flag`: the tag is an attribute as such (GCC 16, clang 21 and later), not a `btf_type_tag`. */
  readonly attribute: boolean;
}
export type BtfLinkage = 'static' | 'global' | 'extern';
export interface BtfFunc {
  readonly kind: 'func';
  readonly name: string;
  readonly type: BtfId;
  readonly linkage: BtfLinkage;
}
export interface BtfParam {
  readonly name: string;
  readonly type: BtfId;
}
export interface BtfFuncProto {
  readonly kind: 'func_proto';
  readonly returns: BtfId;
  /** A last parameter with name '' and type 0 represents `...`. */
  readonly params: readonly BtfParam[];
}
export interface BtfVar {
  readonly kind: 'var';
  readonly name: string;
  readonly type: BtfId;
  readonly linkage: BtfLinkage;
}
export interface BtfSecVar {
  readonly type: BtfId;
  readonly offset: number;
  readonly size: number;
}
export interface BtfDataSec {
  readonly kind: 'datasec';
  readonly name: string;
  readonly size: number;
  readonly vars: readonly BtfSecVar[];
}
export interface BtfFloat {
  readonly kind: 'float';
  readonly name: string;
  readonly size: number;
}
export interface BtfDeclTag {
  readonly kind: 'decl_tag';
  readonly name: string;
  readonly type: BtfId;
  /** Member or parameter that is tagged; -1 for the type, function or variable itself. */
  readonly component: number;
  readonly attribute: boolean;
}

export type BtfType =
  | BtfInt
  | BtfPtr
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfFwd
  | BtfTypedef
  | BtfModifier
  | BtfTypeTag
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDataSec
  | BtfFloat
  | BtfDeclTag;

/**
 * A set of types. Implementations may keep the raw words and decode on demand; `type(id)` is then cached.
 * Immutable for users.
 */
export interface Btf {
  /** Highest id; ids run from 1 to `count`. */
  readonly count: number;
  /** The decoded type. Throws `btf-type-id` for 0 or an id above `count`. */
  type(id: BtfId): BtfType;
  /** Kind number (`BTF_KIND`) without decoding; 0 for void. */
  kindOf(id: BtfId): number;
  /** Name without decoding the rest; '' where there is none. */
  nameOf(id: BtfId): string;
}
