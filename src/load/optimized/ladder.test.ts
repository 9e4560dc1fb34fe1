import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { encodeInsns } from '../../isa/opcodes.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import type { InlineScope, Optimized } from '../../link/optimize/model/options.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { BPF_OBJ_GET, BPF_PROG_LOAD } from '../../uapi/commands.ts';
import { E2BIG, EACCES, EINVAL, ENOENT, ENOMEM, ENOTSUPP, EPERM } from '../../uapi/errno.ts';
import { executePlan, planOfVariant, prepareLoad } from '../load.ts';
import { firstVariant, loadVariants, type Optimizer } from './ladder.ts';
import type { OptimizeSetting } from './setting.ts';

const OBJECT = readObject({
  name: 'globals.bpf.o',
  bytes: readFileSync(join(import.meta.dirname, '..', 'testdata/obj/el/globals.bpf.o')),
});
/** Instructions of the program at each step, by which the stand-in for the kernel recognises it. */
const LENGTHS = { all: 54, single: 53, members: 52, none: 51 } as const;
const RETURN = { opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 2 };
const END = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };

/** The object with programs of a length, and nothing that refers to maps. */
function withLength(object: BpfObject, length: number): BpfObject {
  const code = encodeInsns([...Array.from({ length: length - 1 }, () => RETURN), END], object.byteOrder);
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' ? { ...symbol, code, references: [], lines: [], coreRecords: [] } : symbol,
  );
  return { ...object, symbols };
}

const PLAIN = withLength(OBJECT, LENGTHS.none);

function optimizer(
  same: readonly InlineScope[] = [],
  refused: string | null = null,
): (object: BpfObject, step: InlineScope) => Optimized {
  return (object, step) => ({
    object: withLength(object, LENGTHS[step]),
    report: {
      inline: step,
      removed: [],
      programs: [
        {
          program: 'run',
          refused,
          inline: step,
          stepped: null,
          inlined: [{ function: same.includes(step) ? 'same' : step, caller: 'run' }],
          kept: [],
          insns: { before: 2, after: 2 },
          stack: { before: 0, after: 0 },
          shared: 0,
          decided: 0,
          spilled: 0,
        },
      ],
    },
  });
}

interface Answer {
  readonly errno: number;
  readonly log?: string;
}

/** Refuses programs at these steps. `loads`: the steps that were loaded, without repetitions for the log. */
function refusing(answers: Partial<Record<InlineScope, Answer>>) {
  const loads: string[] = [];
  const sys = new FakeSys(({ command, attr }, fake) => {
    if (command === BPF_OBJ_GET) return -ENOENT;
    if (command !== BPF_PROG_LOAD) return undefined;
    const view = new DataView(attr.buffer);
    const length = view.getUint32(4, true);
    const step = Object.entries(LENGTHS).find(([, one]) => one === length)?.[0];
    if (step === undefined) return undefined; // a probe
    if (loads.at(-1) !== step) loads.push(step);
    const answer = answers[step as InlineScope]; // a key of LENGTHS
    if (answer === undefined) return undefined;
    const size = view.getUint32(28, true);
    if (size > 0)
      fake.memory(view.getBigUint64(32, true)).set(new TextEncoder().encode(`${answer.log ?? ''}\0`));
    return -answer.errno;
  });
  return { sys, loads };
}

interface Situation {
  readonly setting?: OptimizeSetting;
  readonly optimizer?: Optimizer;
  /** Processed instructions by step. */
  readonly processed?: Partial<Record<InlineScope, number>>;
}

function load(sys: FakeSys, situation: Situation = {}) {
  const options = { pinRoot: null };
  const discarded: string[] = [];
  const { setting = { level: 1 }, processed = {} } = situation;
  const made = loadVariants(
    PLAIN,
    setting,
    {
      load: variant => {
        const plan = planOfVariant(prepareLoad(variant.object, sys, options).plan, variant);
        return { step: variant.step, loaded: executePlan(plan, sys, options) };
      },
      loadedOf: ({ loaded, step }) => {
        const count = processed[step];
        // info() of the stand-in has no numbers
        return count === undefined
          ? loaded
          : Object.assign(Object.create(loaded), {
              programs: new Map([['run', { info: () => ({ verifiedInsns: count }) }]]),
            });
      },
      discard: ({ loaded, step }) => {
        discarded.push(step);
        loaded.discard();
      },
      processedBefore: () => processed.none,
    },
    situation.optimizer ?? optimizer(),
  );
  return { ...made, discarded };
}

const REFUSED: Answer = { errno: EACCES, log: "R1 invalid mem access 'scalar'\nprocessed 1 insns" };
const COMPLEX: Answer = {
  errno: E2BIG,
  log: 'BPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns',
};

describe('steps', () => {
  test('what the verifier accepts is loaded once, without a note', () => {
    const { sys, loads } = refusing({});
    const { step, loaded } = load(sys);
    expect({ step, loads, notes: loaded.notes }).toEqual({ step: 'single', loads: ['single'], notes: [] });
    expect(loaded.plan.optimized).toBe('single');
  });

  test('a refusal steps down, and the note gives its first line', () => {
    const { sys, loads } = refusing({ single: REFUSED });
    const { step, loaded } = load(sys);
    expect({ step, loads }).toEqual({ step: 'members', loads: ['single', 'members'] });
    expect(loaded.notes).toEqual([
      'globals.bpf.o: optimized at step members: the verifier refused single: program "run": R1 invalid mem access \'scalar\'',
    ]);
    loaded.close();
    expect(sys.openFds).toEqual(new Set());
  });

  test('two refusals leave the object as it is', () => {
    const { sys, loads } = refusing({ single: REFUSED, members: COMPLEX });
    const { step, loaded } = load(sys);
    expect({ step, loads }).toEqual({ step: 'none', loads: ['single', 'members', 'none'] });
    expect(loaded.notes).toEqual([
      expect.stringMatching(
        /^globals\.bpf\.o: not optimized: the verifier refused single: .*; the verifier refused members: .*too large/,
      ),
    ]);
    expect(loaded.plan.optimized).toBeUndefined();
    loaded.close();
    expect(sys.openFds).toEqual(new Set());
  });

  test('a refusal of the object as it is, is the error; nothing stays open', () => {
    const last = { errno: EINVAL, log: 'R0 !read_ok\nprocessed 1 insns' };
    const { sys } = refusing({ single: REFUSED, members: COMPLEX, none: last });
    expect(() => load(sys)).toThrow(/R0 !read_ok/);
    expect(sys.openFds).toEqual(new Set());
  });

  test('the ladder begins where the setting says', () => {
    const { sys, loads } = refusing({ all: COMPLEX });
    expect(load(sys, { setting: { level: 1, inline: 'all' } }).step).toBe('single');
    expect(loads).toEqual(['all', 'single']);
    const members = refusing({});
    expect(load(members.sys, { setting: { level: 1, inline: 'members' } }).step).toBe('members');
  });

  test('a step that inlines the same is left out', () => {
    const { sys, loads } = refusing({ single: REFUSED });
    const { step, loaded } = load(sys, { optimizer: optimizer(['single', 'members']) });
    expect({ step, loads }).toEqual({ step: 'none', loads: ['single', 'none'] });
    expect(loaded.notes).toEqual([
      expect.stringMatching(/^globals\.bpf\.o: not optimized: the verifier refused single: [^;]*$/),
    ]);
  });

  test('a name of no function is reported, and the others are kept', () => {
    const { sys } = refusing({});
    const kept: (readonly string[])[] = [];
    const noting: Optimizer = (object, step, { noInline }) => {
      kept.push(noInline);
      return optimizer()(object, step);
    };
    const { loaded } = load(sys, { setting: { level: 1, noInline: ['run', 'gone'] }, optimizer: noting });
    expect({ kept, notes: loaded.notes }).toEqual({
      kept: [['run']],
      notes: ['--no-inline gone has no effect: there is no such function'],
    });
  });

  test('level 0 loads the object as it is', () => {
    const { sys, loads } = refusing({});
    expect(load(sys, { setting: { level: 0 } }).step).toBe('none');
    expect(loads).toEqual(['none']);
  });

  test('a program that cannot be optimized is reported', () => {
    const { sys, loads } = refusing({});
    const { step, loaded } = load(sys, { optimizer: optimizer([], 'it has jump tables') });
    expect({ step, loads }).toEqual({ step: 'none', loads: ['none'] });
    expect(loaded.notes).toEqual(['globals.bpf.o: program "run" is not optimized: it has jump tables']);
  });
});

describe('errors', () => {
  test.each([
    ['EPERM', { errno: EPERM, log: '0: R1 pointer comparison prohibited\nprocessed 1 insns' }],
    ['ENOMEM', { errno: ENOMEM, log: 'no memory\nprocessed 1 insns' }],
    ['EINVAL without a log', { errno: EINVAL }],
  ])('%s would repeat: it is the error', (_, answer) => {
    const { sys, loads } = refusing({ single: answer });
    expect(() => load(sys)).toThrow(RootletError);
    expect(loads).toEqual(['single']);
    expect(sys.openFds).toEqual(new Set());
  });

  test.each([
    ['E2BIG', E2BIG],
    ['ENOTSUPP', ENOTSUPP],
  ])('%s steps down without a log as well', (_, errno) => {
    const { sys } = refusing({ single: { errno } });
    expect(load(sys).step).toBe('members');
  });
});

describe('the verify budget', () => {
  const setting: OptimizeSetting = { level: 1, verifyBudget: true };

  test('within it, the first step stays', () => {
    const { sys, loads } = refusing({});
    const { step, discarded } = load(sys, { setting, processed: { none: 1000, single: 1300 } });
    expect({ step, discarded, loads }).toEqual({ step: 'single', discarded: [], loads: ['single'] });
  });

  test('over it, the load is taken back and the next step is tried', () => {
    const { sys } = refusing({});
    const processed = { none: 1000, single: 1301, members: 900 };
    const { step, discarded, loaded } = load(sys, { setting, processed });
    expect({ step, discarded }).toEqual({ step: 'members', discarded: ['single'] });
    expect(loaded.notes).toEqual([
      'globals.bpf.o: optimized at step members: at step single the verifier processes 1301 instructions, more than 1.2 times the 1000 without optimization plus 100',
    ]);
    loaded.close();
    expect(sys.openFds).toEqual(new Set());
  });

  test('without it, nothing is counted', () => {
    const { sys } = refusing({});
    expect(load(sys, { processed: { none: 10, single: 5000 } }).step).toBe('single');
  });

  test('a kernel that does not count is reported', () => {
    const { sys } = refusing({});
    const { step, loaded } = load(sys, { setting });
    expect(step).toBe('single');
    expect(loaded.notes).toEqual([expect.stringMatching(/verify budget is not checked/)]);
  });
});

test('a dry run has the variant that would be loaded first', () => {
  const variant = firstVariant(PLAIN, { level: 1 }, undefined, optimizer());
  expect(variant).toMatchObject({ step: 'single', notes: [] });
  expect(firstVariant(PLAIN, { level: 0 }, undefined, optimizer())).toMatchObject({
    step: 'none',
    report: null,
  });
  expect(firstVariant(PLAIN, { level: 1 }, undefined, optimizer([], 'odd')).notes).toHaveLength(1);
});
