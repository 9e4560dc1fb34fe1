/**
 * Section renames.
 *
 * The name of a section specifies what loaders do with it, so a rename must not turn code into data, or data
 * into maps. What follows from the new name is changed along: data that leaves `.bss` gets its zeros written
 * out, and writability is that of `.data` or `.rodata`. If the object already has a section of the new name,
 * the two are merged.
 */

import { given } from '../../bytes/index.ts';
import {
  describeLimit,
  didYouMean,
  type Limits,
  limitOf,
  type Problem,
  problem,
  quote,
  raiseHint,
} from '../../diag/index.ts';
import { SHF_WRITE, SHT_NOBITS, SHT_PROGBITS } from '../../elf/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isTextSection,
  JUMP_TABLES,
  programTypeOf,
  type SectionShell,
} from '../../object/index.ts';
import { unite } from '../passes/index.ts';
import { KERNEL_SECTIONS } from '../resolve/index.ts';
import { type Edited, renamedTwice, type SymbolRename } from './rename.ts';

type Role = SectionShell['role'];

/** Gives sections other names, all at once. What leaves `.bss` is limited by `limits.zeros`. */
export function renameSections(object: BpfObject, renames: readonly SymbolRename[], limits?: Limits): Edited {
  const table = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { from, to } of renames) {
    const known = table.get(from);
    const problem =
      known !== undefined && known !== to
        ? renamedTwice(object.name, from, [known, to])
        : refuse(object, from, to);
    if (problem === null) table.set(from, to);
    else problems.push(problem);
  }
  if (problems.length > 0) return { object, problems, notes: [] };
  const moved = moveSections(object, table, limitOf(limits, 'zeros'));
  return { ...moved, notes: [] };
}

/** Whether the object has something in the section, or externs that belong there. */
export function hasSection(object: BpfObject, name: string): boolean {
  return (
    object.sections.some(section => section.name === name) ||
    object.symbols.some(symbol => symbol.kind === 'extern' && symbol.section === name)
  );
}

export function noSuchSection(
  object: { readonly name: string } | null,
  name: string,
  candidates: readonly string[],
): Problem {
  return problem(
    'link-unknown-section',
    object === null ? [] : [object.name],
    `cannot rename section ${quote(name)}: there is no such section`,
    { subject: name, ...didYouMean(name, candidates) },
  );
}

function refuse(object: BpfObject, from: string, to: string): Problem | null {
  if (!hasSection(object, from))
    return noSuchSection(
      object,
      from,
      object.sections.map(section => section.name),
    );
  const shell = object.sections.find(section => section.name === from);
  if (to === '' || KERNEL_SECTIONS.has(from) || KERNEL_SECTIONS.has(to))
    return sectionProblem(object, from, to, 'the name specifies where a loader looks for externs');
  const [role, wanted] = [shell?.role ?? roleOfName(from), roleOfName(to)];
  if (role !== undefined && wanted !== undefined && role !== wanted)
    return sectionProblem(object, from, to, `it holds ${role}, and the name is reserved for ${wanted}`);
  if (role === 'maps' || wanted === 'maps')
    return role === wanted && from === to
      ? null
      : sectionProblem(object, from, to, 'maps are always in ".maps", and nothing else is');
  if (to.startsWith('.bss') && shell !== undefined && shell.type !== SHT_NOBITS)
    return sectionProblem(object, from, to, 'it has bytes, and loaders expect none there');
  return null;
}

/** What a section of this name can hold; undefined where any would do. */
function roleOfName(name: string): Role | undefined {
  if (name === '.maps') return 'maps';
  if (isTextSection(name) || programTypeOf(name) !== undefined) return 'code';
  const isData =
    ['.data', '.rodata', '.bss'].some(prefix => name === prefix || name.startsWith(`${prefix}.`)) ||
    ['.struct_ops', '?.struct_ops', '.addr_space', JUMP_TABLES].some(prefix => name.startsWith(prefix)) ||
    name === 'license' ||
    name === 'version';
  return isData ? 'data' : undefined;
}

function sectionProblem(object: BpfObject, from: string, to: string, why: string): Problem {
  return problem(
    'link-section-role',
    [object.name, `section ${quote(from)}`],
    `cannot be renamed to ${quote(to)}: ${why}`,
  );
}

// --- moving -------------------------------------------------------------------------------------------------------

/** Sections under their new names; those that meet become one. `limit`: of zeros. */
function moveSections(
  object: BpfObject,
  table: ReadonlyMap<string, string>,
  limit: number,
): Omit<Edited, 'notes'> {
  const sections: SectionShell[] = [];
  const byName = new Map<string, number>();
  const problems: Problem[] = [];
  const indexes = object.sections.map(shell => {
    const to = table.get(shell.name);
    const renamed = to === undefined ? shell : renameShell(shell, to);
    const known = byName.get(renamed.name);
    if (known === undefined) {
      byName.set(renamed.name, sections.length);
      return sections.push(renamed) - 1;
    }
    const before = sections[known] ?? renamed;
    if (before.role !== renamed.role)
      problems.push(
        sectionProblem(
          object,
          shell.name,
          renamed.name,
          `it holds ${renamed.role}, and the other one ${before.role}`,
        ),
      );
    sections[known] = unite(before, renamed);
    return known;
  });
  if (problems.length > 0) return { object, problems };
  const moved = object.symbols.map(symbol => moveSymbol(symbol, table, indexes));
  const zeros = moved.reduce((sum, symbol) => sum + zerosIn(symbol, sections), 0);
  if (zeros > limit) return { object, problems: [zerosProblem(object, zeros, limit)] };
  const symbols = moved.map(symbol => withZeros(symbol, sections));
  return { object: { ...object, sections, symbols }, problems: [] };
}

function zerosProblem(object: BpfObject, zeros: number, limit: number): Problem {
  return problem(
    'link-section-size',
    [object.name],
    `a section that leaves ".bss" would have ${zeros} bytes of zeros, more than the limit of ${describeLimit('zeros', limit)}`,
    given({ hint: raiseHint('zeros', limit, zeros) }),
  );
}

function renameShell(shell: SectionShell, name: string): SectionShell {
  const flags = name.startsWith('.rodata')
    ? shell.flags & ~SHF_WRITE
    : name.startsWith('.data') || name.startsWith('.bss')
      ? shell.flags | SHF_WRITE
      : shell.flags;
  const type = name.startsWith('.bss') ? shell.type : SHT_PROGBITS;
  return { ...shell, name, flags, type };
}

function moveSymbol(
  symbol: BpfSymbol,
  table: ReadonlyMap<string, string>,
  indexes: readonly number[],
): BpfSymbol {
  if (symbol.kind !== 'extern') return { ...symbol, section: indexes[symbol.section] ?? symbol.section };
  const to = symbol.section === null ? undefined : table.get(symbol.section);
  return to === undefined ? symbol : { ...symbol, section: to };
}

/** Bytes that a variable without contents needs where its section has contents. */
function zerosIn(symbol: BpfSymbol, sections: readonly SectionShell[]): number {
  if (symbol.kind !== 'variable' || symbol.bytes !== null) return 0;
  return sections[symbol.section]?.type === SHT_NOBITS ? 0 : symbol.size;
}

function withZeros(symbol: BpfSymbol, sections: readonly SectionShell[]): BpfSymbol {
  if (symbol.kind !== 'variable' || zerosIn(symbol, sections) === 0) return symbol;
  return { ...symbol, bytes: new Uint8Array(symbol.size) };
}
