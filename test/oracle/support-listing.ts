/**
 * Source lines and CO-RE records as llvm-objdump shows them: it reads `.BTF.ext` itself.
 *
 * A line is not shown when the instruction before has the same one; lines of a function's first instruction are left out
 * here, because what is before it depends on the layout.
 */

import type { CodeView } from '../../src/isa/opcodes.ts';
import { COMMANDS, findCommand } from '../support/needs.ts';
import { outputOf } from '../support/run.ts';

/** What is at one byte offset of a section. */
export interface ShownItem {
  readonly section: string;
  readonly offset: number;
  readonly kind: 'line' | 'CO-RE';
  readonly text: string;
}

/** For each file all that is shown, in file order. */
export function readListing(files: readonly string[]): (readonly ShownItem[])[] {
  const tool = findCommand(COMMANDS['llvm-objdump']) ?? '';
  const output = outputOf(tool, ['-d', '-r', '-l', '--no-show-raw-insn', ...files]);
  return output
    .split(/^.*:\tfile format .*$/m)
    .slice(1)
    .map(readChunk);
}

function readChunk(text: string): ShownItem[] {
  const items: ShownItem[] = [];
  let section = '';
  let pending: string | undefined;
  for (const line of text.split('\n')) {
    section = /^Disassembly of section (.*):$/.exec(line)?.[1] ?? section;
    if (line.startsWith('; ')) pending = line.slice(2);
    const insn = /^ +(\d+):\t/.exec(line)?.[1];
    if (insn !== undefined) {
      if (pending !== undefined)
        items.push({ section, offset: Number(insn) * 8, kind: 'line', text: pending });
      pending = undefined;
    }
    const record = /^\t\t([0-9a-f]{16}): {2}CO-RE (.*)$/.exec(line);
    if (record?.[1] !== undefined && record[2] !== undefined) {
      const offset = Number.parseInt(record[1], 16);
      items.push({ section, offset, kind: 'CO-RE', text: record[2].replace(/\[\d+\]/, '[]') });
    }
  }
  return items;
}

/** The items of one function, as `instruction text`. */
export function shownOf(
  items: readonly ShownItem[],
  kind: ShownItem['kind'],
  place: { readonly section: string; readonly start: number; readonly end: number },
): string {
  return items
    .filter(item => item.kind === kind && item.section === place.section)
    .filter(({ offset }) => offset >= place.start && offset < place.end)
    .filter(({ offset }) => kind !== 'line' || offset > place.start)
    .map(({ offset, text }) => `${(offset - place.start) / 8} ${text}`)
    .join('; ');
}

/** What llvm-objdump shows of these line records. */
export function shownLines(
  code: CodeView,
  records: readonly { readonly insnIndex: number; readonly file: string; readonly line: number }[],
): string {
  const places = new Map(records.map(record => [record.insnIndex, record]));
  const shown: string[] = [];
  let before: string | undefined;
  for (let at = 0; at < code.length; at += code.width(at)) {
    const record = places.get(at);
    const place = record === undefined ? undefined : `${record.file}:${record.line}`;
    // Line 0 is code that comes from no line.
    if (at > 0 && record?.line !== 0 && place !== undefined && place !== before) shown.push(`${at} ${place}`);
    before = place;
  }
  return shown.join('; ');
}
