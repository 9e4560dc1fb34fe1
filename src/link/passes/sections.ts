/**
 * Sections of all inputs, merged by name.
 *
 * Flags are combined, alignment is the largest, and a section that is NOBITS in one input and PROGBITS in
 * another becomes PROGBITS (libbpf refuses both; GCC and clang do differ here). Code and data of one name
 * cannot be merged. Sizes are bounded: by the signed 32 bits of an offset in an instruction, and where zeros
 * have to be written out, by what a file can reasonably hold.
 */

import { elementAt, noElement } from '../../bytes/index.ts';
import { type Problem, problem, quote } from '../../diag/index.ts';
import { SHF_MERGE, SHF_STRINGS, SHT_NOBITS, SHT_PROGBITS } from '../../elf/index.ts';
import { type BpfObject, type SectionShell, sizeOfSymbol } from '../../object/index.ts';
import { entryAt } from '../resolve/index.ts';

export interface MergedSections {
  readonly shells: readonly SectionShell[];
  /** For each input: section index → index in `shells`. */
  readonly indexes: readonly Int32Array[];
  readonly problems: readonly Problem[];
}

export function mergeSections(objects: readonly BpfObject[]): MergedSections {
  const shells: SectionShell[] = [];
  const firstFile: string[] = [];
  const byName = new Map<string, number>();
  const problems: Problem[] = [];
  const indexes = objects.map(object => {
    const map = new Int32Array(object.sections.length);
    object.sections.forEach((section, index) => {
      const known = byName.get(section.name);
      if (known === undefined) {
        byName.set(section.name, shells.length);
        map[index] = shells.length;
        shells.push(section);
        firstFile.push(object.name);
        return;
      }
      map[index] = known;
      const before = elementAt(shells, known);
      if (before.role !== section.role)
        problems.push(roleProblem(object, section, before, elementAt(firstFile, known)));
      shells[known] = unite(before, section);
    });
    return map;
  });
  problems.push(...sizeProblems(objects, shells, indexes));
  return { shells, indexes, problems };
}

/** Values of maps, which data sections become, have less than 2 GiB. */
const MAX_SIZE = 0x7fffffff;
/** `.bss` of one input that has to be written out because another one has bytes in it. */
const MAX_ZEROS = 0x10000000;

function sizeProblems(
  objects: readonly BpfObject[],
  shells: readonly SectionShell[],
  indexes: readonly Int32Array[],
): Problem[] {
  const sizes = new Array<number>(shells.length).fill(0);
  const zeros = new Array<number>(shells.length).fill(0);
  objects.forEach((object, file) => {
    for (const symbol of object.symbols) {
      if (symbol.kind === 'extern') continue;
      const section = entryAt(indexes, { file, index: symbol.section });
      sizes[section] = (sizes[section] ?? noElement(sizes, section)) + sizeOfSymbol(symbol);
      if (symbol.kind === 'variable' && symbol.bytes === null)
        zeros[section] = (zeros[section] ?? noElement(zeros, section)) + symbol.size;
    }
  });
  return shells.flatMap((shell, index) => {
    const [size = 0, zero = 0] = [sizes[index], zeros[index]];
    if (size <= MAX_SIZE && (shell.type === SHT_NOBITS || zero <= MAX_ZEROS)) return [];
    return [sizeProblem(shell, size)];
  });
}

function sizeProblem(shell: SectionShell, size: number): Problem {
  return problem(
    'link-section-size',
    [`section ${quote(shell.name)}`],
    `would have ${size} bytes, more than a map or a file can hold`,
  );
}

/** One section for two of a name. */
export function unite(a: SectionShell, b: SectionShell): SectionShell {
  const type = a.type === b.type ? a.type : SHT_PROGBITS;
  const flags = a.entsize === b.entsize ? unionOfFlags(a.flags, b.flags) : (a.flags | b.flags) & ~MERGE_FLAGS;
  const align = Math.max(a.align, b.align);
  const entsize = a.entsize === b.entsize ? a.entsize : 0;
  return { name: a.name, type, flags, align, entsize, role: a.role };
}

const MERGE_FLAGS = SHF_MERGE | SHF_STRINGS;

/** Merging (`SHF_MERGE | SHF_STRINGS`) is allowed only where all inputs allow it; the others are combined. */
function unionOfFlags(a: number, b: number): number {
  const merge = a & b & MERGE_FLAGS;
  return ((a | b) & ~MERGE_FLAGS) | merge;
}

function roleProblem(
  object: BpfObject,
  section: SectionShell,
  before: SectionShell,
  firstFile: string,
): Problem {
  return problem(
    'link-section-role',
    [object.name, `section ${quote(section.name)}`],
    `holds ${section.role} here and ${before.role} in ${firstFile}`,
    { hint: 'give one of them another section name' },
  );
}
