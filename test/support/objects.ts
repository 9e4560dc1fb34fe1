/** Small objects made by hand, for tests of rules that need no compiler. */

import { BtfBuilder } from '../../src/btf/model/builder.ts';
import { callFunction, EXIT, loadWords, move } from '../../src/isa/assemble.ts';
import { encodeInsns } from '../../src/isa/opcodes.ts';
import type {
  Binding,
  BpfObject,
  BpfSymbol,
  SectionShell,
  Visibility,
} from '../../src/object/model/model.ts';

export interface SymbolSpec {
  readonly name: string;
  readonly kind:
    | 'function'
    | 'variable'
    | 'common'
    | 'map'
    | 'extern function'
    | 'extern variable'
    | 'extern map'
    | 'kfunc'
    | 'ksym'
    | 'kconfig';
  readonly binding?: Binding;
  readonly visibility?: Visibility;
  /** Value that a function returns or a variable holds; number of entries of a map. */
  readonly value?: number;
  /** Type of a map; default 2, array. */
  readonly mapType?: number;
  /** `pinning` of a map; default 0, none. */
  readonly pinning?: number;
  /** Names whose addresses a function loads, after its calls. */
  readonly uses?: readonly string[];
  /** Functions that a function calls before it returns. */
  readonly calls?: readonly string[];
  /** Section; default `.text` and `.data`. */
  readonly section?: string;
  /** Struct that a function takes a pointer to; without it the function takes nothing. */
  readonly context?: string;
  /** Bytes of the variable's or return type, 1 to 8; default 4. */
  readonly size?: number;
}

/** ld_imm64 into r1, which has two slots. */
const LOAD_ADDRESS = loadWords(1, 0, 0);
const CALL = callFunction(-1);

/** Sections in which BTF lists externs. */
const EXTERN_SECTIONS: Readonly<Partial<Record<SymbolSpec['kind'], string>>> = {
  'extern map': '.maps',
  kfunc: '.ksyms',
  ksym: '.ksyms',
  kconfig: '.kconfig',
};

function shell(name: string, role: SectionShell['role']): SectionShell {
  const bss = name.startsWith('.bss');
  return { name, type: bss ? 8 : 1, flags: role === 'code' ? 6 : 3, align: 8, entsize: 0, role };
}

/** An object whose symbols are described by `specs`, with BTF. */
export function objectOf(name: string, specs: readonly SymbolSpec[]): BpfObject {
  const btf = new BtfBuilder();
  const ints = new Map<number, number>();
  const intOf = (size: number): number => {
    const known = ints.get(size);
    if (known !== undefined) return known;
    const id = btf.add({
      kind: 'int',
      name: `s${size * 8}`,
      size,
      bits: size * 8,
      bitOffset: 0,
      signed: true,
      char: false,
      bool: false,
    });
    ints.set(size, id);
    return id;
  };
  const contexts = new Map<string, number>();
  const paramsOf = ({ context }: SymbolSpec): { name: string; type: number }[] => {
    if (context === undefined) return [];
    const known = contexts.get(context);
    const struct = known ?? btf.add({ kind: 'struct', name: context, size: 0, members: [] });
    contexts.set(context, struct);
    return [{ name: 'ctx', type: btf.add({ kind: 'ptr', type: struct }) }];
  };
  /** `struct { int (*type)[2]; int (*max_entries)[N]; int (*key_size)[4]; int (*value_size)[4]; }`. */
  const mapType = (entries: number, pinning = 0, type = 2): number => {
    const number = (value: number): number => {
      const array = btf.add({ kind: 'array', element: intOf(4), index: intOf(4), length: value });
      return btf.add({ kind: 'ptr', type: array });
    };
    const plain = { type, max_entries: entries, key_size: 4, value_size: 4 };
    const fields = pinning === 0 ? plain : { ...plain, pinning };
    const members = Object.entries(fields).map(([field, value], at) => ({
      name: field,
      type: number(value),
      bitOffset: at * 64,
      bitSize: 0,
    }));
    return btf.add({ kind: 'struct', name: '', size: members.length * 8, members });
  };
  const sections: SectionShell[] = [];
  const sectionOf = (wanted: string, role: SectionShell['role']): number => {
    const index = sections.findIndex(section => section.name === wanted);
    if (index >= 0) return index;
    sections.push(shell(wanted, role));
    return sections.length - 1;
  };
  const isExtern = ({ kind }: SymbolSpec): boolean => kind.includes('extern') || kind.startsWith('k');
  const ordered = [...specs].sort((a, b) => Number(isExtern(a)) - Number(isExtern(b)));
  const indexOf = (target: string): number => ordered.findIndex(spec => spec.name === target);
  const symbolOf = (spec: SymbolSpec): BpfSymbol => {
    const base = {
      name: spec.name,
      binding: spec.binding ?? 'global',
      visibility: spec.visibility ?? 'default',
    } as const;
    const size = spec.size ?? 4;
    const origin = { file: name, offset: 0 };
    const proto = (): number => btf.add({ kind: 'func_proto', returns: intOf(size), params: paramsOf(spec) });
    switch (spec.kind) {
      case 'function': {
        const { calls = [], uses = [] } = spec;
        const insns = [
          ...calls.map(() => CALL),
          ...uses.flatMap(() => LOAD_ADDRESS),
          move(0, spec.value ?? 0),
          EXIT,
        ];
        const linkage = base.binding === 'local' ? 'static' : 'global';
        return {
          kind: 'function',
          ...base,
          section: sectionOf(spec.section ?? '.text', 'code'),
          origin,
          code: encodeInsns(insns, 'little'),
          references: [
            ...calls.map(
              (callee, insnIndex) =>
                ({ insnIndex, kind: 'call', symbol: indexOf(callee), addend: 0 }) as const,
            ),
            ...uses.map((used, position) => {
              const insnIndex = calls.length + position * LOAD_ADDRESS.length;
              return { insnIndex, kind: 'address', symbol: indexOf(used), addend: 0 } as const;
            }),
          ],
          btfId: btf.add({ kind: 'func', name: spec.name, type: proto(), linkage }),
          lines: [
            { insnIndex: 0, file: `${name}.c`, text: `  return ${spec.value ?? 0};`, line: 7, column: 3 },
          ],
          coreRecords: [],
        };
      }
      case 'variable':
      case 'common': {
        const bytes = new Uint8Array(size);
        bytes[0] = spec.value ?? 0;
        const section = spec.section ?? (spec.kind === 'common' ? '.bss' : '.data');
        const linkage = base.binding === 'local' ? 'static' : 'global';
        return {
          kind: 'variable',
          ...base,
          section: sectionOf(section, 'data'),
          origin,
          size,
          align: Math.min(size, 8),
          bytes: section.startsWith('.bss') ? null : bytes,
          references: [],
          btfId: btf.add({ kind: 'var', name: spec.name, type: intOf(size), linkage }),
          ...(spec.kind === 'common' ? { common: true } : {}),
        };
      }
      case 'map': {
        const linkage = base.binding === 'local' ? 'static' : 'global';
        const type = mapType(spec.value ?? 1, spec.pinning, spec.mapType);
        const bytes = new Uint8Array((spec.pinning ?? 0) === 0 ? 32 : 40);
        return {
          kind: 'map',
          ...base,
          section: sectionOf('.maps', 'maps'),
          origin,
          size: bytes.length,
          align: 8,
          bytes,
          references: [],
          btfId: btf.add({ kind: 'var', name: spec.name, type, linkage }),
        };
      }
      case 'extern function':
      case 'kfunc':
        return {
          kind: 'extern',
          ...base,
          section: EXTERN_SECTIONS[spec.kind] ?? spec.section ?? null,
          btfId: btf.add({ kind: 'func', name: spec.name, type: proto(), linkage: 'extern' }),
        };
      case 'extern variable':
      case 'extern map':
      case 'ksym':
      case 'kconfig': {
        const type =
          spec.kind === 'extern map' ? mapType(spec.value ?? 1, spec.pinning, spec.mapType) : intOf(size);
        return {
          kind: 'extern',
          ...base,
          section: EXTERN_SECTIONS[spec.kind] ?? spec.section ?? null,
          btfId: btf.add({ kind: 'var', name: spec.name, type, linkage: 'extern' }),
        };
      }
    }
  };
  const symbols = ordered.map(symbolOf);
  return { name, byteOrder: 'little', flags: 0, sections, symbols, btf: btf.build() };
}
