/**
 * LLVM jump tables (`.jumptables`, for indirect jumps).
 *
 * An entry is 8 bytes: the byte offset of its target in the section of the function that uses the table. In
 * the file, only the code that loads the table's address shows this. As references the entries follow their
 * function when it moves; libbpf copies them unchanged.
 */

import { inputError, quote } from '../../diag/index.ts';
import type { ElfFile } from '../../elf/index.ts';
import { JUMP_TABLE_ENTRY, JUMP_TABLES } from '../model/index.ts';
import { addendInData } from './addend.ts';
import { type AtomDraft, type AtomTable, draftAt, type SectionAtoms } from './draft.ts';

/** Turns the entries of every jump table that code refers to into references. */
export function readJumpTables(elf: ElfFile, table: AtomTable): void {
  const tables = [...table.bySection.values()].find(section => section.name === JUMP_TABLES);
  if (tables === undefined) return;
  for (const section of table.bySection.values()) {
    if (section.role === 'code')
      for (const index of section.members) readTablesOf({ elf, table, tables }, index);
  }
}

interface Context {
  readonly elf: ElfFile;
  readonly table: AtomTable;
  readonly tables: SectionAtoms;
}

function readTablesOf(context: Context, functionIndex: number): void {
  const user = draftAt(context.table, functionIndex);
  for (const reference of user.codeReferences) {
    const target = draftAt(context.table, reference.symbol);
    if (target.elfSection !== context.tables.elfSection || target.dataReferences.length > 0) continue;
    readEntries(context, user, functionIndex, target);
  }
}

function readEntries(context: Context, user: AtomDraft, functionIndex: number, target: AtomDraft): void {
  const { bytes } = target;
  const where = (): string[] => [
    `section ${quote(JUMP_TABLES)}`,
    quote(target.name),
    `used by ${quote(user.name)}`,
  ];
  if (bytes === null || target.size % JUMP_TABLE_ENTRY !== 0) {
    throw inputError(
      'object-jump-table',
      where(),
      `has ${target.size} bytes, not a multiple of ${JUMP_TABLE_ENTRY}`,
    );
  }
  for (let offset = 0; offset < target.size; offset += JUMP_TABLE_ENTRY) {
    const addend =
      addendInData(bytes, offset, JUMP_TABLE_ENTRY, { order: context.elf.byteOrder, where }) - user.offset;
    if (addend < 0 || addend >= user.size || addend % JUMP_TABLE_ENTRY !== 0) {
      throw inputError(
        'object-jump-table',
        where(),
        `entry ${offset / JUMP_TABLE_ENTRY} is outside the function`,
        {
          offset,
        },
      );
    }
    target.dataReferences.push({
      kind: 'code-offset',
      offset,
      width: JUMP_TABLE_ENTRY,
      symbol: functionIndex,
      addend,
    });
  }
  bytes.fill(0);
}
