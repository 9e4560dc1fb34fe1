/**
 * Copy propagation: uses of a copy read its source.
 *
 * Only between virtual registers that are written once each, and on every path to their uses. Then the copy can
 * always be replaced and has no use afterwards, so at no place are more registers live than before: copies are
 * removed without making spills. Copies of other registers are left to coalescing, which looks at colours. A move
 * of 32 bits is not a copy.
 */

import { elementAt } from '../../../bytes/index.ts';
import { filled, intAt } from '../analysis/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import {
  FIRST_VIRTUAL,
  type Ins,
  isCopy,
  operandsOf,
  READS_DST,
  READS_SRC,
  type Register,
  writtenRegister,
} from '../ir/index.ts';
import { withRegisters } from '../registers/index.ts';

/** Nothing is known, or the register is not a copy. */
const NONE = -1;
/** The register is written at more than one place, or not on every path. */
const VARIES = -2;

/**
 * Replaces uses of copies by their sources; how many nodes changed. The copies stay, without uses. `unwritten`:
 * registers that may be read before they are written.
 */
export function propagateCopies(
  graph: Graph,
  order: readonly BlockIndex[],
  unwritten: readonly Register[],
): number {
  const sources = filled(graph.registers, NONE);
  for (const register of unwritten) sources[register] = VARIES;
  const isWritten = new Uint8Array(graph.registers);
  for (const index of order) for (const ins of graph.block(index).ins) note(ins, sources, isWritten);
  return sources.some(source => source >= 0) ? replace(graph, order, sources) : 0;
}

/** Notes the source of a copy, and registers that are written twice. */
function note(ins: Ins, sources: Int32Array, isWritten: Uint8Array): void {
  const register = writtenRegister(ins);
  if (register < FIRST_VIRTUAL) return;
  if (isWritten[register] === 1) sources[register] = VARIES;
  isWritten[register] = 1;
  if (intAt(sources, register) === NONE && isCopy(ins) && ins.src >= FIRST_VIRTUAL)
    sources[register] = ins.src;
}

function replace(graph: Graph, order: readonly BlockIndex[], sources: Int32Array): number {
  let changed = 0;
  for (const index of order) {
    const block = graph.block(index);
    const { ins, terminator } = block;
    for (let at = 0; at < ins.length; at++) {
      const before = elementAt(ins, at);
      const after = withSources(before, sources);
      if (after === before) continue;
      ins[at] = after;
      changed++;
    }
    if (terminator.kind !== 'branch') continue;
    const compared = withSources(terminator.ins, sources);
    if (compared === terminator.ins) continue;
    block.terminator = { ...terminator, ins: compared };
    changed++;
  }
  return changed;
}

function withSources(ins: Ins, sources: Int32Array): Ins {
  const operands = operandsOf(ins);
  const dst = (operands & READS_DST) !== 0 ? rootOf(ins.dst, sources) : ins.dst;
  const src = (operands & READS_SRC) !== 0 ? rootOf(ins.src, sources) : ins.src;
  return withRegisters(ins, dst, src);
}

/** The register that a chain of copies starts from. */
function rootOf(register: Register, sources: Int32Array): Register {
  let root = register;
  for (let source = sourceOf(root, sources); source >= 0; source = sourceOf(root, sources)) root = source;
  if (root !== register) sources[register] = root;
  return root;
}

/** The register that this one is a copy of, negative where that cannot replace it. */
function sourceOf(register: Register, sources: Int32Array): Register {
  const source = intAt(sources, register);
  return source >= 0 && intAt(sources, source) === VARIES ? VARIES : source;
}
