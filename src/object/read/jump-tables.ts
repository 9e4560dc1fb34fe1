/**
 * LLVM jump tables (`.jumptables`, for indirect jumps).
 *
 * An entry is 8 bytes: the byte offset of its target in the section of the function that uses the table. In
 * the file, only the code that loads the table's address shows this. As references the entries follow their
 * function when it moves; libbpf copies them unchanged.
 */

import { viewOf } from '../../bytes/index.ts';
import { inputError, quote } from '../../diag/index.ts';
import { ATOM, type Image, REFERENCE, REFERENCE_KIND, UNIT } from '../../image/index.ts';
import { JUMP_TABLE_ENTRY, JUMP_TABLES } from '../model/index.ts';
import { AtomRow, atomRows, type NewReference } from './atom-rows.ts';

/** Turns the entries of every jump table that code refers to into references. Throws `object-jump-table`. */
export function readJumpTables(image: Image, unit: number): void {
  for (const user of atomRows(image, unit)) {
    if (!user.isFunction || user.owner !== undefined) continue;
    for (const reference of user.references) {
      const target = new AtomRow(image, image.get(REFERENCE.atom, reference));
      const isTable = target.get(ATOM.shell) !== 0 && target.sectionName === JUMP_TABLES;
      if (isTable && target.references.length === 0) readEntries(image, unit, user, target);
    }
  }
}

function readEntries(image: Image, unit: number, user: AtomRow, target: AtomRow): void {
  const where = [`section ${quote(JUMP_TABLES)}`, quote(target.name), `used by ${quote(user.name)}`];
  const { size, bytes } = target;
  if (target.get(ATOM.at) === 0 || size % JUMP_TABLE_ENTRY !== 0)
    throw inputError('object-jump-table', where, `has ${size} bytes, not a multiple of ${JUMP_TABLE_ENTRY}`);
  const view = viewOf(bytes);
  const little = image.get(UNIT.order, unit) === 0;
  const entries: NewReference[] = [];
  for (let place = 0; place < size; place += JUMP_TABLE_ENTRY) {
    const addend = entryAt(view, place, little, where) - user.offset;
    if (addend < 0 || addend >= user.size || addend % JUMP_TABLE_ENTRY !== 0) {
      const message = `entry ${place / JUMP_TABLE_ENTRY} is outside the function`;
      target.setReferences(entries);
      throw inputError('object-jump-table', where, message, { offset: place });
    }
    entries.push({ kind: REFERENCE_KIND.codeWide, place, atom: user, addend });
  }
  target.setReferences(entries);
  image.bytes.fill(0, target.get(ATOM.at), target.get(ATOM.at) + size);
}

function entryAt(view: DataView, place: number, little: boolean, where: readonly string[]): number {
  const entry = view.getBigInt64(place, little);
  if (entry === BigInt.asIntN(53, entry)) return Number(entry);
  throw inputError('object-addend', where, `holds the addend ${entry}, which is not an offset`, {
    offset: place,
  });
}
