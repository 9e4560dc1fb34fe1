/**
 * A link as a picture: a frame for each input with what it gave, the externs that found their definition in another
 * input, and what was discarded with the reason. All of it is in the report of the link.
 */

import { counted, type Limits } from '../../diag/index.ts';
import { isProgramPlace, isTextSection } from '../../object/index.ts';
import {
  boundedPicture,
  edge,
  type NodeKind,
  node,
  type Picture,
  type PictureEdge,
  type PictureNode,
} from '../../picture/index.ts';
import { SINGLE_SECTIONS } from '../resolve/index.ts';
import { filesPicture, headOf } from './files-picture.ts';
import { type Discarded, discardText, type LinkReport, type ReportedSymbol } from './report.ts';

/** What a picture takes of a slot. */
export interface PicturedSlot {
  readonly slot: string;
  /** Name of the function in the result. */
  readonly function: string;
  readonly component: string | null;
}

/** The report of a link, or of a re-link. */
export interface PicturedLink extends LinkReport {
  readonly slots?: readonly PicturedSlot[];
}

/** None for a link. */
function slotsIn({ slots }: PicturedLink): readonly PicturedSlot[] {
  return slots === undefined ? [] : slots;
}

/**
 * A link as a picture; `name` is that of the result. Of a link with too many symbols for the limit `picture`, those that
 * have no part in resolution are left out first. Throws `picture-limit` where the files alone are too many.
 */
export function linkPicture(name: string, report: PicturedLink, limits?: Limits): Picture {
  const drawings = [
    { without: '', draw: () => symbolsPicture(name, report, () => true) },
    {
      without: 'static symbols and what is unused',
      draw: () => symbolsPicture(name, report, isInResolution),
    },
    { without: 'single symbols', draw: () => filesPicture(name, report) },
  ];
  const instead = 'link fewer files at once';
  return boundedPicture(drawings, { limits, where: [name], instead });
}

type Shown = ReportedSymbol | Discarded;

function isInResolution(symbol: Shown): boolean {
  return 'binding' in symbol ? symbol.binding !== 'local' : symbol.winner !== null;
}

function symbolsPicture(name: string, report: PicturedLink, isShown: (symbol: Shown) => boolean): Picture {
  const parts = new Parts(report);
  for (const symbol of report.symbols) if (isShown(symbol)) parts.addSymbol(symbol);
  for (const discarded of report.discarded) if (isShown(discarded)) parts.addDiscarded(discarded);
  const edges = [...boundEdges(report, parts), ...overrideEdges(report, parts)];
  return {
    title: name,
    details: [headOf(report)],
    direction: 'right',
    nodes: [...parts.nodes.values()],
    edges,
    clusters: parts.clusters(),
    marked: null,
    notes: [],
  };
}

// --- nodes --------------------------------------------------------------------------------------------------------

class Parts {
  readonly nodes = new Map<string, PictureNode>();
  readonly #report: PicturedLink;
  readonly #slots: ReadonlySet<string>;
  /** Earlier name of a symbol, by file and name in the result. */
  readonly #renamed: ReadonlyMap<string, string>;
  readonly #byFile = new Map<string, string[]>();
  /** Ids by file and by each name that a symbol of the result has or had. */
  readonly #found = new Map<string, string>();

  constructor(report: PicturedLink) {
    this.#report = report;
    this.#slots = new Set(slotsIn(report).map(one => one.slot));
    this.#renamed = new Map(report.renames.map(({ file, from, to }) => [key(file, to), from]));
  }

  addSymbol(symbol: ReportedSymbol): void {
    const { name, file, section, size, kind } = symbol;
    if (kind === 'extern' || SINGLE_SECTIONS.has(section)) return;
    const before = this.#renamed.get(key(file, name));
    const details = [
      `${section}, ${counted(size, 'byte')}`,
      ...(before === undefined ? [] : [`renamed, was ${before}`]),
    ];
    const id = this.#add(file, node(`symbol ${key(file, name)}`, this.#kindOf(symbol), name, details));
    for (const known of [name, ...(before === undefined ? [] : [before])])
      if (!this.#found.has(key(file, known))) this.#found.set(key(file, known), id);
  }

  #kindOf({ kind, section, binding, name }: ReportedSymbol): NodeKind {
    if (kind !== 'function') return kind;
    const isText = isTextSection(section);
    if (isProgramPlace(isText, binding)) return 'program';
    if (binding === 'local') return 'subprogram';
    return this.#slots.has(name) ? 'slot' : 'function';
  }

  addDiscarded(discarded: Discarded): void {
    const { file, kind, size } = discarded;
    const details = [`${kind}, ${counted(size, 'byte')}`, discardText(discarded)];
    this.#add(file, node(discardedId(discarded), 'discarded', discarded.name, details));
  }

  /** A declaration in a file; the same node for all uses of it. */
  extern(file: string, name: string, details: readonly string[]): string {
    return this.#add(file, node(`extern ${key(file, name)}`, 'extern', name, details));
  }

  /** What `name` of a file became; undefined where it has no node. */
  find(file: string, name: string): string | undefined {
    return this.#found.get(key(file, name));
  }

  #add(file: string, added: PictureNode): string {
    if (this.nodes.has(added.id)) return added.id;
    this.nodes.set(added.id, added);
    const ids = this.#byFile.get(file);
    if (ids === undefined) this.#byFile.set(file, [added.id]);
    else ids.push(added.id);
    return added.id;
  }

  clusters(): Picture['clusters'] {
    const details = new Map(
      this.#report.inputs.map(input => [
        input.name,
        `${counted(input.symbols, 'symbol')}, ${counted(input.types, 'type')}`,
      ]),
    );
    const files = new Set([...this.#report.inputs.map(input => input.name), ...this.#byFile.keys()]);
    return [...files].flatMap(file => {
      const nodes = this.#byFile.get(file);
      const text = details.get(file);
      return nodes === undefined ? [] : [{ label: file, details: text === undefined ? [] : [text], nodes }];
    });
  }
}

function key(file: string, name: string): string {
  return `${file}\0${name}`;
}

function discardedId({ file, name, reason }: Discarded): string {
  return `${reason} ${key(file, name)}`;
}

// --- edges --------------------------------------------------------------------------------------------------------

function boundEdges({ bound, symbols, discarded }: PicturedLink, parts: Parts): PictureEdge[] {
  const edges = bound.flatMap(({ name, kind, file, definition, winner, by }) => {
    const lost = discarded.find(one => one.file === winner && one.name === definition);
    const to = parts.find(winner, definition) ?? (lost === undefined ? undefined : discardedId(lost));
    if (to === undefined || !parts.nodes.has(to)) return [];
    return [edge(parts.extern(file, name, [kind]), to, 'bind', by === 'name' ? '' : 'as requested')];
  });
  for (const { kind, file, name } of symbols) if (kind === 'extern') parts.extern(file, name, ['left open']);
  return edges;
}

function overrideEdges(report: PicturedLink, parts: Parts): PictureEdge[] {
  const filled = new Map(slotsIn(report).map(one => [one.slot, one.function]));
  return report.discarded.flatMap(one => {
    if (one.winner === null || !parts.nodes.has(discardedId(one))) return [];
    const isSlot = one.reason === 'slot';
    const to = parts.find(one.winner, isSlot ? (filled.get(one.name) ?? one.name) : one.name);
    return to === undefined ? [] : [edge(discardedId(one), to, 'override', isSlot ? 'slot' : one.reason)];
  });
}
