/**
 * YAML files as trees of nodes with places.
 *
 * The one file that uses the YAML library. A file is hostile: its size, the depth of its collections and the
 * number of nodes that aliases stand for are bounded before anything recursive sees them. YAML 1.2 core schema:
 * `on` and `yes` are text.
 */

import { Composer, type Document, isAlias, isMap, isScalar, isSeq, LineCounter } from 'yaml';
import { elementAt, given, type InputFile } from '../../bytes/index.ts';
import {
  counted,
  describeLimit,
  type Limits,
  limitOf,
  type Problem,
  problem,
  quote,
  raiseHint,
} from '../../diag/index.ts';
import { parseTokens } from './yaml-depth.ts';

/** `FILE:LINE:COLUMN`, both from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type YamlScalar = string | bigint | number | boolean | null;

/** A value of a document; aliases are what they refer to. */
export type YamlNode =
  | { readonly kind: 'scalar'; readonly place: Place; readonly value: YamlScalar }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly YamlNode[] }
  | { readonly kind: 'record'; readonly place: Place; readonly entries: readonly YamlEntry[] };

export interface YamlEntry {
  readonly key: string;
  /** Place of the key. */
  readonly place: Place;
  readonly value: YamlNode;
}

/** The documents of a file that are valid YAML and not empty, and what is wrong with the others. */
export interface YamlFile {
  readonly documents: readonly YamlNode[];
  readonly problems: readonly Problem[];
}

/** Collections in collections. Documents have three levels, values of variables a few more. */
const MOST_DEPTH = 32;

export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** All documents of a file. What is wrong is returned, none is thrown. */
export function parseYaml(file: InputFile, limits?: Limits): YamlFile {
  const text = textOf(file, limitOf(limits, 'document'));
  if (typeof text !== 'string') return { documents: [], problems: [text] };
  const lines = new LineCounter();
  const parsed = parseTokens(text, MOST_DEPTH, lines.addNewLine);
  const reader = new Reader(file.name, lines, limitOf(limits, 'nodes'));
  if (!parsed.ok) {
    const message = `collections are nested in more than ${MOST_DEPTH} levels`;
    return { documents: [], problems: [reader.problem('chain-document-limit', parsed.offset, message)] };
  }
  const composer = new Composer({ prettyErrors: false, intAsBigInt: true, stringKeys: true, version: '1.2' });
  const documents = [...composer.compose(parsed.tokens)].flatMap(document => reader.read(document) ?? []);
  return { documents, problems: reader.problems };
}

function textOf({ name, bytes }: InputFile, limit: number): string | Problem {
  if (bytes.length > limit) {
    const most = describeLimit('document', limit);
    const message = `has ${counted(bytes.length, 'byte')}; a file of chains has at most ${most}`;
    const hint = raiseHint('document', limit, bytes.length);
    return problem('chain-document-limit', [name], message, given({ hint }));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return problem('chain-document-syntax', [name], 'is not UTF-8 text', {
      hint: 'documents of chains are YAML; object files are named in them',
    });
  }
}

/** A collection that is being read, or has been, with the number of nodes that it stands for. */
interface Anchored {
  node: YamlNode | null;
  count: number;
}

/** What is read of one file: the number of nodes and the problems are those of all its documents. */
class Reader {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #mostNodes: number;
  #nodes = 0;
  #anchors = new Map<string, Anchored>();

  constructor(file: string, lines: LineCounter, mostNodes: number) {
    this.#file = file;
    this.#lines = lines;
    this.#mostNodes = mostNodes;
  }

  /** Undefined for a document that is empty or has problems. */
  read(document: Document.Parsed): YamlNode | undefined {
    this.#anchors = new Map();
    const before = this.problems.length;
    for (const { code, pos, message } of [...document.errors, ...document.warnings])
      this.#syntax(code, pos[0], message);
    const { directives, contents } = document;
    if (directives.yaml.version !== '1.2') {
      const message = `is YAML ${directives.yaml.version}, where "on" is not text`;
      this.#syntax('BAD_DIRECTIVE', contents?.range[0] ?? document.range[0], message);
    }
    if (this.problems.length > before || isEmpty(contents)) return undefined;
    const node = this.#node(contents);
    return this.problems.length > before ? undefined : node;
  }

  problem(code: 'chain-document-limit' | 'chain-document-syntax', offset: number, message: string): Problem {
    return problem(code, [placeText(this.#placeOf(offset))], message);
  }

  #syntax(code: string, offset: number, message: string): void {
    const own = SYNTAX.get(code);
    const text = own ?? `is not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
    const found = this.problem('chain-document-syntax', offset, code === 'BAD_DIRECTIVE' ? message : text);
    this.problems.push(code === 'TAG_RESOLVE_FAILED' ? { ...found, subject: message } : found);
  }

  #placeOf(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #node(node: unknown): YamlNode | undefined {
    if (++this.#nodes > this.#mostNodes) return this.#tooMany(node);
    if (isAlias(node)) return this.#alias(node.source, startOf(node));
    const place = this.#placeOf(startOf(node));
    const anchored: Anchored = { node: null, count: this.#nodes };
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, anchored);
    const read = this.#value(node, place);
    anchored.node = read ?? null;
    anchored.count = this.#nodes - anchored.count + 1;
    return read;
  }

  #value(node: unknown, place: Place): YamlNode | undefined {
    if (isSeq(node))
      return { kind: 'list', place, items: node.items.flatMap(item => this.#node(item) ?? []) };
    if (isMap(node)) return { kind: 'record', place, entries: node.items.flatMap(pair => this.#pair(pair)) };
    return { kind: 'scalar', place, value: isScalar(node) ? scalarOf(node.value) : null };
  }

  #pair({ key, value }: { readonly key: unknown; readonly value: unknown }): YamlEntry[] {
    const place = this.#placeOf(startOf(key));
    // a key without a value is null at the place of the key
    const read = value === null ? ({ kind: 'scalar', place, value: null } as const) : this.#node(value);
    return read === undefined ? [] : [{ key: isScalar(key) ? String(key.value) : '', place, value: read }];
  }

  #alias(name: string, offset: number): YamlNode | undefined {
    const anchored = this.#anchors.get(name);
    if (anchored === undefined) return this.#refuse(offset, `there is no anchor ${quote(name)} before`);
    if (anchored.node === null) return this.#refuse(offset, `alias ${quote(name)} contains itself`);
    this.#nodes += anchored.count - 1;
    return this.#nodes > this.#mostNodes ? this.#tooMany(undefined, offset) : anchored.node;
  }

  #refuse(offset: number, message: string): undefined {
    this.problems.push(this.problem('chain-document-syntax', offset, message));
  }

  /** Reported once. */
  #tooMany(node: unknown, offset = startOf(node)): undefined {
    if (this.problems.some(({ code }) => code === 'chain-document-limit')) return;
    const message = `the file has more than ${this.#mostNodes} values, those of aliases included`;
    const refused = this.problem('chain-document-limit', offset, message);
    this.problems.push({ ...refused, ...given({ hint: raiseHint('nodes', this.#mostNodes) }) });
  }
}

/** Better words for errors of the library. */
const SYNTAX: ReadonlyMap<string, string> = new Map([
  ['DUPLICATE_KEY', 'the key is given twice'],
  ['NON_STRING_KEY', 'a key is text, not a collection'],
  ['TAG_RESOLVE_FAILED', 'the tag is not known'],
]);

function isEmpty(contents: Document.Parsed['contents']): boolean {
  return contents === null || (isScalar(contents) && contents.value === null && contents.source === '');
}

function scalarOf(value: unknown): YamlScalar {
  const isKnown =
    typeof value === 'string' ||
    typeof value === 'bigint' ||
    typeof value === 'number' ||
    typeof value === 'boolean';
  return isKnown ? value : null;
}

function startOf(node: unknown): number {
  const isNode = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
  return isNode && node.range != null ? elementAt(node.range, 0) : 0;
}
