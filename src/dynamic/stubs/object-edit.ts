/**
 * Additions to an object that keep every index valid: new maps and functions come at the end, a symbol is
 * replaced in its place. What loaders require of a generated function is added here: a type with named
 * parameters.
 */

import { BtfBuilder, type BtfId, type BtfType, editBtf, INT } from '../../btf/index.ts';
import { inputError } from '../../diag/index.ts';
import { SHF_ALLOC, SHF_WRITE, SHT_NOBITS, SHT_PROGBITS } from '../../elf/index.ts';
import { encodeInsns, type Insn } from '../../isa/index.ts';
import { TEXT_SECTION } from '../../link/index.ts';
import type {
  BpfObject,
  BpfSymbol,
  CodeReference,
  FunctionSymbol,
  SectionShell,
  SymbolIndex,
} from '../../object/index.ts';

const MAPS_SECTION: SectionShell = {
  name: '.maps',
  type: SHT_PROGBITS,
  flags: SHF_ALLOC | SHF_WRITE,
  align: 8,
  entsize: 0,
  role: 'maps',
};

export interface NewFunction {
  readonly name: string;
  readonly linkage: 'static' | 'global';
  /** FUNC_PROTO. */
  readonly proto: BtfId;
  readonly insns: readonly Insn[];
  readonly references: readonly CodeReference[];
  /** Parameter tags of this FUNC are repeated. */
  readonly tagsOf?: BtfId;
}

export interface NewMap {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
}

/** Edits of one object; `finish()` gives the new one. */
export class ObjectEdit {
  readonly object: BpfObject;
  readonly #btf: BtfBuilder;
  readonly #edits = new Map<BtfId, BtfType>();
  readonly #symbols: BpfSymbol[];
  readonly #sections: SectionShell[];

  /** Throws `dynamic-no-types` for an object without BTF. */
  constructor(object: BpfObject) {
    if (object.btf === null) {
      throw inputError('dynamic-no-types', [object.name], 'has no types (BTF), so nothing can be bound', {
        hint: 'compile with -g',
      });
    }
    this.object = object;
    this.#btf = new BtfBuilder(object.btf);
    this.#symbols = [...object.symbols];
    this.#sections = [...object.sections];
  }

  symbol(index: SymbolIndex): BpfSymbol | undefined {
    return this.#symbols[index];
  }

  /** Index of a new map. */
  addMap(map: NewMap): SymbolIndex {
    const [type, size] = this.#mapType(map);
    const btfId = this.#btf.add({ kind: 'var', name: map.name, type, linkage: 'global' });
    return this.#append({
      kind: 'map',
      name: map.name,
      binding: 'global',
      visibility: 'default',
      section: this.#section(MAPS_SECTION),
      origin: { file: this.object.name, offset: 0 },
      size,
      align: 8,
      bytes: new Uint8Array(size),
      references: [],
      btfId,
    });
  }

  /** Index of a new variable of `words` u32, all zero, in a data section of its own. */
  addWords(name: string, section: string, words: number): SymbolIndex {
    const word = this.#btf.add({ ...INT, name: 'unsigned int', signed: false });
    const type = this.#btf.add({ kind: 'array', element: word, index: word, length: words });
    const btfId = this.#btf.add({ kind: 'var', name, type, linkage: 'global' });
    const shell: SectionShell = {
      name: section,
      type: SHT_NOBITS,
      flags: SHF_ALLOC | SHF_WRITE,
      align: 4,
      entsize: 0,
      role: 'data',
    };
    return this.#append({
      kind: 'variable',
      name,
      binding: 'global',
      visibility: 'default',
      section: this.#section(shell),
      origin: { file: this.object.name, offset: 0 },
      size: words * 4,
      align: 4,
      bytes: null,
      references: [],
      btfId,
    });
  }

  /** Index of a new function in `.text`. */
  addFunction(spec: NewFunction): SymbolIndex {
    return this.#append(this.#functionSymbol(spec));
  }

  /** Replaces a symbol by a function: references to the symbol then refer to the function. */
  replaceWithFunction(index: SymbolIndex, spec: NewFunction): void {
    this.#symbols[index] = this.#functionSymbol(spec);
  }

  replace(index: SymbolIndex, symbol: BpfSymbol): void {
    this.#symbols[index] = symbol;
  }

  append(symbol: BpfSymbol): SymbolIndex {
    return this.#append(symbol);
  }

  /** The prototype of a FUNC, every parameter with a name. Throws `dynamic-no-types`. */
  namedPrototype(func: BtfId): BtfId {
    const { btf } = this.object;
    const type = btf === null || func === 0 ? undefined : btf.type(func);
    const proto = type?.kind === 'func' && type.type !== 0 ? btf?.type(type.type) : undefined;
    if (type?.kind !== 'func' || proto?.kind !== 'func_proto')
      throw inputError('dynamic-no-types', [this.object.name], 'has a function without a prototype in BTF');
    if (proto.params.every(param => param.name !== '')) return type.type;
    const params = proto.params.map((param, position) =>
      param.name === '' ? { ...param, name: `arg${position + 1}` } : param,
    );
    return this.#btf.add({ ...proto, params });
  }

  /**
   * Another FUNC with the given name and linkage for the same prototype, with the tags of parameters
   * repeated.
   */
  functionType(name: string, proto: BtfId, linkage: 'static' | 'global', tagsOf?: BtfId): BtfId {
    const id = this.#btf.add({ kind: 'func', name, type: proto, linkage });
    const { btf } = this.object;
    for (let tagId = 1; btf !== null && tagsOf !== undefined && tagId <= btf.count; tagId++) {
      const tag = btf.type(tagId);
      if (tag.kind === 'decl_tag' && tag.type === tagsOf && tag.component >= 0)
        this.#btf.add({ ...tag, type: id });
    }
    return id;
  }

  editType(id: BtfId, type: BtfType): void {
    this.#edits.set(id, type);
  }

  /** The edited object. The edit must not be used afterwards. */
  finish(): BpfObject {
    const btf = editBtf(this.#btf.build(), this.#edits);
    return { ...this.object, btf, sections: this.#sections, symbols: this.#symbols };
  }

  #functionSymbol(spec: NewFunction): FunctionSymbol {
    return {
      kind: 'function',
      name: spec.name,
      binding: spec.linkage === 'static' ? 'local' : 'global',
      visibility: 'default',
      section: this.#section(TEXT_SECTION),
      origin: { file: this.object.name, offset: 0 },
      code: encodeInsns(spec.insns, this.object.byteOrder),
      references: spec.references,
      btfId: this.functionType(spec.name, spec.proto, spec.linkage, spec.tagsOf),
      lines: [{ insnIndex: 0, file: 'rootlet', text: spec.name, line: 1, column: 1 }],
      coreRecords: [],
    };
  }

  #append(symbol: BpfSymbol): SymbolIndex {
    this.#symbols.push(symbol);
    return this.#symbols.length - 1;
  }

  #section(shell: SectionShell): number {
    const known = this.#sections.findIndex(section => section.name === shell.name);
    if (known >= 0) return known;
    this.#sections.push(shell);
    return this.#sections.length - 1;
  }

  /** A map definition as `__uint()` writes it: pointers to arrays whose lengths are the values. */
  #mapType(map: NewMap): readonly [type: BtfId, size: number] {
    const int = this.#btf.add(INT);
    const uint = (value: number): BtfId => {
      const array = this.#btf.add({ kind: 'array', element: int, index: int, length: value });
      return this.#btf.add({ kind: 'ptr', type: array });
    };
    const fields: readonly (readonly [string, number])[] = [
      ['type', map.type],
      ['key_size', map.keySize],
      ['value_size', map.valueSize],
      ['max_entries', map.maxEntries],
      ...(map.flags === undefined ? [] : [['map_flags', map.flags] as const]),
    ];
    const members = fields.map(([name, value], position) => ({
      name,
      type: uint(value),
      bitOffset: position * 64,
      bitSize: 0,
    }));
    const size = members.length * 8;
    return [this.#btf.add({ kind: 'struct', name: '', size, members }), size];
  }
}
