/** What a basic block says: lines of C by the records of `.BTF.ext`, instructions where there are none. */

import type { LineRecord } from '../../btf/index.ts';
import { type Block, type CodeView, disassembleAt } from '../../isa/index.ts';
import { referenceText } from '../analysis/index.ts';
import type { BpfObject, FunctionSymbol } from '../model/index.ts';

/** Lines of a block that are shown, without and with instructions; longer ones end with the number of the others. */
const MOST_LINES = 16;
const MOST_LINES_OF_CODE = 48;

export class BlockText {
  /** The file of the first record, without directories; '' without records. */
  readonly file: string;
  readonly #code: CodeView;
  readonly #records: readonly LineRecord[];
  readonly #names: ReadonlyMap<number, string>;
  readonly #withCode: boolean;

  constructor(object: BpfObject, symbol: FunctionSymbol, code: CodeView, withCode: boolean) {
    this.#code = code;
    this.#records = Array.from(symbol.lines);
    this.#withCode = withCode;
    this.#names = new Map(
      symbol.references.map(reference => [reference.insnIndex, referenceText(object, reference)]),
    );
    const [first] = this.#records;
    this.file = first === undefined ? '' : baseName(first.file);
  }

  labelOf({ start, end, terminator }: Block): string {
    const range = end - start === 1 ? `${start}` : `${start}–${end - 1}`;
    if (terminator.kind === 'falls-off') return `${range}  runs past the end`;
    return terminator.kind === 'malformed' ? `${range}  ends in a jump that no program may have` : range;
  }

  linesOf(block: Block): string[] {
    const source = this.#sourceOf(block);
    const lines = source.length > 0 && !this.#withCode ? source : [...source, ...this.#insnsOf(block)];
    const most = this.#withCode ? MOST_LINES_OF_CODE : MOST_LINES;
    if (lines.length <= most) return lines;
    return [...lines.slice(0, most - 1), `… ${lines.length - most + 1} more lines`];
  }

  /** Each line once where the code stays in it. */
  #sourceOf({ start, end }: Block): string[] {
    const inside = this.#records.filter(({ insnIndex }) => insnIndex > start && insnIndex < end);
    const before = this.#records.findLast(({ insnIndex }) => insnIndex <= start);
    const texts = [...(before === undefined ? [] : [before]), ...inside].map(record =>
      this.#lineText(record),
    );
    return texts.filter((text, at) => text !== texts[at - 1]);
  }

  #lineText({ file, line, text }: LineRecord): string {
    const name = baseName(file);
    const place = name === this.file ? String(line).padStart(4) : `${name}:${line}`;
    return `${place}  ${text.trim()}`;
  }

  #insnsOf({ start, end }: Block): string[] {
    const lines: string[] = [];
    for (let slot = start; slot < end; slot += this.#code.width(slot)) {
      const { text } = disassembleAt(this.#code, slot, this.#names.get(slot));
      lines.push(`${String(slot).padStart(4)}: ${text}`);
    }
    return lines;
  }
}

/** Directories belong to the machine that compiled. */
function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
