/**
 * struct_ops maps: variables in SEC(".struct_ops") whose members are programs.
 *
 * The kernel's own type of the struct decides where members are, as in CO-RE: members are found by name, and
 * the value for the kernel is built again. As in libbpf, a member that the kernel lacks may be there as long as
 * it is zero, and sections that begin with `?` are left alone. A program in such a member, which libbpf
 * refuses, is left out with a note.
 */

import {
  type Btf,
  type BtfComposite,
  type BtfId,
  type BtfMember,
  sizeOfType,
  skipModifiers,
} from '../../btf/index.ts';
import { essentialName } from '../../core/index.ts';
import { inputError, platformError, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  isOperationsSection,
  type SymbolIndex,
  sectionNameOf,
  symbolOf,
  type VariableSymbol,
} from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import { BPF_F_LINK, BPF_F_VTYPE_BTF_OBJ_FD, BTF_KIND } from '../../uapi/index.ts';
import type { KernelTarget, KernelTypes } from '../externs/index.ts';
import { kernelName } from './names.ts';
import type { AttachPlan, MapPlan } from './plan.ts';

/** All struct_ops maps of an object, for a kernel. */
export interface Operations {
  /** In symbol order. */
  readonly tables: readonly MapPlan[];
  /** Programs of struct_ops maps, with their members. */
  readonly programs: ReadonlyMap<string, AttachPlan>;
  /**
   * Programs that no struct_ops map needs: those of sections with `?`, and of members that the kernel lacks.
   */
  readonly unused: ReadonlySet<string>;
  /** One sentence for each program of a member that the kernel lacks. */
  readonly notes: readonly string[];
}

/** Of objects without struct_ops maps. */
export const NO_OPERATIONS: Operations = { tables: [], programs: new Map(), unused: new Set(), notes: [] };

/** A program in a member that the kernel lacks. */
interface LeftOut {
  readonly where: readonly string[];
  readonly program: string;
}

/**
 * Finds the kernel's types for all tables. Throws `load-operations`, `load-operations-kernel`, and
 * `load-target-absent`.
 */
export function findOperations(object: BpfObject, types: KernelTypes): Operations {
  const tables: MapPlan[] = [];
  const programs = new Map<string, AttachPlan>();
  const unused = new Set<string>();
  const leftOut: LeftOut[] = [];
  object.symbols.forEach((symbol, index) => {
    const section = sectionNameOf(object, symbol);
    if (symbol.kind !== 'variable' || !isOperationsSection(section)) return;
    if (section.startsWith('?')) for (const name of programsIn(object, symbol)) unused.add(name);
    else tables.push(new TableReader(object, symbol, index, section, programs, leftOut).read(types));
  });
  for (const { program } of leftOut) unused.add(program);
  for (const name of programs.keys()) unused.delete(name);
  const notes = leftOut.map(({ where, program }) => leftOutNote(where, program, unused.has(program)));
  return { tables, programs, unused, notes };
}

function leftOutNote(where: readonly string[], program: string, isDropped: boolean): string {
  const what = isDropped ? 'loaded' : 'called for it';
  return `${where.join(': ')}: does not exist in this kernel: program ${quote(program)} is not ${what}`;
}

function programsIn(object: BpfObject, table: VariableSymbol): string[] {
  return table.references.map(reference => symbolOf(object, reference.symbol).name);
}

/** The kernel's struct, and where it is in the value that the kernel keeps it in. */
interface KernelStruct {
  readonly target: KernelTarget;
  readonly type: BtfComposite;
  readonly structId: BtfId;
  readonly valueType: BtfId;
  /** Bytes of the whole value, and of what is before the struct. */
  readonly size: number;
  readonly start: number;
}

/** One table while it is read. */
class TableReader {
  readonly #object: BpfObject;
  readonly #table: VariableSymbol;
  readonly #section: string;
  readonly #programs: Map<string, AttachPlan>;
  readonly #leftOut: LeftOut[];
  readonly #where: readonly string[];
  readonly #slots: { offset: number; program: string }[] = [];

  constructor(
    object: BpfObject,
    table: VariableSymbol,
    index: SymbolIndex,
    section: string,
    programs: Map<string, AttachPlan>,
    leftOut: LeftOut[],
  ) {
    this.#object = object;
    this.#table = table;
    this.#section = section;
    this.#programs = programs;
    this.#leftOut = leftOut;
    this.#where = [object.name, `operations ${quote(table.name === '' ? `#${index}` : table.name)}`];
  }

  read(types: KernelTypes): MapPlan {
    const { local, type } = this.#localType();
    const name = essentialName(type.name);
    const kernel = this.#kernelType(types, name);
    const value = new Uint8Array(kernel.size);
    for (const member of type.members) this.#member(local, type, member, kernel, value);
    const linked = this.#section === '.struct_ops.link' ? BPF_F_LINK : 0;
    const { btfObject } = kernel.target;
    return {
      name: this.#table.name,
      kernelName: kernelName(this.#table.name),
      type: uapi.BPF_MAP_TYPE_STRUCT_OPS,
      keySize: 4,
      valueSize: kernel.size,
      maxEntries: 1,
      flags: linked + (btfObject === 0 ? 0 : BPF_F_VTYPE_BTF_OBJ_FD),
      mapExtra: 0n,
      numaNode: 0,
      keyType: 0,
      valueType: 0,
      typed: false,
      contents: null,
      frozen: false,
      pinning: 0,
      inner: null,
      initial: [],
      operations: { valueType: kernel.valueType, btfObject, value, programs: this.#slots },
    };
  }

  #localType(): { local: Btf; type: BtfComposite } {
    const { btf } = this.#object;
    const variable = btf === null || this.#table.btfId === 0 ? undefined : btf.type(this.#table.btfId);
    if (btf === null || variable?.kind !== 'var') {
      throw inputError('load-operations', this.#where, 'has no BTF', { hint: 'compile with -g' });
    }
    const type = btf.type(skipModifiers(btf, variable.type));
    if (type.kind !== 'struct')
      throw inputError('load-operations', this.#where, `is a ${type.kind}, not a struct`);
    return { local: btf, type };
  }

  /** The kernel's struct within the value that it keeps the struct in. */
  #kernelType(types: KernelTypes, name: string): KernelStruct {
    const valueName = `bpf_struct_ops_${name}`;
    const vmlinux = types.vmlinux();
    const [inVmlinux] = vmlinux.types.exact(valueName, BTF_KIND.STRUCT);
    const targets = inVmlinux === undefined ? types.modules(valueName) : [vmlinux];
    for (const target of targets) {
      const [valueType] = target.types.exact(valueName, BTF_KIND.STRUCT);
      const [structId] = target.types.exact(name, BTF_KIND.STRUCT);
      if (valueType === undefined || structId === undefined) continue;
      const found = structWithin(target, valueType, structId);
      if (found !== undefined) return found;
    }
    throw platformError(
      'load-target-absent',
      this.#where,
      `this kernel has no struct_ops type ${quote(name)}`,
      {
        hint: `looked for struct ${valueName} in the types of the kernel and its modules`,
      },
    );
  }

  #member(local: Btf, type: BtfComposite, member: BtfMember, kernel: KernelStruct, value: Uint8Array): void {
    const where = [...this.#where, `member ${quote(member.name)}`];
    const offset = member.bitOffset / 8;
    const program = this.#programAt(offset, where);
    const index = kernel.type.members.findIndex(candidate => candidate.name === member.name);
    const theirs = kernel.type.members[index];
    if (theirs === undefined) {
      this.#absent(local, member, program, where);
      return;
    }
    if (member.bitSize !== 0 || theirs.bitSize !== 0) {
      throw inputError('load-operations', where, 'is a bit field, which cannot be copied');
    }
    const { btf } = kernel.target.types;
    const ours = local.type(skipModifiers(local, member.type));
    const theirType = btf.type(skipModifiers(btf, theirs.type));
    const place = kernel.start + theirs.bitOffset / 8;
    if (ours.kind !== theirType.kind) {
      throw platformError(
        'load-operations-kernel',
        where,
        `is a ${ours.kind} here and a ${theirType.kind} in the kernel`,
      );
    }
    if (ours.kind === 'ptr') {
      if (program !== undefined) this.#setProgram(program, place, kernel, index, where);
      return;
    }
    const size = sizeOfType(local, member.type);
    const theirSize = sizeOfType(btf, theirs.type);
    if (size !== theirSize) {
      throw platformError(
        'load-operations-kernel',
        where,
        `has ${size} bytes here and ${theirSize} in the kernel`,
      );
    }
    if (offset + size > type.size || this.#table.bytes === null) return;
    value.set(this.#table.bytes.subarray(offset, offset + size), place);
  }

  /** The kernel has no such member: its value must be zero, its program is left out. */
  #absent(local: Btf, member: BtfMember, program: string | undefined, where: readonly string[]): void {
    const offset = member.bitOffset / 8;
    const bytes = this.#table.bytes?.subarray(offset, offset + sizeOfType(local, member.type));
    if (bytes?.some(byte => byte !== 0)) {
      throw platformError(
        'load-operations-kernel',
        where,
        'does not exist in this kernel, and is not zero here',
      );
    }
    if (program !== undefined) this.#leftOut.push({ where, program });
  }

  #programAt(offset: number, where: readonly string[]): string | undefined {
    const reference = this.#table.references.find(candidate => candidate.offset === offset);
    if (reference === undefined) return undefined;
    const symbol = symbolOf(this.#object, reference.symbol);
    if (symbol.kind !== 'function' || reference.addend !== 0 || symbol.binding === 'local') {
      throw inputError('load-operations', where, `cannot be ${quote(symbol.name)}: it is not a program`, {
        hint: 'operations are programs: global functions in SEC("struct_ops")',
      });
    }
    return symbol.name;
  }

  #setProgram(
    program: string,
    offset: number,
    kernel: KernelStruct,
    member: number,
    where: readonly string[],
  ): void {
    const known = this.#programs.get(program);
    if (known !== undefined && (known.btfId !== kernel.structId || known.member !== member)) {
      throw inputError('load-operations', where, `program ${quote(program)} is another operation already`, {
        hint: 'one program can be in several struct_ops maps only as the same member of the same type',
      });
    }
    this.#programs.set(program, { btfId: kernel.structId, btfObject: kernel.target.btfObject, member });
    this.#slots.push({ offset, program });
  }
}

function structWithin(target: KernelTarget, valueType: BtfId, structId: BtfId): KernelStruct | undefined {
  const { btf } = target.types;
  const value = btf.type(valueType);
  const type = btf.type(structId);
  if (value.kind !== 'struct' || type.kind !== 'struct') return undefined;
  const data = value.members.find(member => member.type === structId);
  if (data === undefined) return undefined;
  return { target, type, valueType, structId, size: value.size, start: data.bitOffset / 8 };
}
