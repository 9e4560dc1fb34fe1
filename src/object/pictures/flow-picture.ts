/**
 * The control flow of one function as a picture: basic blocks with the lines of C that they came from, and what leads
 * from one to another. Blocks are those that the embedded machine compiles.
 */

import { elementAt } from '../../bytes/index.ts';
import { available, counted, didYouMean, type Limits, quote, usageError } from '../../diag/index.ts';
import {
  type Block,
  blockStarts,
  CodeView,
  cutBlocks,
  disassembleAt,
  dominates,
  dominators,
  predecessorsOf,
  reachedBlocks,
  successorsOf,
} from '../../isa/index.ts';
import { boundedPicture, type NodeKind, type Picture, type PictureEdge } from '../../picture/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  jumpTargets,
  type SymbolIndex,
  sectionNameOf,
} from '../model/index.ts';
import { BlockText } from './block-text.ts';

export interface FlowOptions {
  /** Show instructions also where lines of C are known. Default false. */
  readonly disassemble?: boolean;
  readonly limits?: Limits | undefined;
}

/**
 * The control flow of a function as a picture. Throws `object-no-function` for a name of none, `picture-limit` for a
 * function with too many blocks.
 */
export function flowPicture(object: BpfObject, name: string, options: FlowOptions = {}): Picture {
  const found = functionNamed(object, name);
  const draw = (): Picture => pictureOf(object, found, options);
  const where = [object.name, `function ${quote(name)}`];
  const instead = '"rootlet inspect --disasm" prints the code';
  return boundedPicture([{ without: '', draw }], { limits: options.limits, where, instead });
}

interface Found {
  readonly index: SymbolIndex;
  readonly symbol: FunctionSymbol;
  /** Functions of that name: static ones of several files may share it. */
  readonly namesakes: number;
}

function functionNamed(object: BpfObject, name: string): Found {
  const functions = object.symbols.flatMap((symbol, index) =>
    symbol.kind === 'function' ? [{ index, symbol }] : [],
  );
  const found = functions.filter(({ symbol }) => symbol.name === name);
  const [first] = found;
  if (first !== undefined) return { ...first, namesakes: found.length };
  const names = functions.map(({ symbol }) => symbol.name);
  throw usageError('object-no-function', `${quote(object.name)} has no function ${quote(name)}`, {
    subject: name,
    ...didYouMean(name, names, available('it has', names.slice(0, MOST_LISTED))),
  });
}

/** Names in a hint. */
const MOST_LISTED = 12;

function pictureOf(object: BpfObject, { index, symbol, namesakes }: Found, options: FlowOptions): Picture {
  const code = new CodeView(symbol.code, object.byteOrder);
  const blocks = blocksOf(object, index, code);
  const text = new BlockText(object, symbol, code, options.disassemble === true);
  const edges = edgesOf(code, blocks);
  const loops = new Set(edges.filter(({ kind }) => kind === 'loop').map(({ to }) => to)).size;
  const size = `${counted(blocks.length, 'block')}, ${counted(code.length, 'instruction')}`;
  return {
    title: symbol.name,
    details: [
      `control flow, ${object.name}, section ${sectionNameOf(object, symbol)}`,
      `${size}, ${counted(loops, 'loop')}${text.file === '' ? '' : `; lines of ${text.file}`}`,
    ],
    direction: 'down',
    nodes: blocks.map((block, at) => ({
      id: String(at),
      kind: kindOf(block, at),
      label: text.labelOf(block),
      details: text.linesOf(block),
    })),
    edges,
    clusters: [],
    marked: null,
    notes: [
      ...(namesakes === 1 ? [] : [`the first of ${namesakes} functions of this name`]),
      ...unreached(blocks, code),
    ],
  };
}

function blocksOf(object: BpfObject, index: SymbolIndex, code: CodeView): Block[] {
  const starts = blockStarts(code);
  const indirect = jumpTargets(object, index).filter(slot => slot < code.length);
  for (const slot of indirect) starts[slot] = 1;
  return reachedBlocks(cutBlocks({ code, starts, indirect }));
}

function kindOf({ terminator }: Block, at: number): NodeKind {
  if (at === 0) return 'entry';
  return terminator.kind === 'exit' ? 'exit' : 'block';
}

function unreached(blocks: readonly Block[], code: CodeView): string[] {
  const reached = blocks.reduce((sum, { start, end }) => sum + end - start, 0);
  return reached === code.length
    ? []
    : [`${counted(code.length - reached, 'instruction')} that nothing reaches`];
}

// --- edges --------------------------------------------------------------------------------------------------------

function edgesOf(code: CodeView, blocks: readonly Block[]): PictureEdge[] {
  const successors = (at: number): readonly number[] => successorsOf(elementAt(blocks, at));
  const order = blocks.map((_, at) => at);
  const dominator = dominators(predecessorsOf(blocks.length, order, successors));
  return blocks.flatMap((block, from) =>
    [...new Set(successors(from))].map((to): PictureEdge => {
      const isBack = to <= from && dominates(dominator, to, from);
      const [kind, label] = wayOf(code, block, to);
      return { from: String(from), to: String(to), kind: isBack ? 'loop' : kind, label, marked: false };
    }),
  );
}

function wayOf(
  code: CodeView,
  { terminator, last }: Block,
  to: number,
): readonly [kind: PictureEdge['kind'], label: string] {
  if (terminator.kind === 'switch') return ['jump', 'jump table'];
  if (terminator.kind !== 'branch') return ['jump', ''];
  return terminator.taken === to ? ['taken', conditionAt(code, last)] : ['next', ''];
}

/** `r1 == 0` of `if r1 == 0 goto +2`. */
function conditionAt(code: CodeView, slot: number): string {
  const { text } = disassembleAt(code, slot);
  const [, condition] = /^if (.*) goto /.exec(text) ?? [];
  return condition ?? text;
}
