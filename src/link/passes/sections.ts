/**
 * Sections of all inputs, merged by name.
 *
 * Flags are combined, alignment is the largest, and a section that is NOBITS in one input and PROGBITS in
 * another becomes PROGBITS (libbpf refuses both; GCC and clang do differ here). Code and data of one name
 * cannot be merged. Sizes are bounded: by the signed 32 bits of an offset in an instruction, and where zeros
 * have to be written out, by what a file can reasonably hold.
 */

import { elementAt, given } from '../../bytes/index.ts';
import { describeLimit, limitOf, type Problem, problem, quote, raiseHint } from '../../diag/index.ts';
import { ATOM, FAULT, Image, SHELL, UNIT } from '../../image/index.ts';
import type { SectionShell } from '../../object/index.ts';
import { LINK_FAULT, type LinkColumns, REQUEST } from '../resolve/index.ts';
import * as kernels from './sections.kernel.ts';

export interface MergedSections {
  /** The unit that has them, which becomes the result. */
  readonly unit: number;
  readonly problems: readonly Problem[];
}

/** Adds a unit for the result, with the sections of all inputs. `name`: of the result. */
export function mergeSections(columns: LinkColumns, name: string): MergedSections {
  const { image, request } = columns;
  const unit = image.addUnit(name);
  image.words[request + REQUEST.result] = unit;
  const before = Math.max(1, image.count(FAULT));
  image.run(kernels).mergeShells(request);
  image.run(kernels).checkSizes(request);
  const problems: Problem[] = [];
  for (let fault = before; fault < image.count(FAULT); fault++) problems.push(problemOf(columns, fault));
  return { unit, problems };
}

function problemOf(columns: LinkColumns, fault: number): Problem {
  const { image } = columns;
  const [a, b] = [image.get(FAULT.a, fault), image.get(FAULT.b, fault)];
  if (image.get(FAULT.code, fault) === LINK_FAULT.role) return roleProblem(columns, a, b);
  return b === 0 ? sizeProblem(columns, a) : zerosProblem(columns, a); // LINK_FAULT.size
}

/** Bytes of all symbols of a section of the result. */
function sizeOf({ image, units }: LinkColumns, merged: number): number {
  let size = 0;
  for (const unit of units) {
    const first = image.get(UNIT.atoms, unit);
    for (let atom = first; atom < first + image.get(UNIT.atomCount, unit); atom++) {
      const shell = image.get(ATOM.shell, atom);
      if (shell !== 0 && image.get(SHELL.merged, shell) === merged) size += image.get(ATOM.size, atom) >>> 0;
    }
  }
  return size;
}

function sizeProblem(columns: LinkColumns, merged: number): Problem {
  const { image } = columns;
  return problem(
    'link-section-size',
    [`section ${quote(image.nameText(image.get(SHELL.name, merged)))}`],
    `would have ${sizeOf(columns, merged)} bytes, more than a map or a file can hold`,
  );
}

/** `.bss` of one input that has to be written out because another one has bytes in it. */
function zerosProblem(columns: LinkColumns, merged: number): Problem {
  const { image } = columns;
  const limit = limitOf(image.limits, 'zeros');
  const message = `would have ${sizeOf(columns, merged)} bytes, most of them zeros: more than ${describeLimit('zeros', limit)} are not written out`;
  return problem(
    'link-section-size',
    [`section ${quote(image.nameText(image.get(SHELL.name, merged)))}`],
    message,
    given({ hint: raiseHint('zeros', limit, sizeOf(columns, merged)) }),
  );
}

/** One section for two of a name. */
export function unite(a: SectionShell, b: SectionShell): SectionShell {
  const image = new Image();
  const { unitedType, unitedFlags } = image.run(kernels);
  const isOfOneSize = a.entsize === b.entsize;
  const type = unitedType(a.type, b.type);
  const flags = unitedFlags(a.flags, b.flags, isOfOneSize ? 1 : 0);
  image.release();
  return {
    name: a.name,
    type,
    flags,
    align: Math.max(a.align, b.align),
    entsize: isOfOneSize ? a.entsize : 0,
    role: a.role,
  };
}

const ROLES = ['code', 'data', 'maps'] as const;

function roleProblem({ image, units }: LinkColumns, shell: number, merged: number): Problem {
  const name = image.get(SHELL.name, merged);
  const roleOf = (row: number): string => `${ROLES[image.get(SHELL.role, row)]}`;
  const firstFile = elementAt(
    units.filter(unit => hasShell(image, unit, name)),
    0,
  );
  return problem(
    'link-section-role',
    [image.unitName(image.get(SHELL.unit, shell)), `section ${quote(image.nameText(name))}`],
    `holds ${roleOf(shell)} here and ${roleOf(merged)} in ${image.unitName(firstFile)}`,
    { hint: 'give one of them another section name' },
  );
}

function hasShell(image: Image, unit: number, name: number): boolean {
  const first = image.get(UNIT.shells, unit);
  for (let shell = first; shell < first + image.get(UNIT.shellCount, unit); shell++)
    if (image.get(SHELL.name, shell) === name) return true;
  return false;
}
