/**
 * Types for kernels that do not know all kinds yet: what is unknown is replaced by something known of the
 * same size, under the same id.
 *
 * Mirrors bpf_object__sanitize_btf() of libbpf: variables and tags become ints, sections of variables
 * structs, functions typedefs, and so on. The lost information is only for tools, not for the programs.
 */

import {
  type Btf,
  BtfBuilder,
  type BtfDataSec,
  type BtfFunc,
  type BtfId,
  type BtfType,
  editBtf,
  resolvedType,
} from '../../btf/index.ts';
import { CONTEXT_STRUCTS } from '../../object/index.ts';

/** What the kernel takes. */
export interface BtfSupport {
  readonly functions: boolean;
  readonly globalFunctions: boolean;
  /** Global functions may have parameters that point to something else than a context. */
  readonly globalPointers: boolean;
  readonly dataSections: boolean;
  readonly float: boolean;
  readonly declTag: boolean;
  readonly typeTag: boolean;
  readonly enum64: boolean;
}

export const FULL_SUPPORT: BtfSupport = {
  functions: true,
  globalFunctions: true,
  globalPointers: true,
  dataSections: true,
  float: true,
  declTag: true,
  typeTag: true,
  enum64: true,
};

/** The same types under the same ids, without kinds that the kernel does not support. */
export function sanitizeBtf(btf: Btf, support: BtfSupport): Btf {
  const edits = new Map<BtfId, BtfType>();
  const builder = new BtfBuilder(btf);
  const placeholder = support.enum64 ? 0 : builder.add(byteNamed('enum64_placeholder'));
  for (let id = 1; id <= btf.count; id++) {
    const replacement = replace(btf, btf.type(id), support, placeholder);
    if (replacement !== undefined) edits.set(id, replacement);
  }
  return edits.size === 0 ? btf : editBtf(builder.build(), edits);
}

function replace(btf: Btf, type: BtfType, support: BtfSupport, placeholder: BtfId): BtfType | undefined {
  switch (type.kind) {
    case 'var':
      return support.dataSections ? undefined : byteNamed(type.name);
    case 'decl_tag':
      return support.declTag ? undefined : byteNamed('decl_tag');
    case 'datasec':
      return support.dataSections ? undefined : sectionAsStruct(btf, type);
    case 'func_proto':
      return support.functions ? undefined : { kind: 'enum', name: '', size: 4, signed: false, values: [] };
    case 'func':
      if (!support.functions) return { kind: 'typedef', name: type.name, type: type.type };
      return type.linkage === 'static' || isTakenAsGlobal(btf, type, support)
        ? undefined
        : { ...type, linkage: 'static' };
    case 'float':
      return support.float ? undefined : { kind: 'struct', name: type.name, size: type.size, members: [] };
    case 'type_tag':
      return support.typeTag ? undefined : { kind: 'const', type: type.type };
    case 'enum':
      // signedness came with the wide ones
      return support.enum64 || !type.signed ? undefined : { ...type, signed: false };
    case 'enum64':
      return support.enum64
        ? undefined
        : {
            kind: 'union',
            name: type.name,
            size: type.size,
            members: type.values.map(({ name }) => ({ name, type: placeholder, bitOffset: 0, bitSize: 0 })),
          };
    default:
      return undefined;
  }
}

function isTakenAsGlobal(btf: Btf, func: BtfFunc, support: BtfSupport): boolean {
  if (!support.globalFunctions) return false;
  return support.globalPointers || !pointsElsewhere(btf, func);
}

/** Whether a parameter points to something else than a context. */
export function pointsElsewhere(btf: Btf, func: BtfFunc): boolean {
  const proto = func.type === 0 ? undefined : btf.type(func.type);
  if (proto?.kind !== 'func_proto') return false;
  return proto.params.some(({ type: id }) => {
    const type = resolvedType(btf, id);
    if (type?.kind !== 'ptr') return false;
    const pointee = resolvedType(btf, type.type);
    return pointee?.kind !== 'struct' || !CONTEXT_STRUCTS.has(pointee.name);
  });
}

function byteNamed(name: string): BtfType {
  return { kind: 'int', name, size: 1, bits: 8, bitOffset: 0, signed: false, char: false, bool: false };
}

/** Dots are not allowed in names of structs. */
function sectionAsStruct(btf: Btf, section: BtfDataSec): BtfType {
  return {
    kind: 'struct',
    name: section.name.replaceAll('.', '_').replaceAll('/', '_').replaceAll('?', '_'),
    size: section.size,
    members: section.vars.map(entry => ({
      name: btf.nameOf(entry.type),
      type: entry.type,
      bitOffset: entry.offset * 8,
      bitSize: 0,
    })),
  };
}
