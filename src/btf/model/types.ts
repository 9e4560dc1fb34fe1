/**
 * BTF types as readonly values, discriminated by `kind`.
 *
 * A type's id is its position: 0 is `void`, ids of a `Btf` run from 1 to `count`. References between types
 * are ids of the same `Btf`. Names are strings ('' = anonymous).
 *
 * Source: Linux Documentation/bpf/btf.rst and include/uapi/linux/btf.h.
 */

/** Index of a type in its `Btf`; 0 is void. */
export type BtfId = number;

/** `static`: of one file; `global`: visible to the linker; `extern`: declared only. */
export type BtfLinkage = 'static' | 'global' | 'extern';

/**
 * A type, by `kind`. Sizes are bytes unless the name says bits; `name` is '' for anonymous types; other types
 * are named by their id.
 */
export type BtfType =
  | {
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
  | { readonly kind: 'ptr'; readonly type: BtfId }
  | { readonly kind: 'array'; readonly element: BtfId; readonly index: BtfId; readonly length: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: readonly {
        readonly name: string;
        readonly type: BtfId;
        readonly bitOffset: number;
        /** Width of a bit field, 0 for an ordinary member. */
        readonly bitSize: number;
      }[];
    }
  | {
      readonly kind: 'enum' | 'enum64';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly {
        readonly name: string;
        /** Sign or zero extended according to `signed`. */
        readonly value: bigint;
      }[];
    }
  | { readonly kind: 'fwd'; readonly name: string; readonly union: boolean }
  | { readonly kind: 'typedef'; readonly name: string; readonly type: BtfId }
  | { readonly kind: 'volatile' | 'const' | 'restrict'; readonly type: BtfId }
  | {
      readonly kind: 'type_tag';
      readonly name: string;
      readonly type: BtfId;
      /** `kind_flag`: the tag is an attribute as such (GCC 16, clang 21 and later), not a `btf_type_tag`. */
      readonly attribute: boolean;
    }
  | { readonly kind: 'func'; readonly name: string; readonly type: BtfId; readonly linkage: BtfLinkage }
  | {
      readonly kind: 'func_proto';
      readonly returns: BtfId;
      /** A last parameter with name '' and type 0 stands for `...`. */
      readonly params: readonly { readonly name: string; readonly type: BtfId }[];
    }
  | { readonly kind: 'var'; readonly name: string; readonly type: BtfId; readonly linkage: BtfLinkage }
  | {
      readonly kind: 'datasec';
      readonly name: string;
      readonly size: number;
      readonly vars: readonly { readonly type: BtfId; readonly offset: number; readonly size: number }[];
    }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | {
      readonly kind: 'decl_tag';
      readonly name: string;
      readonly type: BtfId;
      /** Member or parameter that is tagged; -1 for the type, function or variable itself. */
      readonly component: number;
      readonly attribute: boolean;
    };

type OfKind<K extends BtfType['kind']> = Extract<BtfType, { readonly kind: K }>;

export type BtfInt = OfKind<'int'>;
export type BtfArray = OfKind<'array'>;
export type BtfComposite = OfKind<'struct' | 'union'>;
export type BtfEnum = OfKind<'enum' | 'enum64'>;
export type BtfFunc = OfKind<'func'>;
export type BtfFuncProto = OfKind<'func_proto'>;
export type BtfVar = OfKind<'var'>;
export type BtfDataSec = OfKind<'datasec'>;
export type BtfFloat = OfKind<'float'>;
export type BtfDeclTag = OfKind<'decl_tag'>;
export type BtfMember = BtfComposite['members'][number];
export type BtfEnumerator = BtfEnum['values'][number];
export type BtfParam = BtfFuncProto['params'][number];
export type BtfSecVar = BtfDataSec['vars'][number];

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
