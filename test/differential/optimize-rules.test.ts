/**
 * What the optimizer must not do, each rule with members in C that show it: what stays a call, what is not
 * shared, what the verifier would refuse. Every member runs the same before and after, alone between others and four
 * times.
 */

import { beforeAll, expect, test } from 'vitest';
import { elementAt } from '../../src/bytes/index.ts';
import { CodeView } from '../../src/isa/index.ts';
import * as isa from '../../src/isa/opcodes.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import type { OptimizeOptions, ProgramOptimization } from '../../src/link/optimize/model/options.ts';
import { optimize } from '../../src/link/optimize/optimize.ts';
import type { ChainRelinkOptions } from '../../src/link/relink-chain.ts';
import type { BpfObject, FunctionSymbol } from '../../src/object/model/model.ts';
import { needs } from '../support/needs.ts';
import {
  ALL_MEMBERS,
  compileMembers,
  type MemberName,
  memberChain,
  memberPackets,
  TC_MEMBERS,
} from './members.ts';
import { attempt, type Before, beforeOf, labelOf, outcomeOf, wrongWith } from './optimized.ts';
import { FULL, SCOPES, STAGES, type Variant } from './stages.ts';

const SEED = 8;
const { sys } = kernelForTests();
const steps = memberPackets().map(packet => ({ program: 'chain', packet }));

const VARIANTS: readonly Variant[] = [
  ...SCOPES.map(scope => ({ stage: FULL, scope })),
  { stage: 'A inline', scope: 'all' },
  { stage: 'C constants', scope: 'all' },
  { stage: 'packet loads without facts', scope: 'single' },
];

/** Those that the kernel refuses as they are. */
const REFUSED: readonly MemberName[] = ['below'];
/** More than the four frames of one of them fit in a program. */
const LARGE: readonly MemberName[] = ['huge', 'large'];

needs('clang').describe('members that need care', () => {
  let members: ReadonlyMap<MemberName, BpfObject> = new Map();
  beforeAll(() => {
    members = compileMembers(ALL_MEMBERS);
  }, 60_000);

  const chain = (names: readonly MemberName[], options: ChainRelinkOptions = {}) =>
    memberChain(members, names, options);

  /** The chain before; it runs in the machine or in the kernel. */
  function before(names: readonly MemberName[], options: ChainRelinkOptions = {}): Before {
    return beforeOf(chain(names, options), SEED, steps, sys);
  }

  /** What was done to the chain with all passes, after a comparison at every stage and scope. */
  function proven(
    names: readonly MemberName[],
    options: Omit<OptimizeOptions, 'passes'> = {},
  ): ProgramOptimization {
    const was = before(names);
    for (const variant of VARIANTS) {
      const outcome = attempt(was, variant, sys, options);
      expect(wrongWith(outcome, variant), labelOf(variant)).toBeUndefined();
      if (typeof outcome === 'object') expect(outcome.refused, labelOf(variant)).toBeUndefined();
    }
    const { report } = outcomeOf(was, { stage: FULL, scope: options.inline ?? 'all' }, sys, options);
    return elementAt(report.programs, 0);
  }

  const reasonsOf = ({ kept }: ProgramOptimization, name: string) =>
    kept.filter(call => call.function === name).map(({ reason }) => reason);
  const inlinedOf = ({ inlined }: ProgramOptimization) => inlined.map(call => call.function);

  const others = (name: MemberName): readonly [MemberName, MemberName] =>
    TC_MEMBERS.includes(name) ? ['looks', 'marked'] : ['plain', 'again'];

  test.each(ALL_MEMBERS)('%s runs the same between others and four times', name => {
    const [first, last] = others(name);
    for (const names of [
      [name, name, name, name],
      [first, name, last, name],
    ]) {
      const was = before(names);
      if (!REFUSED.includes(name) && sys !== undefined) expect(was.kernel).toBeTypeOf('object');
      for (const variant of VARIANTS) {
        const outcome = attempt(was, variant, sys);
        expect(wrongWith(outcome, variant), `${names.join()}: ${labelOf(variant)}`).toBeUndefined();
        if (typeof outcome === 'object' && !LARGE.includes(name))
          expect(outcome.refused, `${names.join()}: ${labelOf(variant)}`).toBeUndefined();
      }
    }
  });

  test('all members in one chain', () => {
    const suits = (name: MemberName) => ![...REFUSED, ...LARGE, 'jumps', 'deep', 'saved'].includes(name);
    const isClassifier = (name: MemberName) => TC_MEMBERS.includes(name);
    for (const group of [ALL_MEMBERS.filter(name => !isClassifier(name)), TC_MEMBERS]) {
      const names = group.filter(suits);
      const { refused, inlined } = proven(names, { inline: 'single' });
      expect(refused).toBeNull();
      expect(inlined.length).toBeGreaterThan(names.length / 2);
    }
  });

  test('a member is inlined', () => {
    expect(inlinedOf(proven(['plain', 'again']))).toEqual(expect.arrayContaining(['plain', 'again']));
  });

  test('a function that tail-calls stays: success leaves only this function', () => {
    const done = proven(['plain', 'jumps', 'again']);
    expect(reasonsOf(done, 'jumps')).toEqual([expect.stringMatching(/tail call/)]);
    expect(inlinedOf(done)).toEqual(expect.arrayContaining(['plain', 'again']));
  });

  test('the frame above a tail call stays below 256 bytes', () => {
    const done = proven(['large', 'jumps']);
    if (done.refused === null) expect(reasonsOf(done, 'jumps')).toHaveLength(1);
    expect(done.stack.after).toBeLessThan(256);
  });

  test('frames do not exceed 512 bytes together with the calls that stay', () => {
    const done = proven(['large', 'huge'], { noInline: ['deep'] });
    if (done.refused === null) expect(reasonsOf(done, 'deep')).toHaveLength(1);
    expect(done.stack.after).toBeLessThanOrEqual(512 - 240);
  });

  test('a callback stays a function; who calls bpf_loop is inlined', () => {
    expect(inlinedOf(proven(['plain', 'callback']))).toContain('callback');
    const { object } = optimize(chain(['plain', 'callback']), { inline: 'all' });
    expect(functionsOf(object).map(({ name }) => name)).toContain('body');
  });

  test('a callback that is called too', () => {
    const done = proven(['plain', 'direct']);
    expect(reasonsOf(done, 'body')).toEqual([expect.stringMatching(/address is taken/)]);
  });

  test('may_goto counts in a stack slot of its function', () => {
    expect(reasonsOf(proven(['plain', 'may']), 'turn')).toEqual([expect.stringMatching(/may_goto/)]);
  });

  test('LD_ABS ends the program that it is in', () => {
    expect(reasonsOf(proven(['looks', 'classic', 'marked']), 'classic')).toEqual([
      expect.stringMatching(/LD_ABS/),
    ]);
  });

  test.each([
    ['callx', isa.OP_CALLX, /callx/],
    ['gotox', isa.OP_GOTOX, /gotox/],
  ])('%s stays in a function of its own', (_, opcode, reason) => {
    const object = withLastInsn(chain(['plain', 'twice']), 'add', opcode);
    const { report, object: after } = optimize(object, { inline: 'all' });
    expect(reasonsOf(elementAt(report.programs, 0), 'add')).toEqual([
      expect.stringMatching(reason),
      expect.stringMatching(reason),
    ]);
    expect(functionOf(after, 'add').code).toEqual(functionOf(object, 'add').code);
  });

  test('recursion is left alone', () => {
    const object = callingItself(chain(['plain', 'deep']), 'low');
    const { report } = optimize(object, { inline: 'all' });
    expect(report.programs).toHaveLength(1);
  });

  test('functions that are to stay are called, and are in the types', () => {
    const done = proven(['plain', 'reads', 'again'], { noInline: ['reads'] });
    expect(reasonsOf(done, 'reads')).toHaveLength(1);
    const { object } = optimize(chain(['plain', 'reads', 'again']), { noInline: ['reads'] });
    expect(functionOf(object, 'reads').btfId).toBeGreaterThan(0);
  });

  test.each([
    [['reads', 'writes', 'reads', 'writes', 'reads']],
    [['reads', 'wide', 'reads', 'wide', 'again']],
    [['plain', 'moves', 'plain', 'moves', 'again']],
    [['again', 'cuts', 'again', 'cuts', 'reads']],
    [['reads', 'meta', 'reads', 'meta', 'reads']],
    [['counter', 'counter', 'counts', 'counter']],
    [['swaps', 'counts', 'swaps', 'swaps']],
    [['locked', 'locked', 'rcu', 'locked']],
    [['ring', 'ring', 'reads', 'ring']],
    [['chooses', 'plain', 'chooses', 'again', 'chooses']],
    [['halves', 'low', 'partial', 'halves']],
    [['offsets', 'offsets', 'chooses', 'offsets']],
    [['chosen', 'deep', 'chosen', 'pointer', 'twice']],
    [['loops', 'varies', 'loops', 'varies']],
    [['queue', 'meta', 'queue', 'moves', 'queue']],
    [['marks', 'marked', 'boxes', 'marks', 'marked', 'boxes']],
    [['looks', 'stores', 'looks', 'stores', 'looks']],
    [['looks', 'pulls', 'looks', 'pulls', 'looks']],
    [['socket', 'marks', 'socket', 'marked']],
  ] as const)('%j', names => {
    expect(proven(names).refused).toBeNull();
  });

  test('nothing is shared across a call that stays', () => {
    for (const kept of ['writes', 'wide', 'moves', 'cuts', 'meta'] as const) {
      const done = proven(['reads', kept, 'reads', 'plain', kept, 'reads'], { noInline: [kept] });
      expect(reasonsOf(done, kept).length).toBeGreaterThan(0);
    }
    for (const kept of ['marks', 'stores', 'pulls'] as const) {
      const done = proven(['looks', kept, 'looks', 'marked', kept, 'marked'], { noInline: [kept] });
      expect(reasonsOf(done, kept).length).toBeGreaterThan(0);
    }
  });

  test('records of CO-RE go with their instructions', () => {
    const object = chain(['offsets', 'offsets', 'plain', 'offsets']);
    for (const passes of Object.values(STAGES))
      for (const inline of SCOPES) {
        const functions = functionsOf(optimize(object, { inline, passes }).object);
        for (const { code, coreRecords } of functions) {
          const boundaries = starts(new CodeView(code, 'little'));
          expect(coreRecords.every(({ insnIndex }) => boundaries.has(insnIndex))).toBe(true);
        }
        expect(functions.some(({ coreRecords }) => coreRecords.length > 0)).toBe(true);
      }
  });

  test('lines ascend, start with each function, and are never on a second slot', () => {
    const object = chain(['plain', 'twice', 'loops', 'pointer', 'again']);
    for (const passes of Object.values(STAGES))
      for (const inline of SCOPES)
        for (const symbol of functionsOf(optimize(object, { inline, passes }).object)) {
          const at = [...symbol.lines].map(({ insnIndex }) => insnIndex);
          expect(at).toEqual([...new Set(at)].sort((a, b) => a - b));
          expect(at[0]).toBe(0);
          const boundaries = starts(new CodeView(symbol.code, 'little'));
          expect(at.every(index => boundaries.has(index))).toBe(true);
        }
  });

  test('an instruction that names a variable has the line of its member', () => {
    const { object } = optimize(chain(['plain', 'reads', 'queue']), { inline: 'all' });
    const { references, lines } = functionOf(object, 'chain');
    const files = new Map([
      ['seen', 'plain.bpf.c'],
      ['sevens', 'reads.bpf.c'],
      ['queues', 'queue.bpf.c'],
    ]);
    let found = 0;
    for (const { insnIndex, symbol } of references) {
      const file = files.get(elementAt(object.symbols, symbol).name);
      if (file === undefined) continue;
      const line = [...lines].filter(record => record.insnIndex <= insnIndex).at(-1);
      expect(line?.file.endsWith(file)).toBe(true);
      found++;
    }
    expect(found).toBeGreaterThanOrEqual(3);
  });
});

const functionsOf = ({ symbols }: BpfObject): FunctionSymbol[] =>
  symbols.filter(symbol => symbol.kind === 'function');

function functionOf(object: BpfObject, name: string): FunctionSymbol {
  const found = functionsOf(object).find(symbol => symbol.name === name);
  if (found === undefined) throw new Error(`no function ${name}`);
  return found;
}

/** Where instructions begin: not the second slot of `ld_imm64`. */
function starts(view: CodeView): ReadonlySet<number> {
  const found = new Set<number>();
  for (let at = 0; at < view.length; at += view.width(at)) found.add(at);
  return found;
}

function changed(
  object: BpfObject,
  name: string,
  change: (symbol: FunctionSymbol) => FunctionSymbol,
): BpfObject {
  return {
    ...object,
    symbols: object.symbols.map(symbol =>
      symbol.kind === 'function' && symbol.name === name ? change(symbol) : symbol,
    ),
  };
}

/** The instruction before the last one gets another opcode. */
function withLastInsn(object: BpfObject, name: string, opcode: number): BpfObject {
  return changed(object, name, symbol => {
    const code = symbol.code.slice();
    code.set([opcode, 0, 0, 0, 0, 0, 0, 0], code.length - 16);
    return { ...symbol, code };
  });
}

/** A function whose first helper call is one of itself. */
function callingItself(object: BpfObject, name: string): BpfObject {
  const self = object.symbols.findIndex(symbol => symbol.kind === 'function' && symbol.name === name);
  return changed(object, name, symbol => {
    const view = new CodeView(symbol.code, object.byteOrder);
    const insnIndex = [...starts(view)].find(at => view.opcode(at) === isa.OP_CALL) ?? 0;
    const code = symbol.code.slice();
    code.set([isa.OP_CALL, isa.BPF_PSEUDO_CALL << 4, 0, 0, 255, 255, 255, 255], insnIndex * 8);
    const call = { insnIndex, kind: 'call', symbol: self, addend: 0 } as const;
    const references = [...symbol.references, call].sort((a, b) => a.insnIndex - b.insnIndex);
    return { ...symbol, code, references };
  });
}
