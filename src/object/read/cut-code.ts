import { inputError, quote } from '../../diag/index.ts';
import { type ElfSymbol, STB_LOCAL, STT_FUNC, STT_NOTYPE } from '../../elf/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import {
  bindingOf,
  type Cutter,
  firstAtLeast,
  overlapError,
  placeOf,
  placesOf,
  pushAlias,
  pushAtom,
  visibilityOf,
} from './cutter.ts';
import { type AtomDraft, newDraft } from './draft.ts';

export function cutCode(cutter: Cutter, entries: readonly number[]): void {
  const code = cutter.section.bytes.slice();
  const named = cutter.symbols.filter(({ symbol }) => isFunctionSymbol(symbol));
  let end = 0;
  const places = placesOf(cutter, named);
  places.forEach(({ first: { index, symbol }, aliases }, position) => {
    const start = symbol.value;
    const next = places[position + 1]?.first.symbol;
    if (next?.value === start) throw overlapError(cutter, symbol, next);
    const size = symbol.size > 0 ? symbol.size : (next?.value ?? code.length) - start;
    if (start < end) throw overlapError(cutter, places[position - 1]?.first.symbol, symbol);
    if (start % INSN_SIZE !== 0 || size % INSN_SIZE !== 0 || size === 0) {
      throw inputError(
        'object-function-extent',
        [...placeOf(cutter), `function ${quote(symbol.name)}`],
        `starts at ${start} and has ${size} bytes; both must be multiples of 8`,
        { offset: start },
      );
    }
    cutHole(cutter, code, end, start, entries);
    const atom = pushAtom(cutter, functionDraft(code, start, size, symbol));
    cutter.ofElfSymbol[index] = atom;
    for (const alias of aliases) pushAlias(cutter, alias, atom);
    end = start + size;
  });
  cutHole(cutter, code, end, code.length, entries);
}

/** A global without a type comes from assembly that left out `.type`; local ones are labels. */
function isFunctionSymbol(symbol: ElfSymbol): boolean {
  return symbol.type === STT_FUNC || (symbol.type === STT_NOTYPE && symbol.binding !== STB_LOCAL);
}

function functionDraft(code: Uint8Array, start: number, size: number, symbol: ElfSymbol | null): AtomDraft {
  return newDraft({
    kind: 'function',
    name: symbol?.name ?? '',
    binding: symbol === null ? 'local' : bindingOf(symbol),
    visibility: symbol === null ? 'default' : visibilityOf(symbol),
    offset: start,
    size,
    align: INSN_SIZE,
    bytes: code.subarray(start, start + size),
  });
}

function cutHole(
  cutter: Cutter,
  code: Uint8Array,
  start: number,
  end: number,
  entries: readonly number[],
): void {
  let position = firstAtLeast(entries, start);
  for (let entry = entries[position]; entry !== undefined && entry < end; entry = entries[position]) {
    position++;
    const next = Math.min(entries[position] ?? end, end);
    if (next > entry && entry % INSN_SIZE === 0)
      pushAtom(cutter, functionDraft(code, entry, next - entry, null));
  }
}
