/** A model as objects, as a compiler would have made them: all in one, or one for each unit with externs between them. */

import { BtfBuilder } from '../../src/btf/model/builder.ts';
import type { BtfId, BtfType } from '../../src/btf/model/types.ts';
import { type ByteOrder, encodeText, viewOf } from '../../src/bytes/cursor.ts';
import { insn } from '../../src/isa/assemble.ts';
import * as isa from '../../src/isa/index.ts';
import type {
  Binding,
  BpfObject,
  BpfSymbol,
  SectionShell,
  SymbolIndex,
} from '../../src/object/model/model.ts';
import { assemble, type Target } from './assemble.ts';
import type { FunctionEntity, MapEntity, Model, Standing, VariableEntity } from './model.ts';

export interface BuildOptions {
  readonly byteOrder?: ByteOrder;
  /** Definitions that several units have are there several times, instead of once and as externs. */
  readonly repeated?: boolean;
  /** With `repeated`: each further definition does something else, so that it may not be folded. Default false. */
  readonly spoilt?: boolean;
  /** Some functions are in a section that loaders do not know, to be moved to `.text`. Default false. */
  readonly libraries?: boolean;
  /** The only program that is built. Default all. */
  readonly program?: number;
  /** Before the names of objects. Default ''. */
  readonly stem?: string;
}

/** The whole program as one object; statics have names of their own. */
export function buildWhole(model: Model, options: BuildOptions = {}): BpfObject {
  const builder = new UnitBuilder(model, null, options);
  for (const entity of functionsFor(model, options)) builder.defineFunction(entity);
  for (const entity of model.variables) builder.defineVariable(entity);
  for (const entity of model.maps) builder.defineMap(entity);
  return builder.finish();
}

function functionsFor({ functions }: Model, { program }: BuildOptions): readonly FunctionEntity[] {
  if (program === undefined) return functions;
  return functions.filter(({ role, id }) => role !== 'program' || id === program);
}

/** An object with `__wrap_NAME`, which does what NAME does. */
export function buildWrapper(model: Model, entity: FunctionEntity, options: BuildOptions = {}): BpfObject {
  const builder = new UnitBuilder(model, -1, { ...options, stem: 'wrapper-' });
  builder.defineWrapper(entity);
  return builder.finish();
}

/** One object for each unit. */
export function buildUnits(model: Model, options: BuildOptions = {}): BpfObject[] {
  return Array.from({ length: model.units }, (_, unit) => {
    const builder = new UnitBuilder(model, unit, options);
    for (const entity of functionsFor(model, options))
      define(entity, unit, options, sort => builder.defineFunction(entity, sort));
    for (const entity of model.variables)
      define(entity, unit, options, sort => builder.defineVariable(entity, sort));
    for (const entity of model.maps) define(entity, unit, options, () => builder.defineMap(entity));
    return builder.finish();
  });
}

function define(
  entity: FunctionEntity | VariableEntity | MapEntity,
  unit: number,
  { repeated = false, spoilt = false }: BuildOptions,
  body: (sort: Sort) => void,
): void {
  if (entity.unit === unit) body('own');
  else if (repeated && entity.repeatedIn.includes(unit)) body(spoilt ? 'spoilt' : 'own');
  else if (entity.weakIn.includes(unit)) body('weak');
}

/** A definition as the model has it, a weak one that says something else, or another strong one that does. */
type Sort = 'own' | 'weak' | 'spoilt';

const BINDINGS: Readonly<Record<Standing, Binding>> = { global: 'global', weak: 'weak', local: 'local' };

class UnitBuilder {
  readonly #model: Model;
  readonly #unit: number | null;
  readonly #order: ByteOrder;
  readonly #name: string;
  readonly #libraries: boolean;
  readonly #btf = new BtfBuilder();
  readonly #types = new Map<string, BtfId>();
  readonly #sections: SectionShell[] = [];
  readonly #ends: number[] = [];
  /** Symbols in order, made at the end since they refer to each other by index. */
  readonly #makers: (() => BpfSymbol)[] = [];
  readonly #index = new Map<string, SymbolIndex>();
  readonly #externs: { readonly key: string; readonly target: Target }[] = [];

  constructor(
    model: Model,
    unit: number | null,
    { byteOrder = 'little', stem = '', libraries = false }: BuildOptions,
  ) {
    this.#model = model;
    this.#unit = unit;
    this.#order = byteOrder;
    this.#libraries = libraries;
    this.#name = `${stem}${unit === null ? 'whole' : `unit${unit}`}.o`;
    this.#defineLicense();
  }

  finish(): BpfObject {
    const symbols: BpfSymbol[] = [];
    // definitions may add strings and externs after them
    for (let at = 0; at < this.#makers.length; at++) {
      const symbol = this.#makers[at]?.();
      if (symbol !== undefined) symbols.push(symbol);
    }
    for (let at = 0; at < this.#externs.length; at++) {
      const extern = this.#externs[at];
      if (extern === undefined) continue;
      symbols.push(this.#externSymbol(extern.target));
    }
    const btf = this.#btf.build();
    return { name: this.#name, byteOrder: this.#order, flags: 4, sections: this.#sections, symbols, btf };
  }

  defineFunction(entity: FunctionEntity, sort: Sort = 'own'): void {
    const { id, role } = entity;
    const inText = entity.role !== 'program' && !this.#libraries;
    const section = this.#section(inText ? '.text' : entity.section, 6, 'code');
    const { insns, uses, lines, core } = assemble(this.#model, entity, sort !== 'own');
    const offset = this.#place(section, insns.length * 8, 8);
    for (const { target } of uses) if (target.kind === 'string') this.#defineString(target.text);
    this.#add(`function ${id}`, () => ({
      kind: 'function',
      ...this.#base(entity, sort),
      section,
      origin: { file: this.#name, offset },
      code: isa.encodeInsns(insns, this.#order),
      references: uses.map(({ insnIndex, kind, target, addend }) => ({
        insnIndex,
        kind,
        addend,
        symbol: this.#symbol(target),
      })),
      btfId: this.#functionType(entity, entity.standing === 'local' ? 'static' : 'global'),
      lines: role === 'callback' ? lines.slice(0, 1) : lines,
      coreRecords: core.map(({ insnIndex, member }) => ({
        insnIndex,
        type: this.#contextType(),
        access: `0:${member}`,
        kind: 0,
      })),
    }));
  }

  defineVariable(entity: VariableEntity, sort: Sort = 'own'): void {
    const { size, words } = entity;
    const zeros = entity.section.startsWith('.bss');
    const flags = entity.section.startsWith('.rodata') ? 2 : 3;
    const section = this.#section(entity.section, flags, 'data', zeros ? 8 : 1);
    const offset = this.#place(section, size, 8);
    const bytes = new Uint8Array(size);
    const view = viewOf(bytes);
    for (const [at, word] of words.entries())
      view.setBigUint64(8 * at, sort === 'own' ? word : word ^ 0x5555n, this.#order === 'little');
    this.#add(`variable ${entity.id}`, () => ({
      kind: 'variable',
      ...this.#base(entity, sort),
      section,
      origin: { file: this.#name, offset },
      size,
      align: 8,
      bytes: zeros ? null : bytes,
      references: [],
      btfId: this.#variableType(entity, entity.standing === 'local' ? 'static' : 'global'),
    }));
  }

  defineMap(entity: MapEntity): void {
    const section = this.#section('.maps', 3, 'maps');
    const size = entity.type === 'programs' ? 24 + 8 * entity.targets.length : 32;
    const offset = this.#place(section, size, 8);
    this.#add(`map ${entity.id}`, () => ({
      kind: 'map',
      ...this.#base(entity, 'own'),
      section,
      origin: { file: this.#name, offset },
      size,
      align: 8,
      bytes: new Uint8Array(size),
      references: entity.targets.map((id, at) => ({
        offset: 24 + 8 * at,
        width: 8,
        symbol: this.#symbol({ kind: 'function', id }),
        addend: 0,
        kind: 'address',
      })),
      btfId: this.#mapType(entity, entity.standing === 'local' ? 'static' : 'global'),
    }));
  }

  defineWrapper(entity: FunctionEntity): void {
    const section = this.#section('.text', 6, 'code');
    const insns = [insn(isa.OP_CALL, 0, isa.BPF_PSEUDO_CALL, 0, -1), insn(isa.OP_EXIT)];
    const renamed = (prefix: string): FunctionEntity => ({ ...entity, name: `${prefix}${entity.name}` });
    this.#add('wrapper', () => ({
      kind: 'function',
      name: `__wrap_${entity.name}`,
      binding: 'global',
      visibility: 'default',
      section,
      origin: { file: this.#name, offset: 0 },
      code: isa.encodeInsns(insns, this.#order),
      references: [{ insnIndex: 0, kind: 'call', symbol: this.#index.get('real') ?? 0, addend: 0 }],
      btfId: this.#functionType(renamed('__wrap_'), 'global'),
      lines: [],
      coreRecords: [],
    }));
    this.#add('real', () => ({
      kind: 'extern',
      name: `__real_${entity.name}`,
      binding: 'global',
      visibility: 'default',
      section: null,
      btfId: this.#functionType(renamed('__real_'), 'extern'),
    }));
  }

  #defineLicense(): void {
    const bytes = encodeText('GPL\0');
    const section = this.#section('license', 3, 'data');
    this.#add('license', () => ({
      kind: 'variable',
      name: '_license',
      binding: 'global',
      visibility: 'default',
      section,
      origin: { file: this.#name, offset: 0 },
      size: bytes.length,
      align: 1,
      bytes,
      references: [],
      btfId: this.#type({
        kind: 'var',
        name: '_license',
        type: this.#array(this.#int('char', 1), 4),
        linkage: 'global',
      }),
    }));
  }

  #defineString(text: string): void {
    const key = `string ${text}`;
    if (this.#index.has(key)) return;
    const bytes = encodeText(`${text}\0`);
    const section = this.#section('.rodata.str1.1', 0x32, 'data');
    const offset = this.#place(section, bytes.length, 1);
    this.#add(key, () => ({
      kind: 'variable',
      name: '',
      binding: 'local',
      visibility: 'default',
      section,
      origin: { file: this.#name, offset },
      size: bytes.length,
      align: 1,
      bytes,
      references: [],
      btfId: 0,
    }));
  }

  // --- symbols and sections ---------------------------------------------------------------------------------------

  #add(key: string, make: () => BpfSymbol): void {
    this.#index.set(key, this.#makers.length);
    this.#makers.push(make);
  }

  /** Index of what an instruction refers to; an extern is made when the unit does not define it. */
  #symbol(target: Target): SymbolIndex {
    const key = target.kind === 'string' ? `string ${target.text}` : `${target.kind} ${target.id}`;
    const defined = this.#index.get(key);
    if (defined !== undefined) return defined;
    const known = this.#externs.findIndex(extern => extern.key === key);
    if (known >= 0) return this.#makers.length + known;
    this.#externs.push({ key, target });
    return this.#makers.length + this.#externs.length - 1;
  }

  #externSymbol(target: Target): BpfSymbol {
    const base = { kind: 'extern', binding: 'global', visibility: 'default' } as const;
    const { functions, variables, maps } = this.#model;
    if (target.kind === 'string') throw new Error('strings are never extern');
    if (target.kind === 'function') {
      const entity = required(functions[target.id]);
      return { ...base, name: entity.name, section: null, btfId: this.#functionType(entity, 'extern') };
    }
    if (target.kind === 'variable') {
      const entity = required(variables[target.id]);
      return { ...base, name: entity.name, section: null, btfId: this.#variableType(entity, 'extern') };
    }
    const entity = required(maps[target.id]);
    return { ...base, name: entity.name, section: '.maps', btfId: this.#mapType(entity, 'extern') };
  }

  #base(entity: FunctionEntity | VariableEntity | MapEntity, sort: Sort) {
    const binding = sort === 'weak' ? 'weak' : BINDINGS[entity.standing];
    return { name: this.#uniqueName(entity), binding, visibility: 'default' } as const;
  }

  #uniqueName(entity: FunctionEntity | VariableEntity | MapEntity): string {
    if (this.#unit !== null || entity.standing !== 'local') return entity.name;
    const stem = 'role' in entity ? 'function' : 'type' in entity ? 'map' : 'variable';
    return `${entity.name}_${stem}${entity.id}`;
  }

  #section(name: string, flags: number, role: SectionShell['role'], type = 1): number {
    const known = this.#sections.findIndex(section => section.name === name);
    if (known >= 0) return known;
    const strings = name.startsWith('.rodata.str');
    const align = strings || name === 'license' ? 1 : 8;
    this.#sections.push({ name, type, flags, align, entsize: strings ? 1 : 0, role });
    this.#ends.push(0);
    return this.#sections.length - 1;
  }

  /** Offset of the next atom of a section. */
  #place(section: number, size: number, align: number): number {
    const offset = Math.ceil((this.#ends[section] ?? 0) / align) * align;
    this.#ends[section] = offset + size;
    return offset;
  }

  // --- types ------------------------------------------------------------------------------------------------------

  /** Each type once. */
  #type(type: BtfType): BtfId {
    const key = JSON.stringify(type);
    const known = this.#types.get(key);
    if (known !== undefined) return known;
    const id = this.#btf.add(type);
    this.#types.set(key, id);
    return id;
  }

  #int(name: string, size: number): BtfId {
    const char = name === 'char';
    const base = { size, bits: 8 * size, bitOffset: 0, char: false, bool: false };
    return this.#type({ kind: 'int', name, ...base, signed: char || name === 'int' });
  }

  #u32(): BtfId {
    return this.#type({ kind: 'typedef', name: '__u32', type: this.#int('unsigned int', 4) });
  }

  #u64(): BtfId {
    return this.#int('unsigned long long', 8);
  }

  #array(element: BtfId, length: number): BtfId {
    return this.#type({ kind: 'array', element, index: this.#int('__ARRAY_SIZE_TYPE__', 4), length });
  }

  #programContext(): BtfId {
    if (this.#model.hook === 'xdp') return this.#contextType();
    const member = { name: 'len', type: this.#u32(), bitOffset: 0, bitSize: 0 };
    return this.#type({ kind: 'struct', name: '__sk_buff', size: 192, members: [member] });
  }

  /** Of XDP programs; any program may ask for the offsets of its members. */
  #contextType(): BtfId {
    const type = this.#u32();
    const names = ['data', 'data_end', 'data_meta', 'ingress_ifindex', 'rx_queue_index', 'egress_ifindex'];
    const members = names.map((name, at) => ({ name, type, bitOffset: 32 * at, bitSize: 0 }));
    return this.#type({ kind: 'struct', name: 'xdp_md', size: 24, members });
  }

  #prototype(role: FunctionEntity['role']): BtfId {
    const context = (): BtfId => this.#type({ kind: 'ptr', type: this.#programContext() });
    const int = this.#int('int', 4);
    const one = { name: 'ctx', type: role === 'callback' || role === 'plain' ? 0 : context() };
    switch (role) {
      case 'program':
        return this.#type({ kind: 'func_proto', returns: int, params: [one] });
      case 'callback': {
        const params = [
          { name: 'index', type: this.#u32() },
          { name: 'sum', type: this.#type({ kind: 'ptr', type: this.#u64() }) },
        ];
        return this.#type({ kind: 'func_proto', returns: int, params });
      }
      default: {
        const number = this.#u64();
        const first = role === 'context' ? one : { name: 'a', type: number };
        return this.#type({
          kind: 'func_proto',
          returns: number,
          params: [first, { name: 'b', type: number }],
        });
      }
    }
  }

  #functionType(entity: FunctionEntity, linkage: 'static' | 'global' | 'extern'): BtfId {
    const type = this.#prototype(entity.role);
    return this.#type({ kind: 'func', name: this.#uniqueName(entity), type, linkage });
  }

  #variableType(entity: VariableEntity, linkage: 'static' | 'global' | 'extern'): BtfId {
    const type = this.#array(this.#u64(), entity.size / 8);
    return this.#type({ kind: 'var', name: this.#uniqueName(entity), type, linkage });
  }

  #mapType(entity: MapEntity, linkage: 'static' | 'global' | 'extern'): BtfId {
    const number = (value: number): BtfId =>
      this.#type({ kind: 'ptr', type: this.#array(this.#int('int', 4), value) });
    const pointer = (type: BtfId): BtfId => this.#type({ kind: 'ptr', type });
    const code = entity.type === 'array' ? 2 : entity.type === 'hash' ? 1 : 3;
    const fields: (readonly [string, BtfId])[] = [
      ['type', number(code)],
      ['max_entries', number(entity.entries)],
    ];
    if (entity.type === 'programs') {
      const program = pointer(this.#prototype('program'));
      fields.push(['key_size', number(4)], ['values', this.#array(program, 0)]);
    } else {
      const member = {
        name: 'words',
        type: this.#array(this.#u64(), entity.valueWords),
        bitOffset: 0,
        bitSize: 0,
      };
      const value = {
        kind: 'struct',
        name: `value${entity.valueWords}`,
        size: 8 * entity.valueWords,
      } as const;
      fields.push(
        ['key', pointer(this.#u32())],
        ['value', pointer(this.#type({ ...value, members: [member] }))],
      );
    }
    const members = fields.map(([name, type], at) => ({ name, type, bitOffset: 64 * at, bitSize: 0 }));
    const size = entity.type === 'programs' ? 24 : 32;
    const struct = this.#type({ kind: 'struct', name: '', size, members });
    return this.#type({ kind: 'var', name: this.#uniqueName(entity), type: struct, linkage });
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a model refers to what it does not have');
  return value;
}
