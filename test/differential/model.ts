/**
 * A random program as data: functions made of operations, variables and maps, each at home in one unit.
 *
 * The same program can be built as one object or as several that are linked, in both byte orders. Every operation is
 * valid wherever it is, so any of them may be removed: this is how a failure is reduced.
 *
 * Conventions inside of functions: r7 is the value that is computed, r8 a second one, r6 the context where there is
 * one, r9 the counter of a loop.
 */

import type { Insn } from '../../src/isa/opcodes.ts';
import type { Comparison, Hook, PacketOp } from './packet-model.ts';

export type Op =
  /** Arithmetic on r7 and r8 only. */
  | { readonly kind: 'alu'; readonly insns: readonly Insn[] }
  /** `insn` jumps over the body. */
  | { readonly kind: 'branch'; readonly insn: Insn; readonly body: readonly Op[] }
  | { readonly kind: 'loop'; readonly count: number; readonly body: readonly Op[] }
  /** r7 goes through the stack while r8 changes. */
  | { readonly kind: 'spill'; readonly slot: number }
  /** A word of a value is read and changed, by an atomic operation or not. */
  | { readonly kind: 'lookup'; readonly map: number; readonly mask: number; readonly atomic: number | null }
  | { readonly kind: 'update'; readonly map: number; readonly mask: number; readonly flags: number }
  | { readonly kind: 'delete'; readonly map: number; readonly mask: number }
  | {
      readonly kind: 'variable';
      readonly variable: number;
      readonly offset: number;
      readonly size: 1 | 2 | 4 | 8;
      readonly access: 'load' | 'store' | 'add' | 'atomic';
      /** Operation of an atomic access. */
      readonly atomic: number;
    }
  /** A plain function with two numbers, or one that takes the context and a number. */
  | { readonly kind: 'call'; readonly callee: number }
  | { readonly kind: 'bpf-loop'; readonly callback: number; readonly count: number }
  | PacketOp
  /** Comparisons of a few bits of r8, one after the other, some of which change these bits. */
  | { readonly kind: 'compare'; readonly mask: number; readonly tests: readonly Comparison[] }
  /** Moves of half registers, and comparisons of them and of the whole ones. */
  | { readonly kind: 'narrow'; readonly form: number; readonly value: number }
  /** r7 goes through the stack by a pointer that a branch chose, while `body` runs. */
  | { readonly kind: 'frame'; readonly insn: Insn; readonly body: readonly Op[] }
  /** A byte of a string of a mergeable section. */
  | { readonly kind: 'string'; readonly text: string; readonly at: number }
  | { readonly kind: 'tail-call'; readonly map: number; readonly index: number }
  /** The offset of a member of `struct xdp_md`, by a CO-RE record. */
  | { readonly kind: 'core'; readonly member: number };

export type Role = 'program' | 'plain' | 'context' | 'callback';
export type Standing = 'global' | 'weak' | 'local';

interface EntityBase {
  /** Position in its list. */
  readonly id: number;
  /** Statics of several units may have the same. */
  readonly name: string;
  readonly unit: number;
  readonly standing: Standing;
  /** Other units with the same definition, for folding; empty unless the standing is global. */
  readonly repeatedIn: readonly number[];
  /** Other units with a weak definition that loses; empty when the standing is local. */
  readonly weakIn: readonly number[];
}

export interface FunctionEntity extends EntityBase {
  readonly role: Role;
  readonly section: string;
  readonly ops: readonly Op[];
  /** Where r7 starts in functions without numbers as arguments. */
  readonly start: number;
}

export interface VariableEntity extends EntityBase {
  readonly section: string;
  /** No two variables have the same: it identifies them under any name. */
  readonly size: number;
  /** Initial values, 8 bytes each; empty for zeros. */
  readonly words: readonly bigint[];
}

export interface MapEntity extends EntityBase {
  readonly type: 'array' | 'hash' | 'programs';
  /** No two maps have the same: it identifies them under any name. */
  readonly entries: number;
  readonly valueWords: number;
  /** Programs in a program array. */
  readonly targets: readonly number[];
}

export interface Model {
  readonly seed: number;
  readonly hook: Hook;
  readonly units: number;
  /** Bits of the value that programs return; 0 for all of them. */
  readonly verdictMask: number;
  readonly functions: readonly FunctionEntity[];
  readonly variables: readonly VariableEntity[];
  readonly maps: readonly MapEntity[];
}

/** All operations, those inside of others too. */
export function* allOps(ops: readonly Op[]): Generator<Op> {
  for (const op of ops) {
    yield op;
    if ('body' in op) yield* allOps(op.body);
  }
}

/** What a program can reach, computed from the model alone: an opinion of its own on garbage collection. */
export interface Reached {
  readonly functions: ReadonlySet<number>;
  readonly variables: ReadonlySet<number>;
  readonly maps: ReadonlySet<number>;
}

export function reachedFrom(model: Model, roots: readonly number[]): Reached {
  const functions = new Set(roots);
  const variables = new Set<number>();
  const maps = new Set<number>();
  const work = [...roots];
  const visit = (id: number): void => {
    if (functions.has(id)) return;
    functions.add(id);
    work.push(id);
  };
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    for (const op of allOps(model.functions[id]?.ops ?? [])) {
      if (op.kind === 'call') visit(op.callee);
      else if (op.kind === 'bpf-loop') visit(op.callback);
      else if (op.kind === 'variable') variables.add(op.variable);
      else if ('map' in op) {
        maps.add(op.map);
        for (const target of model.maps[op.map]?.targets ?? []) visit(target);
      }
    }
  }
  return { functions, variables, maps };
}

export function programsIn(model: Model): FunctionEntity[] {
  return model.functions.filter(entity => entity.role === 'program');
}

/** Text of a model for a message: what its functions do. */
export function describeModel(model: Model): string {
  const lines = [`seed ${model.seed}, ${model.units} units`];
  const text = (value: unknown): string =>
    JSON.stringify(value, (name, part: unknown) => (name === 'words' ? undefined : part));
  for (const { id, name, unit, standing, role, section, ops } of model.functions) {
    lines.push(`f${id} ${standing} ${role} ${name} in unit ${unit}, ${section}:`);
    for (const op of ops) lines.push(`    ${text(op)}`);
  }
  for (const entity of [...model.variables, ...model.maps]) lines.push(text(entity));
  return lines.join('\n');
}
