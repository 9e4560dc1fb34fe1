/**
 * Sections of all inputs, merged by name.
 *
 * Flags are united, alignment is the largest, and a section that is NOBITS in one input and PROGBITS in another becomes
 * PROGBITS (libbpf refuses both; GCC and clang do differ here). Code and data of one name cannot be merged.
 */

import { type Problem, quote } from '../diag/index.ts';
import type { BpfObject, SectionShell } from '../object/index.ts';

export interface MergedSections {
  readonly shells: readonly SectionShell[];
  /** For each input: section index → index in `shells`. */
  readonly indexes: readonly Int32Array[];
  readonly problems: readonly Problem[];
}

const SHT_PROGBITS = 1;

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
      const before = shells[known];
      if (before === undefined) return;
      if (before.role !== section.role)
        problems.push(roleProblem(object, section, before, firstFile[known] ?? ''));
      shells[known] = unite(before, section);
    });
    return map;
  });
  return { shells, indexes, problems };
}

function unite(a: SectionShell, b: SectionShell): SectionShell {
  return {
    ...a,
    type: a.type === b.type ? a.type : SHT_PROGBITS,
    flags: unionOfFlags(a.flags, b.flags),
    align: Math.max(a.align, b.align),
    entsize: a.entsize === b.entsize ? a.entsize : 0,
  };
}

const MERGE_FLAGS = 0x30;

/** Merging (`SHF_MERGE | SHF_STRINGS`) is allowed only where all inputs allow it; the rest is united. */
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
  return {
    code: 'link-section-role',
    class: 'input',
    where: [object.name, `section ${quote(section.name)}`],
    message: `holds ${section.role} here and ${before.role} in ${firstFile}`,
    hint: 'give one of them another section name',
  };
}
