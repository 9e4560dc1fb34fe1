/**
 * An object as TypeScript: names and types of its programs, maps and variables, for `loadObject<Types>()` and
 * `createMachine<Types>()`. Types describe what reading returns; nothing of it exists when the program runs.
 */

import {
  type BtfId,
  comment,
  findType,
  formatDeclaration,
  formatType,
  listOf,
  literal,
  property,
  sizeOfType,
  TypeScriptTypes,
} from '../../btf/index.ts';
import { available, quote, usageError } from '../../diag/index.ts';
import { mapTypeName, progTypeName } from '../../uapi/index.ts';
import { ARENA_SECTION } from '../analysis/index.ts';
import { holdsRecords, isPerCpu, kernelValueSize, recordType } from '../maps/index.ts';
import {
  type BpfObject,
  type MapDefinition,
  type MapSymbol,
  parseMapDefinition,
  programsOf,
  sectionNameOf,
  type VariableSymbol,
} from '../model/index.ts';
import { programTypeOf } from '../programs/index.ts';
import { globalsKind } from '../values/index.ts';

/** Options of `declareObject`. */
export interface DeclareOptions {
  /** Map → type of its records, such as `struct event`, where its definition does not give it. */
  readonly records?: ReadonlyMap<string, string>;
}

/** Declarations, and what could not be declared. */
export interface Declarations {
  readonly text: string;
  /** Maps whose records are bytes, because nothing gives their type. */
  readonly untyped: readonly string[];
}

/** A member of one of the parts of `Types`, with the name that it is sorted by. */
interface Entry {
  readonly name: string;
  readonly lines: readonly string[];
}

/**
 * Declares an object. The same object gives the same text. Throws what is wrong with its maps, `load-no-map` and
 * `value-no-type` for options.
 */
export function declareObject(object: BpfObject, options: DeclareOptions = {}): Declarations {
  const types = object.btf === null ? null : new TypeScriptTypes(object.btf);
  const writer = new ObjectWriter(object, types, options.records ?? new Map());
  const parts = [
    ...part('programs', writer.programs()),
    ...part('maps', writer.maps()),
    ...part('globals', writer.globals()),
  ];
  const c = types?.declarations() ?? '';
  const body = `export interface Types {\n${parts.join('\n')}\n}\n`;
  const uses = body.includes('BtfInput<') ? "import type { BtfInput } from 'rootlet/btf';\n\n" : '';
  const text = [head(object), uses, body, ...(c === '' ? [] : ['\n', c])].join('');
  return { text, untyped: writer.untyped };
}

function head({ name }: BpfObject): string {
  const file = name.slice(name.lastIndexOf('/') + 1);
  return `${comment(file, ': its types, written by rootlet types. Do not edit.')}\n\n`;
}

function part(name: string, entries: readonly Entry[]): string[] {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const lines = sorted.flatMap(entry => entry.lines.map(line => `    ${line}`));
  return [`  readonly ${name}: {`, ...lines, '  };'];
}

class ObjectWriter {
  readonly untyped: string[] = [];
  readonly #object: BpfObject;
  readonly #types: TypeScriptTypes | null;
  readonly #records: ReadonlyMap<string, string>;

  constructor(object: BpfObject, types: TypeScriptTypes | null, records: ReadonlyMap<string, string>) {
    this.#object = object;
    this.#types = types;
    this.#records = records;
    const maps = object.symbols.flatMap(symbol => (symbol.kind === 'map' ? [symbol.name] : []));
    for (const name of records.keys()) {
      if (!maps.includes(name))
        throw usageError('load-no-map', `there is no map ${quote(name)}; ${available('there are', maps)}`);
    }
  }

  programs(): Entry[] {
    return programsOf(this.#object).map(({ program }) => {
      const section = sectionNameOf(this.#object, program);
      const type = programTypeOf(section);
      const value = type === undefined ? 'string' : literal(progTypeName(type.progType));
      return entry(program.name, [
        comment(`SEC("${section}") ${this.#declared(program.btfId, program.name)}`),
        `readonly ${property(program.name)}: ${value};`,
      ]);
    });
  }

  maps(): Entry[] {
    return this.#object.symbols.flatMap(symbol => (symbol.kind === 'map' ? [this.#map(symbol)] : []));
  }

  #map(symbol: MapSymbol): Entry {
    const definition = parseMapDefinition(this.#object, symbol);
    const members = holdsRecords(definition.type)
      ? this.#recordsOf(definition)
      : this.#elementsOf(definition);
    return entry(symbol.name, [
      comment(this.#titleOf(definition)),
      `readonly ${property(symbol.name)}: {`,
      ...members.map(member => `  readonly ${member};`),
      '};',
    ]);
  }

  #titleOf({ type, keyType, valueType }: MapDefinition): string {
    const { btf } = this.#object;
    const known = [keyType, valueType].filter(id => id !== 0 && btf !== null);
    const shown = known.map(id => (btf === null ? '' : formatType(btf, id)));
    return [mapTypeName(type), ...(shown.length === 0 ? [] : [shown.join(' -> ')])].join(': ');
  }

  #elementsOf(definition: MapDefinition): string[] {
    const { name, type, keyType, keySize, valueType } = definition;
    const key = this.#fitting(keyType, keySize, `${name}_key`);
    const value = this.#fitting(valueType, kernelValueSize(definition), `${name}_value`);
    return elements({ key, value, perCpu: isPerCpu(type) && value !== BYTES });
  }

  /** Elements of such a map cannot be read: no key exists. */
  #recordsOf({ name, type, valueType }: MapDefinition): string[] {
    const { btf } = this.#object;
    const named = this.#records.get(name);
    const id = named === undefined || btf === null ? recordType(btf, type, valueType) : findType(btf, named);
    if (id === 0) this.untyped.push(name);
    return elements({ key: 'never', value: this.#typeOf(id, `${name}_record`), perCpu: false });
  }

  globals(): Entry[] {
    const variables = this.#object.symbols.flatMap(symbol => (symbol.kind === 'variable' ? [symbol] : []));
    const shown = variables.filter(variable => this.#isGlobal(variable));
    const counts = new Map<string, number>();
    for (const { name } of shown) counts.set(name, (counts.get(name) ?? 0) + 1);
    return shown.map(variable => {
      const { name } = variable;
      const section = sectionNameOf(this.#object, variable);
      return this.#global(variable, section, counts.get(name) === 1 ? name : `${section}:${name}`);
    });
  }

  /** Constants of the compiler, such as strings, have names that nothing needs, and no type. */
  #isGlobal(variable: VariableSymbol): boolean {
    const section = sectionNameOf(this.#object, variable);
    if (variable.name === '' || (globalsKind(section) === undefined && section !== ARENA_SECTION))
      return false;
    return variable.btfId !== 0 || this.#object.btf === null;
  }

  #global(variable: VariableSymbol, section: string, name: string): Entry {
    const value = this.#typeOf(variable.btfId, variable.name);
    const title = comment(this.#declared(variable.btfId, variable.name));
    const member = property(name);
    if (globalsKind(section) === 'rodata') return entry(name, [title, `readonly ${member}: ${value};`]);
    if (SAME_WHEN_WRITTEN.has(value)) return entry(name, [title, `${member}: ${value};`]);
    return entry(name, [title, `get ${member}(): ${value};`, `set ${member}(value: BtfInput<${value}>);`]);
  }

  #declared(id: BtfId, name: string): string {
    const { btf } = this.#object;
    if (btf === null || id === 0) return name;
    const type = btf.type(id);
    return type.kind === 'var' ? formatDeclaration(btf, type.type, name) : formatType(btf, id);
  }

  /** As `TypedMap` decides: a type of another size is not used. */
  #fitting(id: BtfId, size: number, hint: string): string {
    const { btf } = this.#object;
    return btf === null || id === 0 || sizeOfType(btf, id) !== size ? BYTES : this.#typeOf(id, hint);
  }

  #typeOf(id: BtfId, hint: string): string {
    return id === 0 || this.#types === null ? BYTES : this.#types.typeOf(id, hint);
  }
}

/** Members of the entry of a map. */
function elements(one: { readonly key: string; readonly value: string; readonly perCpu: boolean }): string[] {
  const { key, value, perCpu } = one;
  return [
    `key: ${key}`,
    `value: ${perCpu ? listOf(value) : value}`,
    `keyInput: ${inputOf(key)}`,
    `valueInput: ${inputOf(value)}`,
  ];
}

function inputOf(type: string): string {
  return type === 'never' || type === BYTES ? type : `BtfInput<${type}>`;
}

const BYTES = 'Uint8Array';
const SAME_WHEN_WRITTEN: ReadonlySet<string> = new Set(['number', 'boolean', 'string', BYTES]);

function entry(name: string, lines: readonly string[]): Entry {
  return { name, lines };
}
